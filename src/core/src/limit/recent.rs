//! How many there were in the last ten seconds.

use alloc::vec::Vec;

/// How many seconds are looked back upon, the present one among them.
pub const SPAN: u64 = 10;

/// How many words [`Recent`] takes among others.
pub const WORDS: usize = 2 * SLOTS;

const SLOTS: usize = 10;

/// Counts by the second. A second's count takes the place of the one that was as far back as can be seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recent([Slot; SLOTS]);

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Slot {
    second: u64,
    count: u64,
}

impl Recent {
    /// As [`Self::write`] has written it; nothing, for words that are not there.
    pub fn read(words: &[u64]) -> Self {
        let mut recent = Self::default();
        for (slot, pair) in recent.0.iter_mut().zip(words.chunks_exact(2)) {
            if let [second, count] = *pair {
                *slot = Slot { second, count };
            }
        }
        recent
    }

    /// Adds its words to others.
    pub fn write(&self, words: &mut Vec<u64>) {
        words.extend(self.0.iter().flat_map(|slot| [slot.second, slot.count]));
    }

    /// Counts so many more. Workers' clocks may be a moment apart: what is too old to be seen is not counted.
    pub fn add(&mut self, second: u64, more: u64) {
        let Some(slot) = self.slot(second) else { return };
        if slot.second < second {
            *slot = Slot { second, count: 0 };
        }
        if slot.second == second {
            slot.count = slot.count.saturating_add(more);
        }
    }

    /// Counts one fewer, of those that were added.
    pub fn remove(&mut self, second: u64) {
        if let Some(slot) = self.slot(second).filter(|slot| slot.second == second) {
            slot.count = slot.count.saturating_sub(1);
        }
    }

    /// How many there were in this second and the nine before it.
    pub fn sum(&self, second: u64) -> u64 {
        let seen = |slot: &&Slot| slot.second <= second && second - slot.second < SPAN;
        self.0.iter().filter(seen).fold(0, |sum, slot| sum.saturating_add(slot.count))
    }

    fn slot(&mut self, second: u64) -> Option<&mut Slot> {
        self.0.get_mut(usize::try_from(second % SPAN).ok()?)
    }
}
