//! `stop_when`: a document that stops by itself, once too many of the exchanges that it left alone have failed.
//!
//! Every worker looks at how its exchanges end ([`Closing`]), adds that up for a moment, and then tells the others, through
//! numbers that all of them share ([`Window`]). Whoever finds the share too high says so there, and with that injection
//! has stopped, in all of them, until another document arrives.

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
    /// When injection stops in the whole proxy, until another document arrives: once a share of the exchanges that suffered
    /// no fault has failed, by a status of 500 to 599, a gRPC status of that kind, or a reset.
    #[derive(Debug, Clone)]
    pub struct StopWhen {
        /// The share that is too much.
        pub error_percentage: FractionalPercent,
        /// How far back it is counted: from one second to one hour.
        pub window: Written,
        /// How many exchanges that takes: with fewer in a window, nothing is stopped.
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
            refuse("error_percentage", "invalid percentage", label, "give the share that is too much: `20`");
        }
        if self.window.get() < SHORTEST_WINDOW {
            refuse("window", "window too short", "it has to be at least one second", "use `\"1s\"` or more");
        }
        if self.min_requests.0 == 0 {
            let label = "nothing can be said of no requests";
            refuse("min_requests", "invalid number of requests", label, "use `1` or more: `100`");
        }
        sound
    }

    /// Whether this is too much.
    pub fn is_reached(&self, ends: Ends) -> bool {
        let whole = u128::from(crate::value::percent::WHOLE);
        let share = u128::from(self.error_percentage.millionths());
        ends.all >= self.min_requests.0 && u128::from(ends.failed) * whole >= share * u128::from(ends.all)
    }
}
