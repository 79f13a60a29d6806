//! The counts behind the limits, for one rule or for all rules together, over all workers: the number of faults, and
//! the number of exchanges that each worker holds.
//!
//! A worker that dies gives nothing back. So each worker holds its places on a lease, which it renews while it holds
//! any; places whose lease has expired are free again.

use crate::limit::Limits;
use crate::limit::recent::{self, Recent};
use crate::time::Instant;
use alloc::vec::Vec;
use core::time::Duration;

/// The time that a worker's places stay reserved without renewal.
pub const LEASE: Duration = Duration::from_secs(30);

/// A share of 100 %, in millionths.
const WHOLE: u64 = 1_000_000;

/// The permission that an exchange asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// True if there must be room for one more held exchange.
    pub room: bool,
    /// True if the exchange then takes that room.
    pub place: bool,
    /// True if the exchange is about to get a fault.
    pub fault: bool,
}

/// The worker that asks, and when.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// The number that the worker has been given in this ledger, if it has asked before.
    pub worker: Option<u64>,
    /// The number of exchanges that it holds.
    pub held: u64,
    pub now: Instant,
    /// The number of recent requests.
    pub seen: u64,
}

/// The decoded words of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The total number of faults so far.
    faults: u64,
    /// The second of the last one.
    second: u64,
    /// The number of faults in that second.
    in_second: u64,
    /// The last number that a worker has been given.
    workers: u64,
    recent: Recent,
    holders: Vec<Holder>,
}

/// The places that one worker holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holder {
    worker: u64,
    held: u64,
    /// The end of the worker's lease, in nanoseconds on the monotonic clock.
    until: u64,
}

impl Ledger {
    /// Reads what [`Self::write`] has written; missing words give an empty ledger.
    pub fn read(words: &[u64]) -> Self {
        let Some(([faults, second, in_second, workers], rest)) = words.split_first_chunk() else {
            return Self::default();
        };
        let (recent, holders) = rest.split_at_checked(recent::WORDS).unwrap_or((rest, &[]));
        let holder = |words: &[u64]| match *words {
            [worker, held, until] => Some(Holder { worker, held, until }),
            _ => None,
        };
        Self {
            faults: *faults,
            second: *second,
            in_second: *in_second,
            workers: *workers,
            recent: Recent::read(recent),
            holders: holders.chunks_exact(3).filter_map(holder).collect(),
        }
    }

    /// Replaces `words` with the words of this ledger.
    pub fn write(&self, words: &mut Vec<u64>) {
        words.clear();
        words.extend([self.faults, self.second, self.in_second, self.workers]);
        self.recent.write(words);
        words.extend(self.holders.iter().flat_map(|holder| [holder.worker, holder.held, holder.until]));
    }

    /// Grants a wish, all of it or nothing. Returns the number of the asking worker, which is assigned with its first
    /// place and is 0 before that.
    pub fn grant(&mut self, wish: Wish, limits: &Limits, asking: &Asking) -> Option<u64> {
        let second = asking.now.0.as_secs();
        let room = !wish.room || self.has_room(limits, asking);
        let budget = !wish.fault || self.has_budget(limits, second, asking.seen);
        if !room || !budget {
            return None;
        }
        if wish.fault {
            self.faults = self.faults.saturating_add(1);
            self.in_second = if self.second == second { self.in_second.saturating_add(1) } else { 1 };
            self.second = second;
            self.recent.add(second, 1);
        }
        if !wish.place {
            return Some(asking.worker.unwrap_or_default());
        }
        let worker = asking.worker.unwrap_or_else(|| {
            // Based on the clock, so that a number from an earlier life of the document is never reused.
            self.workers = self.workers.saturating_add(1).max(nanos(asking.now));
            self.workers
        });
        self.lease(worker, asking.held.saturating_add(1), asking.now);
        Some(worker)
    }

    /// Takes back a fault that was not injected after all.
    pub fn unspend(&mut self, now: Instant) {
        let second = now.0.as_secs();
        self.faults = self.faults.saturating_sub(1);
        if self.second == second {
            self.in_second = self.in_second.saturating_sub(1);
        }
        self.recent.remove(second);
    }

    /// Records how many exchanges a worker holds, and renews its lease.
    pub fn lease(&mut self, worker: u64, held: u64, now: Instant) {
        let until = nanos(now.after(LEASE));
        self.holders.retain(|holder| holder.worker != worker);
        self.holders.push(Holder { worker, held, until });
    }

    /// Lowers the number of exchanges that a worker holds.
    pub fn release(&mut self, worker: u64, held: u64) {
        self.holders
            .iter_mut()
            .filter(|holder| holder.worker == worker)
            .for_each(|holder| holder.held = held);
        self.holders.retain(|holder| holder.held > 0);
    }

    fn has_room(&mut self, limits: &Limits, asking: &Asking) -> bool {
        let Some(most) = limits.max_active_faults else { return true };
        let now = nanos(asking.now);
        self.holders.retain(|holder| now < holder.until);
        let others = self.holders.iter().filter(|holder| Some(holder.worker) != asking.worker);
        others.fold(asking.held, |sum, holder| sum.saturating_add(holder.held)) < most.0
    }

    fn has_budget(&self, limits: &Limits, second: u64, seen: u64) -> bool {
        let in_second = if self.second == second { self.in_second } else { 0 };
        let share = limits.max_percentage.map(|share| {
            let faults = self.recent.sum(second).saturating_add(1);
            faults.saturating_mul(WHOLE) <= seen.saturating_mul(u64::from(share.millionths()))
        });
        limits.max_faults.is_none_or(|most| self.faults < most.0)
            && limits.max_faults_per_second.is_none_or(|most| in_second < most.0)
            && share.unwrap_or(true)
    }
}

fn nanos(instant: Instant) -> u64 {
    u64::try_from(instant.0.as_nanos()).unwrap_or(u64::MAX)
}
