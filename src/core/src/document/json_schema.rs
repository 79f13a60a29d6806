//! A JSON Schema (2020-12) of the document, out of the types that decode it: for editors. The module does not have this
//! part.
//!
//! Structs made with the `object!` macro describe themselves: their fields, which of them are required, and their doc
//! comments. A type with a decoder of its own says what it takes beside it, by `schema!`; one that says nothing is
//! described by what its messages call it, and takes anything here. The schema knows less than the decoder: what it
//! refuses is wrong, what it lets through need not be right.

use super::Document;
use crate::decode::Decode;
use crate::decode::describe::Definitions;
use serde_json::{Map, Value, json};

/// The schema of a document.
pub fn schema() -> Value {
    let mut definitions = Definitions::default();
    Document::schema(&mut definitions);
    let mut all = definitions.into_objects();
    let mut root = Map::new();
    root.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    root.insert("title".into(), "Brownout document".into());
    if let Some(Value::Object(document)) = all.remove("Document") {
        root.extend(document);
    }
    root.insert("examples".into(), json!([example()]));
    root.insert("$defs".into(), Value::Object(all));
    Value::Object(root)
}

fn example() -> Value {
    json!({
        "rules": [{
            "name": "slow-checkout",
            "match": { "path": { "prefix": "/checkout" }, "methods": ["POST"] },
            "percentage": 20,
            "schedule": { "not_after": "2030-01-01T00:00:00Z" },
            "delay": { "fixed_delay": "2s" }
        }]
    })
}
