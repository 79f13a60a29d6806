//! Counting over all workers of a proxy: whoever runs the engine knows how.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::fmt::Debug;

/// Counts, each under a name: of a rule, or the empty one for all rules together.
pub trait Tally: Debug {
    /// How many requests the rule has counted before this one: `None` if that cannot be told, and then the rule does
    /// not take the request.
    fn next(&mut self, rule: &Rc<str>) -> Option<u64>;

    /// Counts one more exchange that is being held, unless there are `most` already, or that cannot be told.
    fn enter(&mut self, scope: &Rc<str>, most: u64) -> bool;

    /// Counts one fewer.
    fn leave(&mut self, scope: &Rc<str>);
}

/// Counts for one engine alone.
#[derive(Debug, Default)]
pub struct LocalTally {
    requests: BTreeMap<Rc<str>, u64>,
    held: BTreeMap<Rc<str>, u64>,
}

impl Tally for LocalTally {
    fn next(&mut self, rule: &Rc<str>) -> Option<u64> {
        let count = self.requests.entry(Rc::clone(rule)).or_default();
        let before = *count;
        *count += 1;
        Some(before)
    }

    fn enter(&mut self, scope: &Rc<str>, most: u64) -> bool {
        let held = self.held.entry(Rc::clone(scope)).or_default();
        let free = *held < most;
        *held += u64::from(free);
        free
    }

    fn leave(&mut self, scope: &Rc<str>) {
        if let Some(held) = self.held.get_mut(scope) {
            *held = held.saturating_sub(1);
        }
    }
}
