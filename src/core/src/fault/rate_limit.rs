//! `request_rate_limit` and `response_rate_limit`: a body is slowed down. What the host makes of it stands in
//! [`crate::body::pace`].

use super::Fault;
use crate::body::pace::Rate;
use crate::change::header_control::{self, THROUGHPUT_REQUEST, THROUGHPUT_RESPONSE};
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Count, Decode, Decoder, Fields, Nothing, Refused, object, schema};
use crate::effect::{Effects, Throttle};
use crate::entropy::Entropy;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use serde::{Serialize, Serializer};

object! {
    /// A rate.
    #[derive(Debug, Clone)]
    pub struct FixedLimit {
        /// KiB a second, at least 1: Envoy's unit, in spite of its name.
        pub limit_kbps: Count,
    }
    check Self::check
}

impl FixedLimit {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        if self.limit_kbps.0 > 0 {
            return Ok(());
        }
        decoder.field("limit_kbps", |d| {
            d.refuse_with_help(
                Code::OutOfRange,
                "invalid rate",
                "found `0`, expected at least 1 KiB a second",
                "to let nothing through at all, use `\"hang\": {\"max\": \"60s\"}`",
            )
        })
    }
}

object! {
    /// How a body is slowed down: with exactly one of `fixed_limit` and `header_limit`.
    #[derive(Debug, Clone)]
    pub struct RateLimit {
        /// To this rate, for each stream.
        pub fixed_limit: Option<FixedLimit>,
        /// To the rate that the request asks for, by the header that Envoy's filter takes.
        pub header_limit: Option<Nothing>,
        /// How many bytes go first, as fast as they can: 0, if it is absent.
        pub after_bytes: Option<Count>,
        /// The share of the rule's requests that are slowed down: all, if it is absent.
        pub percentage: Option<FractionalPercent>,
    }
    exactly_one ["fixed_limit", "header_limit"]
    fields(Self::check)
}

impl RateLimit {
    fn check(fields: &Fields<'_>, decoder: &mut Decoder) {
        let (none, several) = ("a rate limit needs a rate", "a rate limit has one rate");
        let _ = fields.exactly_one(&["fixed_limit", "header_limit"], none, several, decoder);
    }

    fn share(&self, headers: [&str; 2], request: &dyn RequestView) -> FractionalPercent {
        let percentage = self.percentage.unwrap_or(FractionalPercent::ALWAYS);
        match self.header_limit {
            Some(Nothing) => header_control::limited(percentage, headers[1], request),
            None => percentage,
        }
    }

    fn throttle(&self, headers: [&str; 2], request: &dyn RequestView) -> Option<Throttle> {
        let kib = match &self.fixed_limit {
            Some(fixed) => fixed.limit_kbps.0,
            None => header_control::throughput(request, headers[0])?,
        };
        let after_bytes = self.after_bytes.map_or(0, |count| count.0);
        let in_small_pieces = request.is_http2();
        Some(Throttle { rate: Rate::kib_per_second(kib), after_bytes, in_small_pieces })
    }
}

/// The response's body is slowed down.
#[derive(Debug, Clone)]
pub struct ResponseRateLimit(pub RateLimit);

impl Fault for ResponseRateLimit {
    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        self.0.share(THROUGHPUT_RESPONSE, request)
    }

    fn apply(&self, request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() || request.is_upgrade() {
            return false;
        }
        effects.response_rate = self.0.throttle(THROUGHPUT_RESPONSE, request);
        effects.response_rate.is_some()
    }
}

/// The request's body is slowed down.
#[derive(Debug, Clone)]
pub struct RequestRateLimit(pub RateLimit);

impl Fault for RequestRateLimit {
    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        self.0.share(THROUGHPUT_REQUEST, request)
    }

    fn apply(&self, request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() || !request.has_body() || request.is_upgrade() {
            return false;
        }
        effects.request_rate = self.0.throttle(THROUGHPUT_REQUEST, request);
        effects.request_rate.is_some()
    }
}

macro_rules! written_as_a_rate_limit {
    ($($Name:ident)+) => {$(
        impl Decode for $Name {
            const EXPECTED: &'static str = "a limit such as `{\"fixed_limit\": {\"limit_kbps\": 100}}`";

            schema!(|definitions| RateLimit::schema(definitions));

            fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
                RateLimit::decode(json, decoder).map(Self)
            }
        }

        impl Serialize for $Name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.0.serialize(serializer)
            }
        }
    )+};
}
written_as_a_rate_limit! { ResponseRateLimit RequestRateLimit }
