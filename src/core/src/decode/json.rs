//! A JSON value as it was written: fields in order, duplicate fields included, numbers unrounded.

use crate::decode::diagnostic::{Code, Diagnostic, Position, Severity};
use crate::decode::path::{Path, Segment};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    String(String),
    Array(Vec<Json>),
    /// An object: its fields in the order of the text, duplicates included.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Parses JSON text (RFC 8259).
    ///
    /// # Errors
    /// A [`Code::Syntax`] diagnostic with line and column.
    #[allow(clippy::result_large_err, reason = "it is built once, for a document that is refused")]
    pub fn parse(text: &[u8]) -> Result<Self, Diagnostic> {
        serde_json::from_slice(text).map_err(|error| syntax_error(&error))
    }

    /// Returns the position of a path as sibling indexes, level by level: sorting by it gives the order of the text. A
    /// path to a missing field sorts with the last value that exists along the path.
    pub fn position_of(&self, path: &Path) -> Vec<usize> {
        let mut position = Vec::new();
        let mut value = self;
        for segment in path.segments() {
            let place = match (value, segment) {
                (Self::Array(_), Segment::Index(index)) => Some(*index),
                // For a duplicate field, the mistake is reported at the second occurrence.
                (Self::Object(fields), Segment::Field(name)) => {
                    fields.iter().position(|(field, _)| field == name)
                }
                _ => None,
            };
            let inner = place.and_then(|place| match value {
                Self::Array(list) => list.get(place),
                Self::Object(fields) => fields.get(place).map(|(_, value)| value),
                _ => None,
            });
            let (Some(place), Some(inner)) = (place, inner) else { break };
            position.push(place);
            value = inner;
        }
        position
    }

    /// Returns the name of the value's type for messages.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

fn syntax_error(error: &serde_json::Error) -> Diagnostic {
    let text = error.to_string();
    let label = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    Diagnostic {
        severity: Severity::Error,
        code: Code::Syntax,
        path: Path::default(),
        position: Some(Position { line: error.line(), column: error.column() }),
        message: "not valid JSON".into(),
        label: label.into(),
        help: None,
    }
}

/// Prints scalars as JSON, lists and objects as their type: enough to recognize the value in a message.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "`{value}`"),
            Self::Number(value) => write!(f, "`{value}`"),
            Self::String(value) => write!(f, "`{}`", Shortened(value)),
            Self::Null | Self::Array(_) | Self::Object(_) => f.write_str(self.type_name()),
        }
    }
}

/// A string that is safe to print in a message: truncated, and escaped so that it cannot forge another log line.
pub(crate) struct Shortened<'a>(pub &'a str);

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LIMIT: usize = 60;
        for (position, character) in self.0.chars().enumerate() {
            if position == LIMIT {
                return f.write_str("…");
            }
            write!(f, "{}", character.escape_debug())?;
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(serde_json::Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        elements.shrink_to_fit();
        Ok(Json::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Json, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = object.next_entry()? {
            fields.push(field);
        }
        // Most objects have one or two fields, but capacity for four.
        fields.shrink_to_fit();
        Ok(Json::Object(fields))
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::String(value) => serializer.serialize_str(value),
            Self::Array(list) => serializer.collect_seq(list),
            Self::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
                map.end()
            }
        }
    }
}
