//! The times at which a rule is active, by the proxy's own clocks: a fault ends even if nobody ends it.

use crate::decode::diagnostic::Code;
use crate::decode::{Decoder, Refused, object};
use crate::time::{Clock, Instant};
use crate::value::duration::Written;
use crate::value::percent::WHOLE;
use crate::value::timestamp::Timestamp;
use alloc::format;
use core::time::Duration;
object! {
    /// The times at which a rule is active. Without any field, it is always active.
    #[derive(Debug, Clone)]
    pub struct Schedule {
        /// The rule is not active before this time.
        pub not_before: Option<Timestamp>,
        /// The rule is not active from this time on.
        pub not_after: Option<Timestamp>,
        /// The time over which the percentage grows linearly from 0, after `not_before` or the document's arrival.
        pub ramp_up: Option<Written>,
        /// The time that the rule is active in each cycle, starting at `not_before` or the document's arrival.
        pub on: Option<Written>,
        /// The time that the rule is then inactive, before the next cycle.
        pub off: Option<Written>,
    }
    check Self::check
}

impl Schedule {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        if let (Some(from), Some(until)) = (self.not_before, self.not_after)
            && from >= until
        {
            let label = format!("it ends at {until} and begins at {from}");
            return decoder.refuse(Code::Conflict, "the schedule ends before it begins", label);
        }
        let zero = |length: Option<Written>| length.is_some_and(|length| length.get().is_zero());
        if self.on.is_some() != self.off.is_some() {
            let label = "`on` and `off` must be given together";
            return decoder.refuse(Code::Conflict, "incomplete pulse", label);
        }
        if zero(self.on) || zero(self.off) {
            let label = "`on` and `off` must be greater than zero";
            return decoder.refuse(Code::OutOfRange, "invalid pulse", label);
        }
        Ok(())
    }

    /// Returns the current fraction of the rule's percentage, in millionths, or `None` if the rule is not active. If a
    /// clock cannot be read, the rule is not active.
    pub fn level(&self, clock: &dyn Clock, arrived: Option<Instant>) -> Option<u32> {
        let wall = match (self.not_before, self.not_after) {
            (None, None) => None,
            _ => Some(clock.wall()?),
        };
        if let (Some(wall), Some(until)) = (wall, self.not_after)
            && wall >= until
        {
            return None;
        }
        let running = match (wall, self.not_before) {
            (Some(wall), Some(from)) => wall.since(from)?,
            _ if self.ramp_up.is_none() && self.on.is_none() => return Some(WHOLE),
            _ => arrived?.until(clock.now()?),
        };
        self.in_pulse(running).then(|| self.ramped(running))
    }

    fn in_pulse(&self, running: Duration) -> bool {
        let (Some(on), Some(off)) = (self.on, self.off) else { return true };
        let period = (on.get() + off.get()).as_nanos();
        running.as_nanos().checked_rem(period).is_some_and(|phase| phase < on.get().as_nanos())
    }

    fn ramped(&self, running: Duration) -> u32 {
        let Some(ramp) = self.ramp_up else { return WHOLE };
        let level = (running.as_nanos() * u128::from(WHOLE)).checked_div(ramp.get().as_nanos());
        level.map_or(WHOLE, |level| u32::try_from(level).unwrap_or(WHOLE).min(WHOLE))
    }
}
