//! A JSON value as text. Fields that occur twice are kept, for the core to report.

use brownout_core::decode::json::Json;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// Returns JSON text without whitespace.
pub(crate) fn json(value: &Json) -> String {
    // All keys are strings, so this cannot fail.
    serde_json::to_string(&Text(value)).unwrap_or_default()
}

/// A value to print, with its fields in order.
pub struct Text<'a>(pub &'a Json);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Null => serializer.serialize_unit(),
            Json::Bool(value) => serializer.serialize_bool(*value),
            Json::Number(value) => value.serialize(serializer),
            Json::String(value) => serializer.serialize_str(value),
            Json::Array(elements) => {
                let mut list = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    list.serialize_element(&Text(element))?;
                }
                list.end()
            }
            Json::Object(fields) => {
                let mut object = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    object.serialize_entry(name, &Text(value))?;
                }
                object.end()
            }
        }
    }
}
