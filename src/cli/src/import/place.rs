//! The place of a value in the input, and a value with its place.

use brownout_core::decode::json::Json;
use brownout_core::decode::path::{Path, Segment};
use brownout_core::decode::snake;

/// The place of a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The index of the file, from 0.
    pub file: usize,
    /// The index of the YAML document in the file, from 0.
    pub part: usize,
    /// The path in that document.
    pub path: Path,
}

impl Place {
    fn inside(&self, segment: Segment) -> Self {
        let mut place = self.clone();
        place.path.push(segment);
        place
    }
}

/// A value of the input.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    pub json: &'a Json,
    pub place: Place,
}

impl<'a> Node<'a> {
    /// Returns a field by its name in snake case, even if the input uses camel case. `null` counts as absent.
    pub fn field(&self, name: &str) -> Option<Self> {
        self.entries()
            .into_iter()
            .find(|(spelled, node)| snake(spelled) == name && *node.json != Json::Null)
            .map(|(_, node)| node)
    }

    /// Returns a nested field by its path of names.
    pub fn at(&self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self.clone(), |node, name| node.field(name))
    }

    /// Returns the fields of an object, or nothing for other values.
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let Json::Object(fields) = self.json else { return Vec::new() };
        let inside = |name: &str| self.place.inside(Segment::Field(name.into()));
        fields.iter().map(|(name, json)| (name.as_str(), Node { json, place: inside(name) })).collect()
    }

    /// Returns the elements of a list, or nothing for other values.
    pub fn elements(&self) -> Vec<Self> {
        let Json::Array(elements) = self.json else { return Vec::new() };
        let inside = |index| self.place.inside(Segment::Index(index));
        elements.iter().enumerate().map(|(index, json)| Node { json, place: inside(index) }).collect()
    }

    /// Returns the text, if it is a string.
    pub fn text(&self) -> Option<&'a str> {
        match self.json {
            Json::String(text) => Some(text),
            _ => None,
        }
    }
}
