//! `stop_when`: stops injection once too many of the exchanges without a fault have failed.
//!
//! Every worker records how its exchanges end ([`Closing`]) and regularly adds that to counters that all workers share
//! ([`Window`]). The first worker that finds the share too high sets a flag there, which stops injection in all workers
//! until another document arrives.

mod closing;
mod watch;
mod window;

pub use closing::Closing;
pub use watch::Watch;
pub use window::{Ends, Window};

use crate::decode::diagnostic::Code;
use crate::decode::{Count, Decoder, Refused, object};
use crate::value::duration::Written;
use crate::value::percent::FractionalPercent;
use core::time::Duration;

/// The shortest window: a shorter one would be over before all workers have heard of it.
pub const SHORTEST_WINDOW: Duration = Duration::from_secs(1);

object! {
    /// The condition that stops injection in the whole proxy until another document arrives: a given share of the
    /// exchanges without an injected fault has failed, with a status of 500 to 599, an equivalent gRPC status, or a
    /// reset.
    #[derive(Debug, Clone)]
    pub struct StopWhen {
        /// The percentage of failed exchanges at which injection stops.
        pub error_percentage: FractionalPercent,
        /// The period over which failures are counted: from one second to one hour.
        pub window: Written,
        /// The minimum number of exchanges in a window: with fewer, injection does not stop.
        pub min_requests: Count,
    }
    check Self::check
}

impl StopWhen {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        let mut sound = Ok(());
        let mut refuse = |field: &str, message: &'static str, label: &'static str, help: &'static str| {
            sound = decoder.field(field, |d| d.refuse_with_help(Code::OutOfRange, message, label, help));
        };
        if self.error_percentage.is_never() {
            let label = "0 % is reached without any error";
            refuse("error_percentage", "invalid percentage", label, "give the percentage to stop at: `20`");
        }
        if self.window.get() < SHORTEST_WINDOW {
            refuse("window", "window too short", "must be at least one second", "use `\"1s\"` or more");
        }
        if self.min_requests.0 == 0 {
            let label = "must be greater than zero";
            refuse("min_requests", "invalid number of requests", label, "use `1` or more: `100`");
        }
        sound
    }

    /// Returns whether the share of failures is high enough to stop.
    pub fn is_reached(&self, ends: Ends) -> bool {
        let whole = u128::from(crate::value::percent::WHOLE);
        let share = u128::from(self.error_percentage.millionths());
        ends.all >= self.min_requests.0 && u128::from(ends.failed) * whole >= share * u128::from(ends.all)
    }
}
