//! A rule in the making.

use super::built::Built;
use super::condition::Condition;
use super::names::Names;
use super::percentage::{self, ALL};
use super::place::Place;

/// A rule that is to be.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Where in the input it comes from.
    pub place: Place,
    /// What it is to be called, if that is legal and not taken.
    pub name: String,
    /// Which requests it is about.
    pub condition: Condition,
    /// Which share of them it takes, in millionths.
    pub share: u32,
    /// `mode`, `schedule`, `limits`, the faults.
    pub fields: Vec<(String, Built)>,
}

impl Rule {
    /// One that takes all the requests that it is about.
    pub fn of_all(place: &Place, name: impl Into<String>, condition: Condition) -> Self {
        Self { place: place.clone(), name: name.into(), condition, share: ALL, fields: Vec::new() }
    }

    /// As a value of the document.
    pub fn built(self, names: &mut Names) -> Built {
        let name = ("name".to_owned(), Built::text(names.new_name(&self.name)));
        let share = ("percentage".to_owned(), percentage::built(self.share));
        // In a document the mode stands before the condition.
        let (first, rest): (Vec<_>, Vec<_>) = self.fields.into_iter().partition(|(name, _)| name == "mode");
        let fields = [name].into_iter().chain(first).chain(self.condition.field(&self.place)).chain([share]);
        Built::object(fields.chain(rest)).from(&self.place)
    }
}
