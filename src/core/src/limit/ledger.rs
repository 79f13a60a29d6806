//! The number of faults behind the limits, for one rule or for all rules together, over all workers.

use crate::limit::Limits;
use crate::limit::recent::Recent;
use crate::time::Instant;
use alloc::vec::Vec;

/// A share of 100 %, in millionths.
const WHOLE: u64 = 1_000_000;

/// The decoded words of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The total number of faults so far.
    faults: u64,
    /// The second of the last one.
    second: u64,
    /// The number of faults in that second.
    in_second: u64,
    recent: Recent,
}

impl Ledger {
    /// Reads what [`Self::write`] has written; missing words give an empty ledger.
    pub fn read(words: &[u64]) -> Self {
        let Some(([faults, second, in_second], recent)) = words.split_first_chunk() else {
            return Self::default();
        };
        Self { faults: *faults, second: *second, in_second: *in_second, recent: Recent::read(recent) }
    }

    /// Replaces `words` with the words of this ledger.
    pub fn write(&self, words: &mut Vec<u64>) {
        words.clear();
        words.extend([self.faults, self.second, self.in_second]);
        self.recent.write(words);
    }

    /// Counts a fault, unless that would exceed a limit. `seen` is the number of recent requests. Returns the second in
    /// which it counts.
    pub fn spend(&mut self, limits: &Limits, now: Instant, seen: u64) -> Option<u64> {
        // Another worker may already have moved to the next second, which an older one must not replace.
        let second = now.0.as_secs().max(self.second);
        if self.second != second {
            (self.second, self.in_second) = (second, 0);
        }
        if !self.has_budget(limits, seen) {
            return None;
        }
        self.faults = self.faults.saturating_add(1);
        self.in_second = self.in_second.saturating_add(1);
        self.recent.add(second, 1);
        Some(second)
    }

    /// Takes back a fault of this second that was not injected after all.
    pub fn unspend(&mut self, second: u64) {
        self.faults = self.faults.saturating_sub(1);
        if self.second == second {
            self.in_second = self.in_second.saturating_sub(1);
        }
        self.recent.remove(second);
    }

    fn has_budget(&self, limits: &Limits, seen: u64) -> bool {
        let share = limits.max_percentage.map(|share| {
            let faults = self.recent.sum(self.second).saturating_add(1);
            faults.saturating_mul(WHOLE) <= seen.saturating_mul(u64::from(share.millionths()))
        });
        limits.max_faults.is_none_or(|most| self.faults < most.0)
            && limits.max_faults_per_second.is_none_or(|most| self.in_second < most.0)
            && share.unwrap_or(true)
    }
}
