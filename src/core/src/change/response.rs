//! How a document says that a response changes.

use super::body::BodyChange;
use super::headers::HeaderChanges;
use super::status::StatusMatch;
use super::wait::Wait;
use crate::decode::diagnostic::Code;
use crate::decode::{Count, Decoder, Refused, object};
use crate::predicate::header::HeaderMatcher;
use crate::value::grpc::GrpcStatus;
use crate::value::http_status::HttpStatus;
use crate::value::percent::FractionalPercent;
use crate::view::effort::{Effort, Watched};
use crate::view::{HeadersOf, ResponseView};
use crate::words::{anded, percent};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

object! {
    /// Which responses are changed. Without any field, all are.
    #[derive(Debug, Clone)]
    pub struct ResponseMatch {
        /// The status: `503`, `"5xx"`, or a list of such.
        pub status: Option<StatusMatch>,
        /// Conditions on its headers, as on a request's; all have to hold.
        pub headers: Option<Vec<HeaderMatcher>>,
    }
}

impl ResponseMatch {
    pub(crate) fn holds(&self, status: u16, response: &dyn ResponseView) -> bool {
        let (headers, effort) = (HeadersOf(response), Effort::default());
        let headers = Watched { request: &headers, effort: &effort };
        self.status.as_ref().is_none_or(|wanted| wanted.includes(status))
            && self.headers.iter().flatten().all(|header| header.matches(&headers) && !effort.was_short())
    }
}

object! {
    /// The stream is reset in the middle of the response.
    #[derive(Debug, Clone)]
    pub struct ResponseReset {
        /// After so many bytes of its body; before anything of it has been sent, if it is absent or 0. A body that is
        /// shorter arrives whole.
        pub after_bytes: Option<Count>,
    }
}

object! {
    /// How a response is changed.
    #[derive(Debug, Clone)]
    pub struct ResponseChange {
        /// Which responses. A rule's own `match` is about requests.
        pub matches as "match": Option<ResponseMatch>,
        /// The response waits, headers and all.
        pub delay: Option<Wait>,
        /// Its status, 200 to 599.
        pub status: Option<HttpStatus>,
        /// For gRPC, in the place of the whole response; a response that is not gRPC gets the HTTP status that stands
        /// for it, unless `status` is there too.
        pub grpc_status: Option<GrpcStatus>,
        /// Its headers.
        pub headers: Option<HeaderChanges>,
        /// Its body.
        pub body: Option<BodyChange>,
        /// The stream is reset in the middle of it.
        pub reset: Option<ResponseReset>,
        /// The share of the rule's responses that are changed: all, if it is absent.
        pub percentage: Option<FractionalPercent>,
    }
    later ["trailers"]
    check Self::check
}

impl ResponseChange {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        let nothing = self.delay.is_none()
            && self.status.is_none()
            && self.grpc_status.is_none()
            && self.headers.is_none()
            && self.body.is_none()
            && self.reset.is_none();
        if nothing {
            return decoder.refuse_with_help(
                Code::Conflict,
                "a response without a change",
                "",
                "add `delay`, `status`, `grpc_status`, `headers`, `body` or `reset`",
            );
        }
        Ok(())
    }

    /// As a clause.
    pub fn words(&self) -> String {
        let Self { matches, delay, status, grpc_status, headers, body, reset, percentage: _ } = self;
        let mut parts = Vec::new();
        parts.extend(delay.as_ref().map(|delay| {
            let share = delay.percentage.filter(|share| !share.is_always());
            let who = share
                .map_or_else(|| "they".into(), |share| format!("{} of them", percent(share.millionths())));
            format!("{who} wait {}", delay.how_long())
        }));
        parts.extend(status.map(|status| format!("their status becomes {}", status.get())));
        parts.extend(grpc_status.map(|status| format!("their gRPC status becomes {}", status.name())));
        parts.extend(headers.iter().flat_map(HeaderChanges::words));
        parts.extend(body.as_ref().map(BodyChange::words));
        parts.extend(reset.as_ref().map(|reset| match reset.after_bytes {
            None | Some(Count(0)) => "their streams are reset before anything of them is sent".into(),
            Some(Count(bytes)) => format!("their streams are reset after {bytes} bytes"),
        }));
        let which = if matches.is_some() { " that fulfil `response.match`" } else { "" };
        format!("have their responses{which} changed: {}", anded(&parts))
    }
}
