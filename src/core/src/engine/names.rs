//! The numbers of rules, by name. Rules in the metadata of routes come and go, and are recognized by name.

use crate::decode::dictionary::Dictionary;
use crate::id::RuleId;
use crate::plan::Plan;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The number of names beyond the document's own that get a number. Each adds metrics to the proxy permanently.
const MOST_OF_ROUTES: usize = 1000;

/// Rule names and the numbers assigned to them.
#[derive(Debug)]
pub struct Names {
    numbers: Dictionary<RuleId>,
    names: Vec<Rc<str>>,
    most: usize,
}

impl Names {
    /// Numbers the names of a plan's rules by their places.
    pub fn new(plan: &Plan) -> Self {
        let names: Vec<Rc<str>> = plan.rules().iter().map(|rule| rule.name.shared()).collect();
        let mut numbers = Dictionary::default();
        for (place, name) in names.iter().enumerate() {
            numbers.add(name.as_bytes(), RuleId(place));
        }
        Self { numbers, most: names.len() + MOST_OF_ROUTES, names }
    }

    /// Returns the number of a name, and assigns one if needed.
    pub fn number(&mut self, name: &Rc<str>) -> RuleId {
        if let Some(number) = self.numbers.get(name.as_bytes()) {
            return *number;
        }
        if self.names.len() >= self.most {
            return RuleId::UNNUMBERED;
        }
        let number = RuleId(self.names.len());
        self.names.push(Rc::clone(name));
        self.numbers.add(name.as_bytes(), number);
        number
    }

    /// Returns the name for a number.
    pub fn name(&self, number: RuleId) -> Option<&str> {
        self.names.get(number.0).map(AsRef::as_ref)
    }
}
