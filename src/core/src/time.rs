//! Readings of clocks. The core takes them; it has none of its own.

use crate::value::timestamp::Timestamp;
use core::cell::OnceCell;
use core::time::Duration;

/// A point on a clock that never goes back, counted from whatever origin that clock has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub Duration);

impl Instant {
    /// The point `later` than this one.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// The point `earlier` than this one.
    #[must_use]
    pub fn before(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier))
    }

    /// How far away `then` is: nothing if it has passed.
    pub fn until(self, then: Self) -> Duration {
        then.0.saturating_sub(self.0)
    }
}

/// The clock of whoever runs the engine. Asked only when a decision depends on it, since each reading costs a host
/// call.
pub trait Clock {
    /// The monotonic clock. `None` if it cannot be read: then nothing is held.
    fn now(&self) -> Option<Instant>;

    /// The wall clock. `None` if it cannot be read: then no rule is live that depends on it.
    fn wall(&self) -> Option<Timestamp> {
        None
    }
}

/// Readings of a clock for one decision: each is taken at most once, and all that depends on it goes by the same.
pub struct Readings<'a> {
    clock: &'a dyn Clock,
    now: OnceCell<Option<Instant>>,
    wall: OnceCell<Option<Timestamp>>,
}

impl<'a> Readings<'a> {
    /// None taken yet.
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
