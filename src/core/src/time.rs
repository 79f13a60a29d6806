//! Readings of clocks. The core takes them; it has none of its own.

use crate::timestamp::Timestamp;
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
