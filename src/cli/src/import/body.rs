//! Changes of bodies: replacements and JSON merge patches.

use super::built::Built;
use super::place::Place;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use brownout_core::decode::json::Json;
use serde_json::Value;

/// Returns a body that replaces another: as text if it is UTF-8, otherwise in base64.
pub fn replaced(bytes: Vec<u8>, place: &Place) -> Built {
    let replacement = match String::from_utf8(bytes) {
        Ok(text) => ("replace", Built::text(text)),
        Err(error) => ("replace_base64", Built::text(STANDARD.encode(error.as_bytes()))),
    };
    Built::object([replacement]).from(place)
}

/// Decodes base64 from the input.
pub fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok()
}

/// Returns a merge patch of RFC 7396.
pub fn merge_patch(patch: &Value, place: &Place) -> Built {
    let patch = Json::parse(patch.to_string().as_bytes()).unwrap_or(Json::Null);
    Built::object([("merge_patch", Built::value(patch))]).from(place)
}

/// Applies a merge patch to a value.
pub fn merged(target: Value, patch: &Value) -> Value {
    let Value::Object(patch) = patch else { return patch.clone() };
    let mut fields = match target {
        Value::Object(fields) => fields,
        _ => serde_json::Map::new(),
    };
    for (name, value) in patch {
        let old = fields.remove(name).unwrap_or(Value::Null);
        if !value.is_null() {
            fields.insert(name.clone(), merged(old, value));
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Some of the examples at the end of RFC 7396.
    #[test]
    fn a_merge_patch_does_what_its_standard_shows() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!(["a", "b"]), json!(["c", "d"]), json!(["c", "d"])),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!([1, 2]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (target, patch, expected) in cases {
            assert_eq!(merged(target.clone(), &patch), expected, "{target} {patch}");
        }
    }
}
