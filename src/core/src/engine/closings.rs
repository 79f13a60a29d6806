//! How exchanges end, those included that no rule has taken: what `stop_when` goes by.

use super::Engine;
use crate::document::mode::Placement;
use crate::engine::event::Event;
use crate::entropy::Entropy;
use crate::id::ExchangeId;
use crate::plan::Plan;
use crate::stop::{Closing, Ends, Watch};
use crate::time::{Clock, Instant};

/// What watches them, if a plan asks for it.
pub(super) fn watch(plan: &Plan) -> Option<Watch> {
    let when = plan.stop_when().filter(|_| !plan.is_idle())?;
    Some(Watch::new(when.clone(), plan.placement() == Placement::Upstream))
}

impl<E: Entropy> Engine<E> {
    /// Whether it matters how exchanges end that no rule has taken. If not, [`Self::response_ended`] has nothing to learn.
    pub fn watches(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| !watch.has_stopped())
    }

    /// Whether injection has stopped, as far as this worker knows.
    pub fn has_stopped(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::has_stopped)
    }

    /// A response has come to its end; with trailers, `grpc_status` is what they say.
    pub fn response_ended(&mut self, id: ExchangeId, grpc_status: Option<&[u8]>) {
        if let Some(watch) = &mut self.watch {
            watch.ended(id, grpc_status);
        }
    }

    /// The exchange is over, and this is the last word about it; `closing` is asked for only if it matters. It comes once
    /// for every exchange, also for one of which [`Self::end`] has been said.
    pub fn close(&mut self, id: ExchangeId, clock: &dyn Clock, closing: impl FnOnce() -> Option<Closing>) {
        self.end(id);
        let Some(watch) = &mut self.watch else { return };
        watch.closed(id, closing);
        if watch.due().is_some()
            && let Some(now) = clock.now()
        {
            self.tell_others(now);
        }
    }

    /// Tells the other workers how exchanges have ended here, if that is due.
    pub fn tell_others(&mut self, now: Instant) {
        let Some(watch) = &mut self.watch else { return };
        let reached = watch.tell(now, self.allowance.tally());
        self.stopped(reached);
    }

    /// Whether a rule may still do something, or count that it would.
    pub(super) fn may_inject(&mut self, clock: &dyn Clock) -> bool {
        let Some(watch) = &mut self.watch else { return true };
        let (allowed, reached) = watch.allows(clock.now(), self.allowance.tally());
        self.stopped(reached);
        allowed
    }

    fn stopped(&mut self, reached: Option<Ends>) {
        self.events.extend(reached.map(Event::Stopped));
    }
}
