//! `response`: the response is changed, after the backend has done the work.

pub use crate::change::status::StatusMatch;
pub use crate::effect::answer::{Answer, Outcome};

use super::abort::HttpStatus;
use super::delay::Delay;
use super::{Fault, draws};
use crate::change::body::BodyChange;
use crate::change::headers::HeaderChanges;
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Count, Decode, Decoder, object, schema};
use crate::effect::Effects;
use crate::effort::{Effort, Watched};
use crate::entropy::{Entropy, Sequence};
use crate::predicate::header::HeaderMatcher;
use crate::value::grpc::GrpcStatus;
use crate::value::percent::FractionalPercent;
use crate::view::{HeadersOf, RequestView, ResponseView};
use alloc::rc::Rc;
use alloc::vec::Vec;
use serde::{Serialize, Serializer};

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
        pub delay: Option<Delay>,
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
    fn check(&self, decoder: &mut Decoder) -> Option<()> {
        let nothing = self.delay.is_none()
            && self.status.is_none()
            && self.grpc_status.is_none()
            && self.headers.is_none()
            && self.body.is_none()
            && self.reset.is_none();
        if nothing {
            decoder.refuse::<()>(Code::Conflict, "a response without a change", "");
            return decoder.help("add `delay`, `status`, `grpc_status`, `headers`, `body` or `reset`");
        }
        Some(())
    }
}

/// The fault: its fields are those of [`ResponseChange`], shared with the exchanges that suffer it.
#[derive(Debug, Clone)]
pub struct Response(pub Rc<ResponseChange>);

impl Decode for Response {
    const EXPECTED: &'static str = "a change such as `{\"status\": 503}`";

    schema!(|definitions| ResponseChange::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        ResponseChange::decode(json, decoder).map(|change| Self(Rc::new(change)))
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Fault for Response {
    fn percentage(&self, _request: &dyn RequestView) -> FractionalPercent {
        self.0.percentage.unwrap_or(FractionalPercent::ALWAYS)
    }

    /// What flows after an upgrade is left alone, and so is the response that grants it.
    fn apply(&self, request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() || request.is_upgrade() {
            return false;
        }
        let wait = |delay: &Delay| {
            let waits = draws(delay.percentage(request), entropy);
            waits.then(|| delay.length(request, entropy)).flatten()
        };
        effects.response = Some(Answer {
            change: Rc::clone(&self.0),
            delay: self.0.delay.as_ref().and_then(wait),
            draws: self.0.body.as_ref().map_or_else(Sequence::default, |body| body.draws(entropy)),
            head: request.is_head(),
            grpc: request.is_grpc(),
        });
        true
    }
}
