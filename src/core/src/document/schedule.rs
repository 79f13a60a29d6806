//! When a rule is live, by the proxy's own clocks: a fault ends even when nobody is there to end it.

use crate::decode::diagnostic::Code;
use crate::decode::{Decoder, Refused, object};
use crate::time::{Clock, Instant};
use crate::value::duration::Written;
use crate::value::percent::WHOLE;
use crate::value::timestamp::Timestamp;
use alloc::format;
use core::time::Duration;
object! {
    /// When a rule is live: always, as far as a field does not say otherwise.
    #[derive(Debug, Clone)]
    pub struct Schedule {
        /// Not before this time.
        pub not_before: Option<Timestamp>,
        /// Not from this time on.
        pub not_after: Option<Timestamp>,
        /// How long the percentage takes to grow from 0, evenly, after `not_before`, or after the document arrived.
        pub ramp_up: Option<Written>,
        /// For how long the rule is live at a time, beginning with `not_before`, or when the document arrived.
        pub on: Option<Written>,
        /// For how long it then is not, again and again.
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
            let label = "`on` and `off` go together";
            return decoder.refuse(Code::Conflict, "half a pulse", label);
        }
        if zero(self.on) || zero(self.off) {
            let label = "`on` and `off` have to be more than nothing";
            return decoder.refuse(Code::OutOfRange, "invalid pulse", label);
        }
        Ok(())
    }

    /// How much of its percentage the rule has now, in millionths: `None` if it is not live. A clock that cannot be
    /// read makes it not live.
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
