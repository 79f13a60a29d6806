//! Counting over all workers of a proxy. The host of the engine provides the implementation.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::Debug;

/// A kind of count, kept per rule name, or under the empty name for all rules together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// The requests that a rule's sample has counted.
    Requests,
    /// The ledger behind the limits: see [`crate::limit::ledger`].
    Faults,
    /// The same for faults that are only counted.
    Shadows,
    /// The exchanges that each worker holds: see [`crate::limit::holders`]. They are held until they end, whichever
    /// document is in force then, so this account outlives documents.
    Held,
    /// When the document of a route was first seen.
    Route,
    /// The number of all recent requests.
    Seen,
    /// The recent ends of exchanges without a fault.
    Health,
    /// A mark that the document's expiry has been reported.
    Expiry,
}

impl Account {
    /// The number of accounts.
    pub const COUNT: usize = Self::Expiry as usize + 1;

    /// The name, for a host that keeps accounts by name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Faults => "faults",
            Self::Shadows => "shadows",
            Self::Held => "held",
            Self::Route => "route",
            Self::Seen => "seen",
            Self::Health => "health",
            Self::Expiry => "expiry",
        }
    }
}

/// Numbers that the workers of a proxy share.
pub trait Tally: Debug {
    /// Changes an account's words atomically with respect to the other workers.
    ///
    /// `change` gets the current words, empty if nothing has been counted yet, and returns whether to store its
    /// changes. It may be called again with newer words until the write succeeds. Returns `false` if `change` did, or
    /// if nothing can be counted.
    fn change(
        &mut self,
        account: Account,
        scope: &Rc<str>,
        change: &mut dyn FnMut(&mut Vec<u64>) -> bool,
    ) -> bool;
}

/// Counts a request, and returns how many the rule has counted before it: `None` if that is unknown.
pub fn next(tally: &mut dyn Tally, rule: &Rc<str>) -> Option<u64> {
    let mut before = 0;
    let counted = tally.change(Account::Requests, rule, &mut |words| {
        before = words.first().copied().unwrap_or_default();
        words.clear();
        words.push(before.saturating_add(1));
        true
    });
    counted.then_some(before)
}

/// A tally that counts nothing, for an engine that follows no plan yet.
#[derive(Debug)]
pub struct NoTally;

impl Tally for NoTally {
    fn change(&mut self, _: Account, _: &Rc<str>, _: &mut dyn FnMut(&mut Vec<u64>) -> bool) -> bool {
        false
    }
}

/// A tally for one engine, or for several engines that share clones of it.
#[derive(Debug, Clone, Default)]
pub struct LocalTally {
    accounts: Accounts,
    /// The account [`Account::Held`].
    held: Accounts,
}

type Accounts = Rc<RefCell<BTreeMap<(Account, Rc<str>), Vec<u64>>>>;

impl LocalTally {
    /// Returns the tally of the document that follows: it counts from 0, but what is held is still held.
    #[must_use]
    pub fn next_document(&self) -> Self {
        Self { accounts: Accounts::default(), held: Rc::clone(&self.held) }
    }
}

impl Tally for LocalTally {
    fn change(
        &mut self,
        account: Account,
        scope: &Rc<str>,
        change: &mut dyn FnMut(&mut Vec<u64>) -> bool,
    ) -> bool {
        let accounts = if account == Account::Held { &self.held } else { &self.accounts };
        let Ok(mut accounts) = accounts.try_borrow_mut() else { return false };
        let words = accounts.entry((account, Rc::clone(scope))).or_default();
        let mut changed = words.clone();
        let kept = change(&mut changed);
        if kept {
            *words = changed;
        }
        kept
    }
}
