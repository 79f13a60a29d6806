//! Where in the input a value stands, and the value with its place.

use brownout_core::decode::json::Json;
use brownout_core::decode::path::{Path, Segment};
use brownout_core::decode::snake;

/// Where a value stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// In which file, from 0.
    pub file: usize,
    /// In which of the file's YAML documents, from 0.
    pub part: usize,
    /// Where in that.
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
    /// The value.
    pub json: &'a Json,
    /// Where it stands.
    pub place: Place,
}

impl<'a> Node<'a> {
    /// A field by its name in snake case; the input may spell it in camel case. One that is `null` counts as absent.
    pub fn field(&self, name: &str) -> Option<Self> {
        self.entries()
            .into_iter()
            .find(|(spelled, node)| snake(spelled) == name && *node.json != Json::Null)
            .map(|(_, node)| node)
    }

    /// A field within a field.
    pub fn at(&self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self.clone(), |node, name| node.field(name))
    }

    /// The fields of an object; of anything else, none.
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let Json::Object(fields) = self.json else { return Vec::new() };
        let inside = |name: &str| self.place.inside(Segment::Field(name.into()));
        fields.iter().map(|(name, json)| (name.as_str(), Node { json, place: inside(name) })).collect()
    }

    /// The elements of a list; of anything else, none.
    pub fn elements(&self) -> Vec<Self> {
        let Json::Array(elements) = self.json else { return Vec::new() };
        let inside = |index| self.place.inside(Segment::Index(index));
        elements.iter().enumerate().map(|(index, json)| Node { json, place: inside(index) }).collect()
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&'a str> {
        match self.json {
            Json::String(text) => Some(text),
            _ => None,
        }
    }
}
