//! How much a document may do at most.

use crate::decode::{Count, object};
use crate::tally::Tally;
use alloc::rc::Rc;
use alloc::vec::Vec;

object! {
    /// Limits, of a rule or of all rules together. Over a limit, a request goes on untouched and is counted.
    #[derive(Debug, Clone)]
    pub struct Limits {
        /// How many exchanges may be held at the same time. 0 means never, as in Envoy.
        pub max_active_faults: Option<Count>,
    }
    later ["max_faults", "max_faults_per_second", "max_percentage"]
}

/// The places that one exchange takes among those that may be held: to be given back exactly once, which is why it
/// cannot be copied.
#[derive(Debug, Default)]
#[must_use]
pub struct Places(Vec<Rc<str>>);

impl Places {
    /// Takes a place under each limit, or none at all if one of them is reached.
    pub fn take<'l>(
        limits: impl IntoIterator<Item = (&'l Rc<str>, Option<Count>)>,
        tally: &mut dyn Tally,
    ) -> Option<Self> {
        let mut places = Self::default();
        for (scope, limit) in limits {
            let Some(Count(most)) = limit else { continue };
            if !tally.enter(scope, most) {
                places.give_back(tally);
                return None;
            }
            places.0.push(Rc::clone(scope));
        }
        Some(places)
    }

    /// Gives them back.
    pub fn give_back(self, tally: &mut dyn Tally) {
        self.0.iter().for_each(|scope| tally.leave(scope));
    }
}
