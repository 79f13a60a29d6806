//! What happens to one response.
//!
//! Its headers are sent before its body, and a body that is longer than they announce would be read as the next
//! response on the connection. So the length is fixed here, and only a reply that replaces the whole response can add a
//! body where there was none, or remove one.

use crate::body::rewrite::Rewrite;
use crate::body::told_length;
use crate::change::body::{self, BodyChange, framing, is_patchable};
use crate::change::headers::HeaderChanges;
use crate::change::response::ResponseChange;
use crate::entropy::Sequence;
use crate::kind::Kind;
use crate::step::{HeaderChange, LocalReply};
use crate::value::header::is_derived;
use crate::value::http_status::is_bodiless;
use crate::view::ResponseView;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

/// The planned changes to the response of one exchange.
#[derive(Debug)]
pub struct Answer {
    /// The fault that begins with it.
    pub begins: Kind,
    pub change: Rc<ResponseChange>,
    pub delay: Option<Duration>,
    /// The random draws that corrupt its body.
    pub draws: Sequence,
    /// True for a HEAD request, whose response has no body.
    pub head: bool,
    /// True if the request is gRPC.
    pub grpc: bool,
}

/// The fate of a response: changed, replaced or reset.
#[derive(Debug)]
pub enum NewResponse {
    Change {
        headers: Vec<HeaderChange>,
        body: Option<Rewrite>,
        /// After how many bytes of its body the stream is reset.
        cut: Option<u64>,
        /// True if the body cannot take its merge patch, as far as the headers tell.
        unpatched: bool,
    },
    Reply(LocalReply),
    Reset,
}

impl Answer {
    /// Returns whether it depends on the response.
    pub fn is_conditional(&self) -> bool {
        self.change.matches.is_some()
    }

    /// Returns whether to change this response.
    pub fn applies(&self, status: u16, response: &dyn ResponseView) -> bool {
        self.change.matches.as_ref().is_none_or(|matches| matches.holds(status, response))
    }

    /// Decides what happens to a response that is to be changed.
    pub fn outcome(&self, before: u16, response: &dyn ResponseView) -> NewResponse {
        let cut = self.change.reset.as_ref().map(|reset| reset.after_bytes.map_or(0, |count| count.0));
        if cut == Some(0) {
            return NewResponse::Reset;
        }
        if let (true, Some(status)) = (self.grpc, self.change.grpc_status) {
            let mut reply = self.reply(status.http_status(), Vec::new(), &[]);
            reply.headers.push(("grpc-status".into(), status.code().to_string().into()));
            return NewResponse::Reply(LocalReply { grpc_status: Some(status), ..reply });
        }
        let status = self.status().unwrap_or(before);
        let (has_body, may_have) = (response.has_body(), !self.head && !is_bodiless(status));
        let replacement = self.change.body.as_ref().and_then(BodyChange::replacement);
        match replacement {
            _ if has_body && !may_have => self.replaced(status, response, &[]),
            Some(body) if !has_body && may_have && !body.is_empty() => self.replaced(status, response, body),
            _ => self.changed(before, status, response, cut.filter(|_| has_body)),
        }
    }

    fn status(&self) -> Option<u16> {
        let mapped = self.change.grpc_status.filter(|_| !self.grpc).map(|status| status.http_status());
        self.change.status.map(|status| status.get()).or(mapped)
    }

    /// Returns a reply that replaces the response and keeps its headers.
    fn replaced(&self, status: u16, response: &dyn ResponseView, body: &[u8]) -> NewResponse {
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        response.each_header(&mut |name, value| {
            let name = String::from_utf8_lossy(name);
            let goes = name.starts_with(':') || is_derived(&name) || name == "content-encoding";
            if !goes {
                headers.push((name.into_owned(), value.to_vec()));
            }
        });
        NewResponse::Reply(self.reply(status, headers, body))
    }

    fn reply(&self, status: u16, mut headers: Vec<(String, Vec<u8>)>, body: &[u8]) -> LocalReply {
        for change in self.change.headers.iter().flat_map(HeaderChanges::of_reply) {
            match change {
                HeaderChange::Remove(gone) => headers.retain(|(name, _)| *name != gone),
                HeaderChange::Set(name, value) => {
                    headers.retain(|(other, _)| *other != name);
                    headers.push((name, value));
                }
                HeaderChange::Add(name, value) => headers.push((name, value)),
            }
        }
        LocalReply { status, grpc_status: None, headers, body: body.into(), details: "brownout_response" }
    }

    fn changed(
        &self,
        before: u16,
        status: u16,
        response: &dyn ResponseView,
        cut: Option<u64>,
    ) -> NewResponse {
        let mut headers = Vec::new();
        if status != before {
            headers.push(HeaderChange::Set(":status".into(), status.to_string().into()));
        }
        let length = told_length(response.first_value("content-length"));
        if status != before && is_bodiless(status) {
            headers.push(HeaderChange::Remove("content-length".into()));
        } else if !response.has_body()
            && !self.head
            && status != before
            && length.is_some_and(|length| length > 0)
        {
            // A 304 may announce the length of a body that it does not carry.
            headers.push(HeaderChange::Set("content-length".into(), b"0".into()));
        }
        let mut unpatched = false;
        let told = self.change.body.as_ref().filter(|_| response.has_body() || self.head);
        let body = told.filter(|body| {
            unpatched = matches!(body, BodyChange::MergePatch(_))
                && !is_patchable(length, |name| response.first_value(name));
            !unpatched
        });
        if let Some(body) = body {
            headers.extend(framing(body, length));
            if body.replacement().is_some() {
                headers.push(HeaderChange::Remove("content-encoding".into()));
            }
        }
        headers.extend(self.change.headers.iter().flat_map(HeaderChanges::of_reply));
        let body = body
            .filter(|_| response.has_body())
            .map(|body| body.begin(body::length(length, |name| response.first_value(name)), self.draws));
        NewResponse::Change { headers, body, cut, unpatched }
    }
}
