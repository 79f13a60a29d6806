//! `request_rate_limit`: the request's body is slowed down.

use super::{About, Begins, Fault};
use crate::change::header_control::THROUGHPUT_REQUEST;
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

/// The request's body is slowed down.
#[derive(Debug, Clone)]
pub struct RequestRateLimit(pub RateLimit);

impl Decode for RequestRateLimit {
    const EXPECTED: &'static str = RateLimit::EXPECTED;

    schema!(|definitions| RateLimit::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        RateLimit::decode(json, decoder).map(Self)
    }
}

impl Serialize for RequestRateLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl Fault for RequestRateLimit {
    fn share(&self) -> Option<FractionalPercent> {
        self.0.percentage
    }

    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        self.0.percentage(THROUGHPUT_REQUEST, request)
    }

    fn apply(&self, request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() || !request.has_body() || request.is_upgrade() {
            return false;
        }
        effects.request_rate = self.0.rate(THROUGHPUT_REQUEST, request).map(|rate| Throttle {
            begins: Kind::RequestRateLimit,
            rate,
            after_bytes: self.0.free(),
            in_small_pieces: request.is_http2(),
        });
        effects.request_rate.is_some()
    }
}

impl About for RequestRateLimit {
    const EXAMPLE: &'static str = r#"{"fixed_limit": {"limit_kbps": 100}}"#;
    const BEGINS: Begins = Begins::WithRequest;
    const ENDS: bool = false;
    const CHANGES_REQUEST: bool = false;
    const NEEDS_REQUEST_BODY: bool = true;
    const SEEN: Option<&'static str> = Some("is sent slowly");

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
        self.0.words("send their bodies")
    }
}
