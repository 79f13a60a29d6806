//! A value of a manifest, with where it stands.

use crate::document::{Excerpt, Places};
use brownout_core::decode::json::Json;
use brownout_core::decode::path::{Path, Segment};
use brownout_core::decode::snake;
use std::ops::Range;
use std::rc::Rc;

/// A value, its places in the text that it was read from, and the way to it.
#[derive(Clone)]
pub struct Spot<'a> {
    /// The value.
    pub json: &'a Json,
    /// Where it stands in `excerpt`.
    pub places: &'a Places,
    /// The text that it was read from.
    pub excerpt: &'a Rc<Excerpt>,
    /// The way to it from the root of the file.
    pub path: Path,
}

impl<'a> Spot<'a> {
    fn inside(&self, segment: Segment, json: &'a Json, places: Option<&'a Places>) -> Self {
        let mut path = self.path.clone();
        path.push(segment);
        Self { json, places: places.unwrap_or(self.places), excerpt: self.excerpt, path }
    }

    /// The fields of an object, with their names as they are spelled; of anything else, none.
    pub fn entries(&self) -> Vec<(&'a str, Self)> {
        let Json::Object(fields) = self.json else { return Vec::new() };
        let inside =
            |name: &str, json| self.inside(Segment::Field(name.into()), json, self.places.field(name));
        fields.iter().map(|(name, json)| (name.as_str(), inside(name, json))).collect()
    }

    /// The elements of a list; of anything else, none.
    pub fn elements(&self) -> Vec<Self> {
        let Json::Array(elements) = self.json else { return Vec::new() };
        let inside = |(index, json)| self.inside(Segment::Index(index), json, self.places.element(index));
        elements.iter().enumerate().map(inside).collect()
    }

    /// A field by its name in snake case, in either spelling. One that is `null` counts as absent.
    pub fn field(&self, name: &str) -> Option<Self> {
        let mut entries = self.entries().into_iter();
        let is_it = |(spelled, spot): &(&str, Self)| snake(spelled) == name && *spot.json != Json::Null;
        entries.find(is_it).map(|(_, spot)| spot)
    }

    /// A field within a field.
    pub fn at(&self, names: &[&str]) -> Option<Self> {
        names.iter().try_fold(self.clone(), |spot, name| spot.field(name))
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&'a str> {
        match self.json {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a field.
    pub fn text_at(&self, names: &[&str]) -> Option<&'a str> {
        self.at(names)?.text()
    }

    /// The string that this is, as a text of its own.
    pub fn string(&self) -> Option<Rc<Excerpt>> {
        Some(Rc::new(self.excerpt.string(self.places.span(), self.text()?)))
    }

    /// Where in the file it stands.
    pub fn span(&self) -> Range<usize> {
        self.excerpt.in_file(self.places.span())
    }

    /// Where in the file the name of one of its fields stands.
    pub fn name_span(&self, name: &str) -> Option<Range<usize>> {
        let (spelled, _) = self.entries().into_iter().find(|(spelled, _)| snake(spelled) == name)?;
        self.places.name(spelled).map(|span| self.excerpt.in_file(span))
    }
}
