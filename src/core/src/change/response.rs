//! Changes to a response in a document.

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
    /// The responses to change. Without any field, all responses.
    #[derive(Debug, Clone)]
    pub struct ResponseMatch {
        /// The status: `503`, `"5xx"`, or a list of these.
        pub status: Option<StatusMatch>,
        /// Conditions on the response's headers, as for a request; all must hold.
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
        /// The number of body bytes before the reset. If absent or 0, nothing of the response is sent. A shorter body
        /// arrives whole.
        pub after_bytes: Option<Count>,
    }
}

object! {
    /// The changes to make to a response.
    #[derive(Debug, Clone)]
    pub struct ResponseChange {
        /// The responses to change. The rule's own `match` is for requests.
        pub matches as "match": Option<ResponseMatch>,
        /// Delays the whole response, including its headers.
        pub delay: Option<Wait>,
        /// The new status, 200 to 599.
        pub status: Option<HttpStatus>,
        /// For gRPC, replaces the whole response. A response that is not gRPC gets the corresponding HTTP status,
        /// unless `status` is set too.
        pub grpc_status: Option<GrpcStatus>,
        /// The changes to the response's headers.
        pub headers: Option<HeaderChanges>,
        /// A change to the body.
        pub body: Option<BodyChange>,
        /// Resets the stream in the middle of the response.
        pub reset: Option<ResponseReset>,
        /// The share of the rule's responses that are changed: all if absent.
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
                "`response` changes nothing",
                "",
                "add `delay`, `status`, `grpc_status`, `headers`, `body` or `reset`",
            );
        }
        Ok(())
    }

    /// Describes the changes as a clause.
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
