//! A JSON Schema (2020-12) of the document for editors, generated from the types that decode it. The Wasm module does
//! not contain it.
//!
//! Structs made with the `object!` macro describe themselves: their fields, which of them are required, and their doc
//! comments. A type with a hand-written decoder defines its schema with `schema!`; without one, the schema accepts any
//! value, described as in the type's error messages. The schema is less strict than the decoder: what it rejects is
//! invalid, but what it accepts may still be invalid.

use super::Document;
use crate::decode::Decode;
use crate::decode::describe::Definitions;
use serde_json::{Map, Value, json};

/// Returns the schema of a document.
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
