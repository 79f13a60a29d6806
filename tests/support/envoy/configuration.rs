//! The forms in which a document can reach the module.

use crate::repository;
use serde_json::{Value, json};

/// The plugin's `configuration` field.
#[derive(Debug, Clone, PartialEq)]
pub enum Configuration {
    /// The field is not there.
    Absent,
    /// A `google.protobuf.StringValue`: the way that is documented.
    Text(String),
    /// A `google.protobuf.Struct`, which reaches the module as protobuf's wire bytes.
    Struct(Value),
}

impl Configuration {
    /// A document in the documented form.
    pub fn document(document: &Value) -> Self {
        Self::Text(document.to_string())
    }

    /// The `Wasm` message around it.
    pub(super) fn to_wasm(&self) -> Value {
        let mut plugin = json!({
            "name": "brownout",
            "root_id": "brownout",
            "failure_policy": "FAIL_OPEN",
            "vm_config": {
                "runtime": "envoy.wasm.runtime.v8",
                "code": { "local": { "filename": repository::module() } },
            },
        });
        let (kind, value) = match self {
            Self::Absent => return wasm(plugin),
            Self::Text(text) => ("google.protobuf.StringValue", json!(text)),
            Self::Struct(document) => ("google.protobuf.Struct", document.clone()),
        };
        plugin["configuration"] = json!({ "@type": format!("type.googleapis.com/{kind}"), "value": value });
        wasm(plugin)
    }
}

fn wasm(plugin: Value) -> Value {
    json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": plugin })
}
