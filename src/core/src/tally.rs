//! Counting the requests that a rule has matched, for rules that choose by count.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::fmt::Debug;

/// Counts requests. A proxy has several workers: whoever runs the engine knows how to count over all of them.
pub trait Tally: Debug {
    /// How many requests the rule has counted before this one: `None` if that cannot be told, and then the rule does
    /// not take the request.
    fn next(&mut self, rule: &Rc<str>) -> Option<u64>;
}

/// Counts for one engine alone.
#[derive(Debug, Default)]
pub struct LocalTally(BTreeMap<Rc<str>, u64>);

impl Tally for LocalTally {
    fn next(&mut self, rule: &Rc<str>) -> Option<u64> {
        let count = self.0.entry(Rc::clone(rule)).or_default();
        let before = *count;
        *count += 1;
        Some(before)
    }
}
