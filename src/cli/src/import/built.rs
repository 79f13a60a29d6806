//! The document under construction: each value knows its place in the input, so that the core's errors can be
//! shown there.

use super::place::Place;
use brownout_core::decode::json::Json;
use brownout_core::decode::path::{Path, Segment};

/// Faults by their field names.
pub type NamedFaults = Vec<(String, Built)>;

/// A value of the document.
#[derive(Debug, Clone, PartialEq)]
pub struct Built {
    shape: Shape,
    from: Option<Place>,
}

#[derive(Debug, Clone, PartialEq)]
enum Shape {
    Value(Json),
    List(Vec<Built>),
    Object(Vec<(String, Built)>),
}

impl Built {
    /// A value without parts of its own.
    pub fn value(json: Json) -> Self {
        Self { shape: Shape::Value(json), from: None }
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::value(Json::String(text.into()))
    }

    pub fn number(number: u64) -> Self {
        Self::value(Json::Number(number.into()))
    }

    /// `true`; `false` is left out of documents.
    pub fn yes() -> Self {
        Self::value(Json::Bool(true))
    }

    pub fn list(elements: Vec<Self>) -> Self {
        Self { shape: Shape::List(elements), from: None }
    }

    pub fn object<N: Into<String>>(fields: impl IntoIterator<Item = (N, Self)>) -> Self {
        let fields = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self { shape: Shape::Object(fields), from: None }
    }

    /// Records the place of the input that the value comes from.
    #[must_use]
    pub fn from(self, place: &Place) -> Self {
        Self { from: Some(place.clone()), ..self }
    }

    /// The elements, if it is a list.
    pub fn into_elements(self) -> Vec<Self> {
        match self.shape {
            Shape::List(elements) => elements,
            _ => Vec::new(),
        }
    }

    /// The fields, if it is an object.
    pub fn into_fields(self) -> Vec<(String, Self)> {
        match self.shape {
            Shape::Object(fields) => fields,
            _ => Vec::new(),
        }
    }

    /// Returns the value as the core reads it.
    pub fn json(&self) -> Json {
        match &self.shape {
            Shape::Value(json) => json.clone(),
            Shape::List(elements) => Json::Array(elements.iter().map(Self::json).collect()),
            Shape::Object(fields) => {
                Json::Object(fields.iter().map(|(name, value)| (name.clone(), value.json())).collect())
            }
        }
    }

    /// Returns the place of the input that the value at a path of the document comes from: that of the innermost value
    /// on the path that has one.
    pub fn origin(&self, path: &Path) -> Option<&Place> {
        let mut here = self;
        let mut place = self.from.as_ref();
        for segment in path.segments() {
            let inner = match (&here.shape, segment) {
                (Shape::List(elements), Segment::Index(index)) => elements.get(*index),
                (Shape::Object(fields), Segment::Field(name)) => {
                    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
                }
                _ => None,
            };
            let Some(inner) = inner else { break };
            here = inner;
            place = inner.from.as_ref().or(place);
        }
        place
    }
}
