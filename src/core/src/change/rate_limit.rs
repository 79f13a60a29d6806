//! The rate of a body. The pacing itself is in [`crate::body::pace`].

use crate::body::pace::Rate;
use crate::change::header_control;
use crate::decode::diagnostic::Code;
use crate::decode::{Count, Decoder, Nothing, Refused, object};
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::format;
use alloc::string::String;

object! {
    /// The same rate for every stream.
    #[derive(Debug, Clone)]
    pub struct FixedLimit {
        /// KiB per second, at least 1: Envoy's unit, despite the name.
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
                "found `0`, expected at least 1 KiB per second",
                "to let nothing through at all, use `\"hang\": {\"max\": \"60s\"}`",
            )
        })
    }
}

object! {
    /// A limit on the rate of a body, with exactly one of `fixed_limit` and `header_limit`.
    #[derive(Debug, Clone)]
    pub struct RateLimit {
        /// The rate, for each stream.
        pub fixed_limit: Option<FixedLimit>,
        /// Uses the rate that the request asks for, with the header of Envoy's fault filter.
        pub header_limit: Option<Nothing>,
        /// The number of bytes that pass first at full speed: 0 if absent.
        pub after_bytes: Option<Count>,
        /// The share of the rule's requests that are slowed down: all if absent.
        pub percentage: Option<FractionalPercent>,
    }
    exactly_one ["fixed_limit", "header_limit"] else "the rate limit has no rate", "the rate limit has more than one rate"
}

impl RateLimit {
    /// Describes the limit as a clause that begins with `what`.
    pub fn words(&self, what: &str) -> String {
        let Self { fixed_limit, header_limit: _, after_bytes, percentage: _ } = self;
        let rate = match fixed_limit {
            Some(fixed) => format!("{} KiB a second", fixed.limit_kbps.0),
            None => "the rate that their headers ask for".into(),
        };
        let after = match after_bytes {
            None | Some(Count(0)) => String::new(),
            Some(Count(bytes)) => format!(" after the first {bytes} bytes"),
        };
        format!("{what} at {rate}{after}")
    }

    /// Returns the share for requests like this one. `headers` are those that ask for a rate and for a share.
    pub fn percentage(&self, headers: [&str; 2], request: &dyn RequestView) -> FractionalPercent {
        let percentage = self.percentage.unwrap_or(FractionalPercent::ALWAYS);
        match self.header_limit {
            Some(Nothing) => header_control::limited(percentage, headers[1], request),
            None => percentage,
        }
    }

    /// Returns the rate for this request, if there is one.
    pub fn rate(&self, headers: [&str; 2], request: &dyn RequestView) -> Option<Rate> {
        let kib = match &self.fixed_limit {
            Some(fixed) => fixed.limit_kbps.0,
            None => header_control::throughput(request, headers[0])?,
        };
        Some(Rate::kib_per_second(kib))
    }

    /// Returns the number of bytes that pass first at full speed.
    pub fn free(&self) -> u64 {
        self.after_bytes.map_or(0, |count| count.0)
    }
}
