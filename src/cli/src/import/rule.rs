//! A rule of the document that an import builds.

use super::built::Built;
use super::condition::Condition;
use super::names::Names;
use super::percentage::{self, ALL};
use super::place::Place;

/// A rule of the document to be built.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its place in the input.
    pub place: Place,
    /// Its name, if that is valid and unused.
    pub name: String,
    /// The requests it matches.
    pub condition: Condition,
    /// The share of them that it takes, in millionths.
    pub share: u32,
    /// `mode`, `schedule`, `limits`, the faults.
    pub fields: Vec<(String, Built)>,
}

impl Rule {
    /// Creates a rule that takes every request it matches.
    pub fn of_all(place: &Place, name: impl Into<String>, condition: Condition) -> Self {
        Self { place: place.clone(), name: name.into(), condition, share: ALL, fields: Vec::new() }
    }

    /// Returns it as a value of the document.
    pub fn built(self, names: &mut Names) -> Built {
        let name = ("name".to_owned(), Built::text(names.new_name(&self.name)));
        let share = ("percentage".to_owned(), percentage::built(self.share));
        // In a document, the mode comes before the condition.
        let (first, rest): (Vec<_>, Vec<_>) = self.fields.into_iter().partition(|(name, _)| name == "mode");
        let fields = [name].into_iter().chain(first).chain(self.condition.field(&self.place)).chain([share]);
        Built::object(fields.chain(rest)).from(&self.place)
    }
}
