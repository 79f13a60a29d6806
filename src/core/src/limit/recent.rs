//! Counts events in the last ten seconds.

use alloc::vec::Vec;

/// The number of seconds that are counted, including the current one.
pub const SPAN: u64 = 10;

const SLOTS: usize = 10;

/// Counts per second, in a ring: a new second replaces the oldest one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recent([Second; SLOTS]);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Second {
    second: u64,
    count: u64,
}

impl Recent {
    /// Reads what [`Self::write`] has written; missing words count as zero.
    pub fn read(words: &[u64]) -> Self {
        let mut recent = Self::default();
        for (slot, pair) in recent.0.iter_mut().zip(words.chunks_exact(2)) {
            if let [second, count] = *pair {
                *slot = Second { second, count };
            }
        }
        recent
    }

    /// Appends its words to `words`.
    pub fn write(&self, words: &mut Vec<u64>) {
        words.extend(self.0.iter().flat_map(|slot| [slot.second, slot.count]));
    }

    /// Adds `more` to a second's count. Workers' clocks may differ slightly: a second that is too old is not counted.
    pub fn add(&mut self, second: u64, more: u64) {
        let Some(slot) = self.slot(second) else { return };
        if slot.second < second {
            *slot = Second { second, count: 0 };
        }
        if slot.second == second {
            slot.count = slot.count.saturating_add(more);
        }
    }

    /// Subtracts one from a second's count.
    pub fn remove(&mut self, second: u64) {
        if let Some(slot) = self.slot(second).filter(|slot| slot.second == second) {
            slot.count = slot.count.saturating_sub(1);
        }
    }

    /// Returns the count for this second and the nine before it.
    pub fn sum(&self, second: u64) -> u64 {
        let seen = |slot: &&Second| slot.second <= second && second - slot.second < SPAN;
        self.0.iter().filter(seen).fold(0, |sum, slot| sum.saturating_add(slot.count))
    }

    fn slot(&mut self, second: u64) -> Option<&mut Second> {
        self.0.get_mut(usize::try_from(second % SPAN).ok()?)
    }
}
