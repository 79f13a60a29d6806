//! Counting over all workers of a proxy: whoever runs the engine knows how.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt::Debug;

/// What is counted, each under the name of a rule, or under the empty one for all rules together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// The requests that a rule's sample has counted.
    Requests,
    /// What limits go by: see [`crate::limit::ledger`].
    Faults,
    /// The same for faults that are only counted.
    Shadows,
    /// All requests of the last while.
    Seen,
    /// How exchanges ended that suffered nothing.
    Health,
    /// Whether it has been said that the document's time is over.
    Expiry,
}

impl Account {
    /// The name, for a host that keeps accounts by name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Faults => "faults",
            Self::Shadows => "shadows",
            Self::Seen => "seen",
            Self::Health => "health",
            Self::Expiry => "expiry",
        }
    }
}

/// Numbers that workers share.
pub trait Tally: Debug {
    /// Changes an account's words in one step, which no other worker's comes between.
    ///
    /// `change` gets them as they are, none if nothing has been counted yet, and says whether they are kept as it leaves
    /// them; it may be asked again, with others, until that has been done. `false` if it said no, or if nothing can be
    /// counted.
    fn change(
        &mut self,
        account: Account,
        scope: &Rc<str>,
        change: &mut dyn FnMut(&mut Vec<u64>) -> bool,
    ) -> bool;
}

/// How many requests the rule has counted before this one: `None` if that cannot be told.
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

/// Counts nothing: for an engine that follows no plan yet.
#[derive(Debug)]
pub struct NoTally;

impl Tally for NoTally {
    fn change(&mut self, _: Account, _: &Rc<str>, _: &mut dyn FnMut(&mut Vec<u64>) -> bool) -> bool {
        false
    }
}

/// Counts for one engine alone, or for those that have clones of it.
#[derive(Debug, Clone, Default)]
pub struct LocalTally(Rc<RefCell<Accounts>>);

type Accounts = BTreeMap<(Account, Rc<str>), Vec<u64>>;

impl Tally for LocalTally {
    fn change(
        &mut self,
        account: Account,
        scope: &Rc<str>,
        change: &mut dyn FnMut(&mut Vec<u64>) -> bool,
    ) -> bool {
        let Ok(mut accounts) = self.0.try_borrow_mut() else { return false };
        let words = accounts.entry((account, Rc::clone(scope))).or_default();
        let mut changed = words.clone();
        let kept = change(&mut changed);
        if kept {
            *words = changed;
        }
        kept
    }
}
