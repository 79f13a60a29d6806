//! How much a document may do at most.

use crate::decode::{Decode, Decoder, integer, object};
use crate::json::Json;
use crate::tally::Tally;
use alloc::rc::Rc;
use alloc::vec::Vec;
use serde::{Serialize, Serializer};

object! {
    /// Limits, of a rule or of all rules together. Over a limit, a request goes on untouched and is counted.
    #[derive(Debug, Clone)]
    pub struct Limits {
        /// How many exchanges may be held at the same time. 0 means never, as in Envoy.
        pub max_active_faults: Option<Limit>,
    }
    later ["max_faults", "max_faults_per_second", "max_percentage"]
}

/// A number of exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(pub u64);

impl Decode for Limit {
    const EXPECTED: &'static str = "a whole number from 0";

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        match integer(json).and_then(|number| u64::try_from(number).ok()) {
            Some(number) => Some(Self(number)),
            None => decoder.wrong_type("limit", json, Self::EXPECTED),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

/// The places that one exchange takes among those that may be held: to be given back exactly once, which is why it
/// cannot be copied.
#[derive(Debug, Default)]
#[must_use]
pub struct Places(Vec<Rc<str>>);

impl Places {
    /// Takes a place under each limit, or none at all if one of them is reached.
    pub fn take<'l>(
        limits: impl IntoIterator<Item = (&'l Rc<str>, Option<Limit>)>,
        tally: &mut dyn Tally,
    ) -> Option<Self> {
        let mut places = Self::default();
        for (scope, limit) in limits {
            let Some(Limit(most)) = limit else { continue };
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
