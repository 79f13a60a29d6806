//! Limits on what a document may do, counted over all workers of a proxy.

pub mod allowance;
pub mod holders;
pub mod holdings;
pub mod ledger;
pub mod recent;
pub mod tally;

use crate::decode::{Count, object};
use crate::value::percent::{FractionalPercent, WHOLE};

object! {
    /// Limits for a rule or for all rules together. A request over a limit passes untouched and is counted.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct Limits {
        /// The maximum number of exchanges held or slowed down at the same time. 0 means never, as in Envoy.
        pub max_active_faults: Option<Count>,
        /// The maximum number of exchanges that get a fault, since the document arrived.
        pub max_faults: Option<Count>,
        /// The maximum number of exchanges that get a fault in each second of the proxy's clock.
        pub max_faults_per_second: Option<Count>,
        /// The maximum share of all requests that get a fault, over the last ten seconds.
        pub max_percentage: Option<FractionalPercent>,
    }
}

impl Limits {
    /// Returns whether any of the limits depends on the time.
    pub fn need_clock(&self) -> bool {
        self.max_active_faults.is_some() || self.max_faults_per_second.is_some() || self.limit_share()
    }

    /// Returns whether the number of faults is limited.
    pub fn limit_faults(&self) -> bool {
        self.max_faults.is_some() || self.max_faults_per_second.is_some() || self.limit_share()
    }

    /// Returns whether a limit depends on the number of requests.
    pub fn limit_share(&self) -> bool {
        self.max_percentage.is_some()
    }

    /// Returns the fields that are set, by name; the share in percent.
    pub fn each(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let Self { max_active_faults, max_faults, max_faults_per_second, max_percentage } = *self;
        #[allow(clippy::cast_precision_loss, reason = "to compare and to print them")]
        let number = |count: Option<Count>| count.map(|Count(number)| number as f64);
        let percent = |share: FractionalPercent| f64::from(share.millionths()) * 100.0 / f64::from(WHOLE);
        let fields = [
            ("max_active_faults", number(max_active_faults)),
            ("max_faults", number(max_faults)),
            ("max_faults_per_second", number(max_faults_per_second)),
            ("max_percentage", max_percentage.map(percent)),
        ];
        fields.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}
