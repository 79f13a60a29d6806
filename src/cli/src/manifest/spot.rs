//! A value in a manifest, with its place.

use crate::document::{Excerpt, Places};
use brownout_core::decode::json::Json;
use brownout_core::decode::path::{Path, Segment};
use brownout_core::decode::snake;
use std::ops::Range;
use std::rc::Rc;

/// A value, its place in the text that it was read from, and the path to it.
#[derive(Clone)]
pub struct Spot<'a> {
    pub json: &'a Json,
    /// The places of the value and its parts in `excerpt`.
    pub places: &'a Places,
    /// The text that it was read from.
    pub excerpt: &'a Rc<Excerpt>,
    /// The path to it from the root of the file.
    pub path: Path,
}

impl<'a> Spot<'a> {
    fn inside(&self, segment: Segment, json: &'a Json, places: Option<&'a Places>) -> Self {
        let mut path = self.path.clone();
        path.push(segment);
        Self { json, places: places.unwrap_or(self.places), excerpt: self.excerpt, path }
    }

    /// Returns the fields of an object, with their names as spelled; empty for anything else.
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let Json::Object(fields) = self.json else { return Vec::new() };
        let inside =
            |name: &str, json| self.inside(Segment::Field(name.into()), json, self.places.field(name));
        fields.iter().map(|(name, json)| (name.as_str(), inside(name, json))).collect()
    }

    /// Returns the elements of a list; empty for anything else.
    pub fn elements(&self) -> Vec<Self> {
        let Json::Array(elements) = self.json else { return Vec::new() };
        let inside = |(index, json)| self.inside(Segment::Index(index), json, self.places.element(index));
        elements.iter().enumerate().map(inside).collect()
    }

    /// Finds a field by its snake-case name, in either spelling. A `null` field counts as absent.
    pub fn field(&self, name: &str) -> Option<Self> {
        let mut entries = self.entries().into_iter();
        let is_it = |(spelled, spot): &(&str, Self)| snake(spelled) == name && *spot.json != Json::Null;
        entries.find(is_it).map(|(_, spot)| spot)
    }

    /// Finds a nested field by its path of names.
    pub fn at(&self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self.clone(), |spot, name| spot.field(name))
    }

    /// Returns the value if it is a string.
    pub fn text(&self) -> Option<&'a str> {
        match self.json {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of a nested field if it is a string.
    pub fn text_at(&self, names: &[&str]) -> Option<&'a str> {
        self.at(names)?.text()
    }

    /// Returns the string as a text of its own.
    pub fn string(&self) -> Option<Rc<Excerpt>> {
        Some(Rc::new(self.excerpt.string(self.places.span(), self.text()?)))
    }

    /// Returns its place in the file.
    pub fn span(&self) -> Range<usize> {
        self.excerpt.in_file(self.places.span())
    }

    /// Returns the place of a field's name in the file.
    pub fn name_span(&self, name: &str) -> Option<Range<usize>> {
        let (spelled, _) = self.entries().into_iter().find(|(spelled, _)| snake(spelled) == name)?;
        self.places.name(spelled).map(|span| self.excerpt.in_file(span))
    }
}
