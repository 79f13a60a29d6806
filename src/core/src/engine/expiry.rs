//! The end of a document, when the last `not_after` is past. Nothing depends on it but what is said of it: rules look at
//! the clock themselves.

use super::Engine;
use crate::engine::event::Event;
use crate::entropy::Entropy;
use crate::limit::tally::{Account, Tally};
use crate::plan::Plan;
use crate::time::{Clock, Instant};
use crate::value::timestamp::Timestamp;
use alloc::rc::Rc;
use core::time::Duration;

/// How long the wall clock is trusted to go as the other one does: somebody may set it.
const TRUST: Duration = Duration::from_secs(60);

/// The end that is still to be told.
#[derive(Debug)]
pub(super) struct Expiry {
    end: Timestamp,
    /// When to look at the wall clock again.
    look: Option<Instant>,
}

impl Expiry {
    pub(super) fn of(plan: &Plan) -> Option<Self> {
        plan.end().map(|end| Self { end, look: None })
    }

    /// When to look at the wall clock again: never, if nobody has looked before.
    pub(super) fn due(&self) -> Option<Instant> {
        self.look
    }
}

impl<E: Entropy> Engine<E> {
    /// Finds out whether the document's time is over, which one worker of all then says. To be asked when a document has
    /// arrived, and whenever [`Self::poll_timeout`] has passed.
    pub fn look_at_clock(&mut self, now: Instant, clock: &dyn Clock) {
        let Some(expiry) = self.expiry.as_mut().filter(|expiry| expiry.look.is_none_or(|look| look <= now))
        else {
            return;
        };
        let left = clock.wall().map(|wall| expiry.end.since(wall).unwrap_or_default());
        if left.is_some_and(|left| left.is_zero()) {
            let end = expiry.end;
            self.expiry = None;
            let everything = self.allowance.everything();
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
