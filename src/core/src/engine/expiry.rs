//! Reports when a document expires, after its last `not_after`. Only the report depends on this: rules check the clock
//! themselves.

use super::Engine;
use crate::engine::event::Event;
use crate::entropy::Entropy;
use crate::limit::tally::{Account, Tally};
use crate::plan::Plan;
use crate::time::{Clock, Instant};
use crate::value::timestamp::Timestamp;
use alloc::rc::Rc;
use core::time::Duration;

/// The longest time between two looks at the wall clock, which may be set at any time.
const TRUST: Duration = Duration::from_secs(60);

/// An expiry that has not been reported yet.
#[derive(Debug)]
pub(super) struct Expiry {
    end: Timestamp,
    /// The time of the next look at the wall clock; `None` before the first.
    look: Option<Instant>,
}

impl Expiry {
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        plan.end().map(|end| Self { end, look: None })
    }

    /// Returns when to check the wall clock again: `None` before the first check.
    pub(super) fn due(&self) -> Option<Instant> {
        self.look
    }
}

impl<E: Entropy> Engine<E> {
    /// Checks whether the document has expired, which only one worker then reports. Call it when a document arrives and
    /// whenever [`Self::poll_timeout`] has passed.
    pub fn look_at_clock(&mut self, now: Instant, clock: &dyn Clock) {
        let Some(expiry) = self.expiry.as_mut().filter(|expiry| expiry.look.is_none_or(|look| look <= now))
        else {
            return;
        };
        let left = clock.wall().map(|wall| expiry.end.since(wall).unwrap_or_default());
        if left.is_some_and(|left| left.is_zero()) {
            let end = expiry.end;
            self.expiry = None;
            let everything = self.allowance.everything().counts;
            if is_first(self.allowance.tally(), &everything) {
                self.events.push_back(Event::Expired(end));
            }
        } else {
            expiry.look = Some(now.after(left.unwrap_or(TRUST).min(TRUST)));
        }
    }
}

fn is_first(tally: &mut dyn Tally, everything: &Rc<str>) -> bool {
    tally.change(Account::Expiry, everything, &mut |words| {
        let first = words.is_empty();
        words.push(1);
        first
    })
}
