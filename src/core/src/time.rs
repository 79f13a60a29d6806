//! Clock readings. The caller supplies them; the core has no clock of its own.

use crate::value::timestamp::Timestamp;
use core::cell::OnceCell;
use core::time::Duration;

/// A reading of a monotonic clock, counted from an arbitrary origin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub Duration);

impl Instant {
    /// Returns the instant `later` after this one.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// Returns the instant `earlier` before this one.
    #[must_use]
    pub fn before(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier))
    }

    /// Returns the time left until `then`, or zero if it has passed.
    pub fn until(self, then: Self) -> Duration {
        then.0.saturating_sub(self.0)
    }
}

/// The clock of the engine's caller. It is read only when a decision depends on it, because each reading costs a host
/// call.
pub trait Clock {
    /// Reads the monotonic clock. `None` if it cannot be read: then nothing is held.
    fn now(&self) -> Option<Instant>;

    /// Reads the wall clock. `None` if it cannot be read: then no rule that depends on it is live.
    fn wall(&self) -> Option<Timestamp> {
        None
    }
}

/// Cached clock readings for one decision: each clock is read at most once, so the whole decision sees the same time.
pub struct Readings<'a> {
    clock: &'a dyn Clock,
    now: OnceCell<Option<Instant>>,
    wall: OnceCell<Option<Timestamp>>,
}

impl<'a> Readings<'a> {
    /// Wraps a clock that has not been read yet.
    pub fn of(clock: &'a dyn Clock) -> Self {
        Self { clock, now: OnceCell::new(), wall: OnceCell::new() }
    }
}

impl Clock for Readings<'_> {
    fn now(&self) -> Option<Instant> {
        *self.now.get_or_init(|| self.clock.now())
    }

    fn wall(&self) -> Option<Timestamp> {
        *self.wall.get_or_init(|| self.clock.wall())
    }
}
