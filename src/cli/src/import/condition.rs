//! Predicates under construction, and combining them into readable ones.

use super::built::Built;
use super::place::Place;

/// A predicate: the fields of its object. Without fields, it holds for every request.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Condition(Vec<(String, Built)>);

impl Condition {
    /// A predicate of one field.
    pub fn new(field: &str, value: Built) -> Self {
        Self(vec![(field.into(), value)])
    }

    /// Returns whether it holds for every request.
    pub fn is_always(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether both are equal, ignoring their places in the input.
    pub fn same(&self, other: &Self) -> bool {
        self.clone().built().json() == other.clone().built().json()
    }

    /// Combines both into one object; if both have a field, the second one goes into `all`.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let mut more = Vec::new();
        for (name, value) in other.0 {
            if name == "all" {
                more.extend(value.into_elements());
            } else if self.0.iter().any(|(own, _)| *own == name) {
                more.push(Built::object([(name, value)]));
            } else {
                self.0.push((name, value));
            }
        }
        if more.is_empty() {
            return self;
        }
        match self.0.iter().position(|(name, _)| name == "all") {
            None => self.0.push(("all".into(), Built::list(more))),
            Some(place) => {
                let (name, all) = self.0.remove(place);
                let all = all.into_elements().into_iter().chain(more).collect();
                self.0.insert(place, (name, Built::list(all)));
            }
        }
        self
    }

    /// Returns a condition that holds if any of these does; `None` for an empty list, which never holds.
    pub fn any(conditions: Vec<Self>) -> Option<Self> {
        if conditions.iter().any(Self::is_always) {
            return Some(Self::default());
        }
        match conditions.len() {
            0 => None,
            1 => conditions.into_iter().next(),
            _ => Some(Self::new("any", Built::list(conditions.into_iter().map(Self::built).collect()))),
        }
    }

    /// Returns a condition that holds if none of these does.
    pub fn none(conditions: Vec<Self>) -> Self {
        Self::any(conditions).map_or_else(Self::default, |any| Self::new("not", any.built()))
    }

    /// Returns it as a value of the document.
    pub fn built(self) -> Built {
        Built::object(self.0)
    }

    /// Returns the field `match` of a rule, or `None` if it holds for every request.
    pub fn field(self, place: &Place) -> Option<(String, Built)> {
        (!self.is_always()).then(|| ("match".into(), self.built().from(place)))
    }
}
