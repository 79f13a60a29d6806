//! The forms in which a document can reach the module.

use super::version;
use crate::repository;
use brownout_cli::envoy::capabilities::allowed;
use serde_json::{Map, Value, json};

/// The `configuration` field of a plugin.
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

    /// Returns the `Wasm` message around it, with only the capabilities that the module needs.
    pub(super) fn to_wasm(&self) -> Value {
        wasm(restricted(self.plugin(), allowed()))
    }

    fn plugin(&self) -> Value {
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
            Self::Absent => return plugin,
            Self::Text(text) => ("google.protobuf.StringValue", json!(text)),
            Self::Struct(document) => ("google.protobuf.Struct", document.clone()),
        };
        plugin["configuration"] = json!({ "@type": format!("type.googleapis.com/{kind}"), "value": value });
        plugin
    }
}

/// Returns the plugin with only these calls and callbacks allowed.
pub fn restricted(mut plugin: Value, names: impl Iterator<Item = &'static str>) -> Value {
    let names: Map<String, Value> = names.map(|name| (name.into(), json!({}))).collect();
    let restriction = json!({ "allowed_capabilities": names });
    // Envoy 1.40 still accepts the older place, but logs a warning.
    let place = if version() >= (1, 40) { &mut plugin["vm_config"] } else { &mut plugin };
    place["capability_restriction_config"] = restriction;
    plugin
}

fn wasm(plugin: Value) -> Value {
    json!({ "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": plugin })
}
