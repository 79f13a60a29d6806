//! Documents in which every fault is certain, so that sequences reach deep states quickly.

use crate::grammar::{self, Care};
use arbitrary::Unstructured;
use serde_json::{Value, json};

/// Faults for a single rule that takes every request.
const FAULTS: [&str; 18] = [
    r#"{"delay":{"fixed_delay":"20ms"}}"#,
    r#"{"delay":{"fixed_delay":"20ms"},"abort":{"http_status":503}}"#,
    r#"{"delay":{"fixed_delay":"20ms"},"request_rate_limit":{"fixed_limit":{"limit_kbps":1}},"response_rate_limit":{"fixed_limit":{"limit_kbps":1}}}"#,
    r#"{"delay":{"header_delay":{}},"abort":{"header_abort":{}}}"#,
    r#"{"abort":{"http_status":503}}"#,
    r#"{"reset":{}}"#,
    r#"{"delay":{"fixed_delay":"1ms"},"reset":{}}"#,
    r#"{"hang":{"max":"1s"}}"#,
    r#"{"request_rate_limit":{"fixed_limit":{"limit_kbps":1}}}"#,
    r#"{"response_rate_limit":{"fixed_limit":{"limit_kbps":1},"after_bytes":100}}"#,
    r#"{"response":{"delay":{"fixed_delay":"30ms"}},"response_rate_limit":{"fixed_limit":{"limit_kbps":1}}}"#,
    r#"{"response":{"body":{"merge_patch":{"a":1}}},"response_rate_limit":{"fixed_limit":{"limit_kbps":1}}}"#,
    r#"{"response":{"body":{"truncate_bytes":5},"reset":{"after_bytes":7}},"response_rate_limit":{"fixed_limit":{"limit_kbps":1}}}"#,
    r#"{"response":{"delay":{"fixed_delay":"5ms"},"reset":{}}}"#,
    r#"{"response":{"status":503,"body":{"replace":"new"}}}"#,
    r#"{"response":{"body":{"corrupt":{"percentage":50}}},"request":{"body":{"replace":"new"}}}"#,
    r#"{"request":{"body":{"merge_patch":{"a":1}},"headers":{"set":{"x-a":"1"},"remove":["b"]}}}"#,
    r#"{"response":{"match":{"status":["5xx"]},"delay":{"fixed_delay":"5ms"},"status":200}}"#,
];

/// Returns the text of a document: one of those above, or a generated one.
pub fn document(input: &mut Unstructured<'_>) -> String {
    if input.ratio(1, 3).unwrap_or(false) {
        return grammar::document(input, Care::Much);
    }
    let faults = input.choose(&FAULTS).unwrap_or(&FAULTS[0]);
    let mut rule: Value = serde_json::from_str(faults).unwrap_or_default();
    rule["name"] = "r".into();
    rule["percentage"] = 100.into();
    let mut document = json!({ "rules": [rule] });
    if input.ratio(1, 3).unwrap_or(false) {
        document["limits"] = grammar::of_definition("Limits", input, Care::Much);
    }
    if input.ratio(1, 8).unwrap_or(false) {
        document["placement"] = "upstream".into();
    }
    if input.ratio(1, 8).unwrap_or(false) {
        document["mode"] = "shadow".into();
    }
    if input.ratio(1, 8).unwrap_or(false) {
        document["per_route"] = true.into();
    }
    document.to_string()
}

/// Returns whether a document changes bodies, cuts them short, or replaces messages.
pub fn rewrites(text: &str) -> bool {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    fn has(value: &Value, names: &[&str]) -> bool {
        match value {
            Value::Object(fields) => {
                fields.iter().any(|(name, value)| names.contains(&name.as_str()) || has(value, names))
            }
            Value::Array(list) => list.iter().any(|value| has(value, names)),
            _ => false,
        }
    }
    has(&document, &["body", "reset", "status", "grpc_status", "placement"])
}
