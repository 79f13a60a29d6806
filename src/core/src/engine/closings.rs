//! The ends of exchanges, including those that no rule has taken, for `stop_when`.

use super::Engine;
use crate::document::mode::Placement;
use crate::engine::event::Event;
use crate::entropy::Entropy;
use crate::id::ExchangeId;
use crate::plan::Plan;
use crate::stop::{Closing, Ends, Watch};
use crate::time::{Clock, Instant};

/// Creates the watch, if the plan has `stop_when`.
pub(super) fn watch(plan: &Plan) -> Option<Watch> {
    let when = plan.stop_when().filter(|_| !plan.is_idle())?;
    Some(Watch::new(when.clone(), plan.placement() == Placement::Upstream))
}

impl<E: Entropy> Engine<E> {
    /// Returns whether it matters how untouched exchanges end. If not, [`Self::response_ended`] need not be called.
    pub fn watches(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| !watch.has_stopped())
    }

    /// Returns whether injection has stopped, as far as this worker knows.
    pub fn has_stopped(&self) -> bool {
        self.watch.as_ref().is_some_and(Watch::has_stopped)
    }

    /// Records that a response has ended; `grpc_status` comes from its trailers, if there are any.
    pub fn response_ended(&mut self, id: ExchangeId, grpc_status: Option<&[u8]>) {
        if let Some(watch) = &mut self.watch {
            watch.ended(id, grpc_status);
        }
    }

    /// Closes an exchange for good; `closing` is called only if it matters. The host calls this once for every
    /// exchange, even after [`Self::end`].
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

    /// Publishes to the other workers how exchanges have ended here, if that is due.
    pub fn tell_others(&mut self, now: Instant) {
        let Some(watch) = &mut self.watch else { return };
        let reached = watch.tell(now, self.allowance.tally());
        self.stopped(reached);
    }

    /// Returns whether rules may still inject, or count that they would.
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
