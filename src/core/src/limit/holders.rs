//! The exchanges that each worker holds, over all workers.
//!
//! A worker that dies gives nothing back. So each worker holds its places on a lease, which it renews while it holds
//! any; places whose lease has expired are free again.

use crate::time::Instant;
use alloc::vec::Vec;
use core::time::Duration;

/// The time that a worker's places stay reserved without renewal.
pub const LEASE: Duration = Duration::from_secs(30);

/// The decoded words of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holders {
    /// The last number that a worker has been given.
    last: u64,
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

impl Holders {
    /// Reads what [`Self::write`] has written; missing words give no holders.
    pub fn read(words: &[u64]) -> Self {
        let Some((last, rest)) = words.split_first() else { return Self::default() };
        let holder = |words: &[u64]| match *words {
            [worker, held, until] => Some(Holder { worker, held, until }),
            _ => None,
        };
        Self { last: *last, holders: rest.chunks_exact(3).filter_map(holder).collect() }
    }

    /// Replaces `words` with the words of these holders.
    pub fn write(&self, words: &mut Vec<u64>) {
        words.clear();
        words.push(self.last);
        words.extend(self.holders.iter().flat_map(|holder| [holder.worker, holder.held, holder.until]));
    }

    /// Drops the holders whose lease has expired, and returns how many places the rest have, without one worker's.
    pub fn others(&mut self, worker: Option<u64>, now: Instant) -> u64 {
        let now = nanos(now);
        self.holders.retain(|holder| now < holder.until);
        let others = self.holders.iter().filter(|holder| Some(holder.worker) != worker);
        others.fold(0, |sum, holder| sum.saturating_add(holder.held))
    }

    /// Records how many exchanges a worker holds, and renews its lease. Returns the worker's number, which is assigned
    /// with its first place.
    pub fn lease(&mut self, worker: Option<u64>, held: u64, now: Instant) -> u64 {
        let worker = worker.unwrap_or_else(|| {
            // Based on the clock, so that a number is never reused.
            self.last = self.last.saturating_add(1).max(nanos(now));
            self.last
        });
        let until = nanos(now.after(LEASE));
        self.holders.retain(|holder| holder.worker != worker);
        self.holders.push(Holder { worker, held, until });
        worker
    }

    /// Lowers the number of exchanges that a worker holds.
    pub fn release(&mut self, worker: u64, held: u64) {
        self.holders
            .iter_mut()
            .filter(|holder| holder.worker == worker)
            .for_each(|holder| holder.held = held);
        self.holders.retain(|holder| holder.held > 0);
    }
}

fn nanos(instant: Instant) -> u64 {
    u64::try_from(instant.0.as_nanos()).unwrap_or(u64::MAX)
}
