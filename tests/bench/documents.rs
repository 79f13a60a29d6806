//! The documents that are measured. The request of [`crate::peers`] matches none of their rules, unless stated.

use serde_json::{Value, json};

/// The header that rules match on, and a value that the request does not have.
pub const HEADER: (&str, &str) = ("x-user", "alice");

pub fn no_rules() -> Value {
    json!({ "rules": [] })
}

/// One rule, for the value that the request does not have.
pub fn one_header() -> Value {
    json!({ "rules": [named_user("one", HEADER.1, json!({ "abort": { "http_status": 503 } }))] })
}

/// Returns the document of [`one_header`], with `mode: off`.
pub fn off() -> Value {
    let mut document = one_header();
    document["mode"] = json!("off");
    document
}

/// Rules that match, in turn, a header value, a path, and a method with a path prefix. Ten thousand of them must fit
/// into the megabyte that a document may have.
pub fn many(count: usize) -> Value {
    let rules = (0..count).map(|number| {
        let condition = match number % 3 {
            0 => {
                json!({ "headers": [{ "name": "x-user", "string_match": { "exact": number.to_string() } }] })
            }
            1 => json!({ "path": { "exact": format!("/{number}") } }),
            _ => json!({ "methods": ["PUT"], "path": { "prefix": format!("/{number}") } }),
        };
        json!({ "name": number.to_string(), "match": condition, "percentage": 1, "reset": {} })
    });
    json!({ "rules": rules.collect::<Vec<_>>() })
}

/// One rule that takes every request.
pub fn always(fault: Value) -> Value {
    let mut rule = json!({ "name": "always", "percentage": 100 });
    rule.as_object_mut().expect("an object").extend(fault.as_object().cloned().expect("an object"));
    json!({ "rules": [rule] })
}

/// One rule that every request matches: it only counts in `shadow`, and takes none at 0 % in `inject`.
pub fn matched(mode: &str, percentage: u32) -> Value {
    let rule = json!({ "name": "matched", "percentage": percentage, "abort": { "http_status": 503 } });
    json!({ "mode": mode, "rules": [rule] })
}

fn named_user(name: &str, user: &str, fault: Value) -> Value {
    let condition = json!({ "headers": [{ "name": HEADER.0, "string_match": { "exact": user } }] });
    let mut rule = json!({ "name": name, "match": condition, "percentage": 100 });
    rule.as_object_mut().expect("an object").extend(fault.as_object().cloned().expect("an object"));
    rule
}
