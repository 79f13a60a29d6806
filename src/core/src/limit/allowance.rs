//! One worker's allowance under the limits, coordinated with the other workers.

use crate::limit::Limits;
use crate::limit::holdings::Holdings;
use crate::limit::ledger::Ledger;
use crate::limit::recent::Recent;
use crate::limit::tally::{Account, Tally};
use crate::time::{Clock, Instant};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The places that one exchange takes while it is held or slowed down. They must be given back exactly once, so this is
/// not `Copy`.
#[derive(Debug, Default)]
#[must_use]
pub struct Places(Vec<Rc<str>>);

/// The names under which a rule, or all rules together, are counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// For what is counted in one life of the document.
    pub counts: Rc<str>,
    /// For what is held, also under later documents.
    pub places: Rc<str>,
}

/// The limits that apply to one exchange: those of its rule, and those of all rules together.
pub type Scopes = [(Scope, Option<Limits>); 2];

/// What an exchange needs from the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// True if there must be room for one more held exchange.
    pub room: bool,
    /// True if the exchange then takes that room.
    pub place: bool,
    /// True if the exchange is about to get a fault.
    pub fault: bool,
}

/// One worker's share of what the limits allow.
#[derive(Debug)]
pub struct Allowance {
    tally: Box<dyn Tally>,
    held: Holdings,
    /// The scope of the limits for all rules together.
    everything: Rc<str>,
    seen: Seen,
    /// What the last step has spent, to be taken back if the host cannot carry it out.
    spent: Vec<Spent>,
}

/// A fault that was counted.
#[derive(Debug)]
struct Spent {
    account: Account,
    counts: Rc<str>,
    second: u64,
}

/// Requests in the current second that have not been published to the other workers.
#[derive(Debug, Default)]
struct Seen {
    second: u64,
    requests: u64,
}

impl Allowance {
    /// Creates an allowance that has counted nothing yet.
    pub fn new(tally: Box<dyn Tally>, held: Holdings) -> Self {
        Self { tally, held, everything: "".into(), seen: Seen::default(), spent: Vec::new() }
    }

    /// Returns the scope of the limits for all rules together.
    pub fn everything(&self) -> Scope {
        Scope { counts: Rc::clone(&self.everything), places: Rc::clone(&self.everything) }
    }

    pub fn tally(&mut self) -> &mut dyn Tally {
        self.tally.as_mut()
    }

    pub fn held(&self) -> &Holdings {
        &self.held
    }

    /// Counts an exchange that is held, as far as it is not: no limit applied to it so far.
    pub fn count(&mut self, places: &mut Places, rule: &Rc<str>) {
        for scope in [rule, &self.everything] {
            if !places.0.contains(scope) {
                self.held.take(scope);
                places.0.push(Rc::clone(scope));
            }
        }
    }

    /// Tells the other workers about what has been held under documents that did not limit it.
    pub fn tell_held(&mut self, now: Instant) {
        self.held.tell(self.tally.as_mut(), now);
    }

    /// Counts a request, whatever happens to it. The count is published to the other workers once a second.
    pub fn see(&mut self, clock: &dyn Clock) {
        let Some(now) = clock.now() else { return };
        let second = now.0.as_secs();
        if second != self.seen.second {
            self.publish(second);
        }
        self.seen.requests += 1;
    }

    /// Reserves what a wish needs under all limits, or returns `None`. Without a clock, limits that depend on the time
    /// allow nothing.
    pub fn take(
        &mut self,
        account: Account,
        wish: Wish,
        scopes: &Scopes,
        clock: &dyn Clock,
    ) -> Option<Places> {
        let mut places = Places::default();
        self.settle();
        for (scope, limits) in scopes {
            let now = if limits.is_some_and(|limits| limits.need_clock()) {
                clock.now()
            } else {
                Some(Instant::default())
            };
            let granted = now.is_some_and(|now| {
                let Some(limits) = limits else { return true };
                if !self.has_room(account, wish, scope, limits, now) {
                    return false;
                }
                if wish.place && limits.max_active_faults.is_some() {
                    places.0.push(Rc::clone(&scope.places));
                }
                !(wish.fault && limits.limit_faults()) || self.spend(account, scope, limits, now)
            });
            if !granted {
                self.take_back();
                self.give_back(places);
                return None;
            }
        }
        Some(places)
    }

    /// Returns whether there is room for one more held exchange, and takes it if the wish says so.
    fn has_room(
        &mut self,
        account: Account,
        wish: Wish,
        scope: &Scope,
        limits: &Limits,
        now: Instant,
    ) -> bool {
        match limits.max_active_faults {
            // Shadows hold nothing.
            Some(most) if wish.room && account == Account::Shadows => most.0 > 0,
            Some(most) if wish.room => {
                self.held.ask(&scope.places, most.0, wish.place, self.tally.as_mut(), now)
            }
            _ => true,
        }
    }

    fn spend(&mut self, account: Account, scope: &Scope, limits: &Limits, now: Instant) -> bool {
        let seen = if limits.limit_share() { self.publish(now.0.as_secs()) } else { 0 };
        let mut second = None;
        let spent = self.tally.change(account, &scope.counts, &mut |words| {
            let mut ledger = Ledger::read(words);
            second = ledger.spend(limits, now, seen);
            ledger.write(words);
            second.is_some()
        });
        let second = second.filter(|_| spent);
        let counts = || Rc::clone(&scope.counts);
        self.spent.extend(second.map(|second| Spent { account, counts: counts(), second }));
        second.is_some()
    }

    /// Forgets what earlier steps have spent: they have been carried out.
    pub fn settle(&mut self) {
        self.spent.clear();
    }

    /// Takes back what has been spent since [`Self::settle`].
    pub fn take_back(&mut self) {
        for Spent { account, counts, second } in core::mem::take(&mut self.spent) {
            self.tally.change(account, &counts, &mut |words| {
                let mut ledger = Ledger::read(words);
                ledger.unspend(second);
                ledger.write(words);
                true
            });
        }
    }

    pub fn give_back(&mut self, places: Places) {
        for scope in places.0 {
            self.held.give_back(&scope, self.tally.as_mut());
        }
    }

    /// Returns when [`Self::renew`] is due.
    pub fn renewal(&self) -> Option<Instant> {
        self.held.renewal()
    }

    /// Renews the leases if they are due.
    pub fn renew(&mut self, now: Instant) {
        self.held.renew(self.tally.as_mut(), now);
    }

    /// Publishes this worker's request count, and returns the count over all workers.
    fn publish(&mut self, second: u64) -> u64 {
        let Seen { second: before, requests } = core::mem::take(&mut self.seen);
        self.seen.second = second;
        let mut sum = 0;
        let told = self.tally.change(Account::Seen, &self.everything, &mut |words| {
            let mut recent = Recent::read(words);
            recent.add(before, requests);
            sum = recent.sum(second);
            words.clear();
            recent.write(words);
            true
        });
        if told { sum } else { 0 }
    }
}
