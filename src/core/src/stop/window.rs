//! Counts of how exchanges have ended recently, shared by the workers.

use crate::time::Instant;
use alloc::vec::Vec;
use core::time::Duration;

/// The number of time slices in a window: each new one replaces the oldest.
const SLICES: u64 = 10;
/// The numbers of a slice: which one it is, counted from the origin of the clock and from 1, how many exchanges ended in
/// it, and how many of those failed.
const PER_SLICE: usize = 3;

/// Counts of exchanges that have ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ends {
    pub all: u64,
    pub failed: u64,
}

impl Ends {
    /// Returns the counts for a single exchange.
    pub fn one(failed: bool) -> Self {
        Self { all: 1, failed: failed.into() }
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let Self { all, failed } = other;
        Self { all: self.all.saturating_add(all), failed: self.failed.saturating_add(failed) }
    }
}

/// A stretch of time that ends now: between nine and ten tenths of its length.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    slice: Duration,
}

impl Window {
    /// The number of counters it takes.
    pub const LENGTH: usize = SLICES as usize * PER_SLICE;

    /// Creates a window of this length, with at least a millisecond for each slice.
    pub fn new(length: Duration) -> Self {
        Self { slice: (length / SLICES as u32).max(Duration::from_millis(1)) }
    }

    /// Adds what has ended by now.
    pub fn add(self, numbers: &mut [u64], now: Instant, ends: Ends) {
        let current = self.current(now);
        let place = usize::try_from(current % SLICES).unwrap_or(0) * PER_SLICE;
        let Some([slice, all, failed]) = numbers.get_mut(place..place + PER_SLICE) else { return };
        if *slice != current {
            (*slice, *all, *failed) = (current, 0, 0);
        }
        let sum = Ends { all: *all, failed: *failed }.and(ends);
        (*all, *failed) = (sum.all, sum.failed);
    }

    /// Returns the exchanges that ended within the window.
    pub fn sum(self, numbers: &[u64], now: Instant) -> Ends {
        let current = self.current(now);
        let slices: Vec<_> = numbers.chunks_exact(PER_SLICE).collect();
        slices.into_iter().fold(Ends::default(), |sum, slice| match slice {
            [slice, all, failed] if *slice > 0 && slice.saturating_add(SLICES) > current => {
                sum.and(Ends { all: *all, failed: *failed })
            }
            _ => sum,
        })
    }

    fn current(self, now: Instant) -> u64 {
        let slices = now.0.as_millis().checked_div(self.slice.as_millis()).unwrap_or_default();
        u64::try_from(slices).unwrap_or(u64::MAX - SLICES).saturating_add(1)
    }
}
