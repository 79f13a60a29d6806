//! The exchanges that one worker holds, under whatever document.
//!
//! A plugin that gets another document has another engine, while the exchanges of the old one are still held. Both hold
//! on one account, so a document that replaces another gets no room that the old one still takes.

use crate::decode::dictionary::Dictionary;
use crate::limit::holders::{Holders, LEASE};
use crate::limit::tally::{Account, Tally};
use crate::time::Instant;
use alloc::rc::Rc;
use core::cell::RefCell;

/// The exchanges that a worker holds. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Holdings(Rc<RefCell<Book>>);

#[derive(Debug, Default)]
struct Book {
    by_scope: Dictionary<Mine>,
    /// The number of places in `by_scope`.
    total: usize,
    /// The time at which to renew the leases; `None` while nothing is held on a lease.
    renewal: Option<Instant>,
}

/// The places that the worker holds under one limit.
#[derive(Debug)]
struct Mine {
    scope: Rc<str>,
    held: u64,
    /// The number assigned to this worker, once it has told the others what it holds.
    worker: Option<u64>,
}

impl Holdings {
    /// Returns whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Takes a place that no limit has applied to. The other workers are not told yet.
    pub fn take(&self, scope: &Rc<str>) {
        self.with(|book| book.add(scope, None));
    }

    /// Returns whether fewer than `most` exchanges are held over all workers, and takes a place if there is to be one.
    pub fn ask(&self, scope: &Rc<str>, most: u64, takes: bool, tally: &mut dyn Tally, now: Instant) -> bool {
        let asked = self.with(|book| {
            let (worker, held) = book.mine(scope).map_or((None, 0), |mine| (mine.worker, mine.held));
            let mut number = None;
            let granted = tally.change(Account::Held, scope, &mut |words| {
                let mut holders = Holders::read(words);
                if holders.others(worker, now).saturating_add(held) >= most {
                    return false;
                }
                if takes {
                    number = Some(holders.lease(worker, held.saturating_add(1), now));
                }
                holders.write(words);
                true
            });
            if granted && takes {
                book.add(scope, number);
                book.renewal.get_or_insert(now.after(LEASE / 3));
            }
            granted
        });
        asked == Some(true)
    }

    /// Gives a place back.
    pub fn give_back(&self, scope: &Rc<str>, tally: &mut dyn Tally) {
        self.with(|book| {
            let Some(mine) = book.by_scope.get_mut(scope.as_bytes()) else { return };
            mine.held = mine.held.saturating_sub(1);
            if let (Some(worker), held) = (mine.worker, mine.held) {
                tally.change(Account::Held, scope, &mut |words| {
                    let mut holders = Holders::read(words);
                    holders.release(worker, held);
                    holders.write(words);
                    true
                });
            }
            book.total = book.total.saturating_sub(1);
            if book.total == 0 {
                book.renewal = None;
            }
        });
    }

    /// Forgets the names of rules while none of them holds anything. To be called when another document arrives.
    pub fn forget_names(&self) {
        self.with(|book| {
            if book.total == 0 {
                *book = Book::default();
            }
        });
    }

    /// Tells the other workers about everything that is held, as far as they do not know.
    pub fn tell(&self, tally: &mut dyn Tally, now: Instant) {
        self.with(|book| book.lease(tally, now, |mine| mine.worker.is_none()));
    }

    /// Returns when [`Self::renew`] is due.
    pub fn renewal(&self) -> Option<Instant> {
        self.0.try_borrow().ok()?.renewal
    }

    /// Renews the leases if they are due.
    pub fn renew(&self, tally: &mut dyn Tally, now: Instant) {
        if self.renewal().is_some_and(|due| now >= due) {
            self.with(|book| {
                book.renewal = None;
                book.lease(tally, now, |mine| mine.worker.is_some());
            });
        }
    }

    /// Returns `None` if it is being changed already, which nobody does.
    fn with<R>(&self, change: impl FnOnce(&mut Book) -> R) -> Option<R> {
        Some(change(&mut *self.0.try_borrow_mut().ok()?))
    }
}

impl Book {
    fn mine(&self, scope: &Rc<str>) -> Option<&Mine> {
        self.by_scope.get(scope.as_bytes())
    }

    fn add(&mut self, scope: &Rc<str>, worker: Option<u64>) {
        self.total += 1;
        match self.by_scope.get_mut(scope.as_bytes()) {
            Some(mine) => {
                mine.held += 1;
                mine.worker = worker.or(mine.worker);
            }
            None => {
                self.by_scope.add(scope.as_bytes(), Mine { scope: Rc::clone(scope), held: 1, worker });
            }
        }
    }

    fn lease(&mut self, tally: &mut dyn Tally, now: Instant, which: impl Fn(&Mine) -> bool) {
        for mine in self.by_scope.values_mut().filter(|mine| mine.held > 0 && which(mine)) {
            let (worker, held) = (mine.worker, mine.held);
            let mut number = None;
            tally.change(Account::Held, &mine.scope, &mut |words| {
                let mut holders = Holders::read(words);
                number = Some(holders.lease(worker, held, now));
                holders.write(words);
                true
            });
            mine.worker = number;
            self.renewal = Some(now.after(LEASE / 3));
        }
    }
}
