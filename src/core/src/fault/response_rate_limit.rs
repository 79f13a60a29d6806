//! `response_rate_limit`: the response's body is slowed down.

use super::{About, Begins, Fault};
use crate::change::header_control::THROUGHPUT_RESPONSE;
use crate::change::rate_limit::RateLimit;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, schema};
use crate::effect::{Effects, Throttle};
use crate::entropy::Entropy;
use crate::kind::Kind;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::string::String;
use serde::{Serialize, Serializer};

/// The response's body is slowed down.
#[derive(Debug, Clone)]
pub struct ResponseRateLimit(pub RateLimit);

impl Decode for ResponseRateLimit {
    const EXPECTED: &'static str = RateLimit::EXPECTED;

    schema!(|definitions| RateLimit::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        RateLimit::decode(json, decoder).map(Self)
    }
}

impl Serialize for ResponseRateLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Fault for ResponseRateLimit {
    fn share(&self) -> Option<FractionalPercent> {
        self.0.percentage
    }

    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        self.0.percentage(THROUGHPUT_RESPONSE, request)
    }

    fn apply(&self, request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() || request.is_upgrade() {
            return false;
        }
        effects.response_rate = self.0.rate(THROUGHPUT_RESPONSE, request).map(|rate| Throttle {
            begins: Kind::ResponseRateLimit,
            rate,
            after_bytes: self.0.free(),
            in_small_pieces: request.is_http2(),
        });
        effects.response_rate.is_some()
    }
}

impl About for ResponseRateLimit {
    const EXAMPLE: &'static str = r#"{"fixed_limit": {"limit_kbps": 100}}"#;
    const BEGINS: Begins = Begins::WithResponse;
    const ENDS: bool = false;
    const CHANGES_REQUEST: bool = false;
    const NEEDS_REQUEST_BODY: bool = false;
    const SEEN: Option<&'static str> = Some("is answered slowly");

    fn is_conditional(&self) -> bool {
        self.0.header_limit.is_some()
    }

    fn resets(&self) -> bool {
        false
    }

    fn answers_with(&self, _status: u16) -> bool {
        false
    }

    fn reply_headers(&self, _tell: &mut dyn FnMut(&str)) {}

    fn words(&self) -> String {
        self.0.words("get their responses")
    }
}
