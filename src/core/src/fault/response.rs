//! `response`: the response is changed, after the backend has done the work.

use super::{About, Begins, Fault, draws};
use crate::change::length::Length;
use crate::change::response::ResponseChange;
use crate::change::wait::Wait;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, schema};
use crate::effect::Effects;
use crate::effect::answer::Answer;
use crate::entropy::{Entropy, Sequence};
use crate::kind::Kind;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::rc::Rc;
use alloc::string::String;
use serde::{Serialize, Serializer};

/// The fault. Its fields are those of [`ResponseChange`], shared with the exchanges that get it.
#[derive(Debug, Clone)]
pub struct Response(pub Rc<ResponseChange>);

impl Decode for Response {
    const EXPECTED: &'static str = "a change such as `{\"status\": 503}`";

    schema!(|definitions| ResponseChange::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        ResponseChange::decode(json, decoder).map(|change| Self(Rc::new(change)))
    }
}

impl Serialize for Response {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Fault for Response {
    fn share(&self) -> Option<FractionalPercent> {
        self.0.percentage
    }

    /// Leaves upgraded streams alone, including the response that accepts the upgrade.
    fn apply(&self, request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() || request.is_upgrade() {
            return false;
        }
        let wait = |delay: &Wait| {
            let waits = draws(delay.percentage(request), entropy);
            waits.then(|| delay.length(request, entropy)).flatten()
        };
        effects.response = Some(Answer {
            begins: Kind::Response,
            change: Rc::clone(&self.0),
            delay: self.0.delay.as_ref().and_then(wait),
            draws: self.0.body.as_ref().map_or_else(Sequence::default, |body| body.draws(entropy)),
            head: request.is_head(),
            grpc: request.is_grpc(),
        });
        true
    }
}

impl About for Response {
    const EXAMPLE: &'static str = r#"{"status": 503}"#;
    const BEGINS: Begins = Begins::WithResponse;
    const ENDS: bool = false;
    const CHANGES_REQUEST: bool = false;
    const NEEDS_REQUEST_BODY: bool = false;
    const SEEN: Option<&'static str> = Some("has its response changed");

    fn is_conditional(&self) -> bool {
        let asks = self.0.delay.as_ref().is_some_and(|delay| matches!(delay.length, Length::Header(_)));
        self.0.matches.is_some() || asks
    }

    fn resets(&self) -> bool {
        self.0.reset.is_some()
    }

    fn answers_with(&self, status: u16) -> bool {
        self.0.status.is_some_and(|own| own.get() == status)
    }

    fn reply_headers(&self, tell: &mut dyn FnMut(&str)) {
        self.0.headers.iter().for_each(|changes| changes.names(tell));
    }

    fn words(&self) -> String {
        self.0.words()
    }
}
