//! One worker's allowance under the limits, coordinated with the other workers.

use crate::decode::dictionary::Dictionary;
use crate::limit::Limits;
use crate::limit::ledger::{Asking, LEASE, Ledger, Wish};
use crate::limit::recent::Recent;
use crate::limit::tally::{Account, Tally};
use crate::time::{Clock, Instant};
use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The slots that one exchange takes under `max_active_faults`. They must be given back exactly once, so this is not
/// `Copy`.
#[derive(Debug, Default)]
#[must_use]
pub struct Places(Vec<Rc<str>>);

/// The limits that apply to one exchange, each with the name under which its faults are counted.
pub type Scopes = [(Rc<str>, Option<Limits>); 2];

/// One worker's share of what the limits allow.
#[derive(Debug)]
pub struct Allowance {
    tally: Box<dyn Tally>,
    /// The scope of the limits for all rules together.
    everything: Rc<str>,
    /// The places that this worker holds, by the scope of the limit.
    mine: Dictionary<Mine>,
    /// The total number of places in `mine`.
    held: usize,
    /// The time at which to renew its leases; `None` while it holds no places.
    renewal: Option<Instant>,
    seen: Seen,
}

/// The places that a worker holds under one limit.
#[derive(Debug)]
struct Mine {
    scope: Rc<str>,
    /// The number assigned to this worker.
    worker: u64,
    held: u64,
}

/// Requests in the current second that have not been published to the other workers.
#[derive(Debug, Default)]
struct Seen {
    second: u64,
    requests: u64,
}

impl Allowance {
    /// Creates an allowance with nothing taken.
    pub fn new(tally: Box<dyn Tally>) -> Self {
        Self {
            tally,
            everything: "".into(),
            mine: Dictionary::default(),
            held: 0,
            renewal: None,
            seen: Seen::default(),
        }
    }

    /// Returns the scope of the limits for all rules together.
    pub fn everything(&self) -> Rc<str> {
        Rc::clone(&self.everything)
    }

    pub fn tally(&mut self) -> &mut dyn Tally {
        self.tally.as_mut()
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

    /// Grants a wish under all limits, or returns `None`. Without a clock, limits that depend on the time grant
    /// nothing.
    pub fn take(
        &mut self,
        account: Account,
        wish: Wish,
        scopes: &Scopes,
        clock: &dyn Clock,
    ) -> Option<Places> {
        let mut places = Places::default();
        let mut granted = Vec::new();
        for (scope, limits) in scopes {
            let Some(limits) = limits else { continue };
            let wish = Wish { place: wish.place && limits.max_active_faults.is_some(), ..wish };
            let now = if limits.need_clock() { clock.now() } else { Some(Instant::default()) };
            if !now.is_some_and(|now| self.ask(account, wish, scope, limits, now)) {
                granted.into_iter().for_each(|(scope, now)| self.unspend(account, wish, scope, now));
                self.give_back(places);
                return None;
            }
            granted.extend(now.map(|now| (scope, now)));
            if wish.place {
                places.0.push(Rc::clone(scope));
            }
        }
        Some(places)
    }

    fn ask(&mut self, account: Account, wish: Wish, scope: &Rc<str>, limits: &Limits, now: Instant) -> bool {
        let seen = if limits.limit_share() { self.publish(now.0.as_secs()) } else { 0 };
        let mine = self.mine.get(scope.as_bytes());
        let (worker, held) = match account {
            Account::Faults => (mine.map(|mine| mine.worker), mine.map_or(0, |mine| mine.held)),
            _ => (None, 0),
        };
        let asking = Asking { worker, held, now, seen };
        let mut number = None;
        let granted = self.tally.change(account, scope, &mut |words| {
            let mut ledger = Ledger::read(words);
            number = ledger.grant(wish, limits, &asking);
            ledger.write(words);
            number.is_some()
        });
        if let (true, true, Some(worker)) = (granted, wish.place, number) {
            match self.mine.get_mut(scope.as_bytes()) {
                Some(mine) => (mine.worker, mine.held) = (worker, held + 1),
                None => {
                    let mine = Mine { scope: Rc::clone(scope), worker, held: held + 1 };
                    self.mine.add(scope.as_bytes(), mine);
                }
            }
            self.held += 1;
            self.renewal.get_or_insert(now.after(LEASE / 3));
        }
        granted
    }

    fn unspend(&mut self, account: Account, wish: Wish, scope: &Rc<str>, now: Instant) {
        if wish.fault {
            self.tally.change(account, scope, &mut |words| {
                let mut ledger = Ledger::read(words);
                ledger.unspend(now);
                ledger.write(words);
                true
            });
        }
    }

    pub fn give_back(&mut self, places: Places) {
        for scope in places.0 {
            let Some(mine) = self.mine.get_mut(scope.as_bytes()) else { continue };
            mine.held = mine.held.saturating_sub(1);
            self.held = self.held.saturating_sub(1);
            if self.held == 0 {
                self.renewal = None;
            }
            let Mine { worker, held, .. } = *mine;
            self.tally.change(Account::Faults, &scope, &mut |words| {
                let mut ledger = Ledger::read(words);
                ledger.release(worker, held);
                ledger.write(words);
                true
            });
        }
    }

    /// Returns when [`Self::renew`] is due.
    pub fn renewal(&self) -> Option<Instant> {
        self.renewal
    }

    /// Renews the leases if they are due.
    pub fn renew(&mut self, now: Instant) {
        if self.renewal.is_none_or(|due| now < due) {
            return;
        }
        self.renewal = None;
        for (_, mine) in self.mine.iter().filter(|(_, mine)| mine.held > 0) {
            self.renewal = Some(now.after(LEASE / 3));
            self.tally.change(Account::Faults, &mine.scope, &mut |words| {
                let mut ledger = Ledger::read(words);
                ledger.lease(mine.worker, mine.held, now);
                ledger.write(words);
                true
            });
        }
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
