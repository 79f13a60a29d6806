//! The filters of a chain, including ours in its various forms of delivery.

use super::configuration::Configuration;
use super::discovery::{Discovered, filter_resource};
use serde_json::{Value, json};
use std::path::Path;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// An HTTP filter of a listener or of a cluster.
#[derive(Debug, Clone)]
pub struct Filter {
    name: String,
    disabled: bool,
    content: Content,
}

#[derive(Debug, Clone)]
enum Content {
    Fixed(Value),
    Discovered(Configuration),
    Fetched(Value),
    Verbatim(Value),
}

impl Filter {
    /// Our module with a configuration in the bootstrap: with an invalid one, Envoy exits.
    pub fn brownout(configuration: &Configuration) -> Self {
        Self { name: "brownout".into(), disabled: false, content: Content::Fixed(configuration.to_wasm()) }
    }

    /// Sets a field of the `PluginConfig` of [`Self::brownout`].
    ///
    /// # Panics
    /// When the configuration is discovered.
    #[must_use]
    pub fn plugin_field(mut self, name: &str, value: Value) -> Self {
        let Content::Fixed(typed_config) = &mut self.content else {
            panic!("`{}` has its configuration from a file", self.name);
        };
        typed_config["config"][name] = value;
        self
    }

    /// Our module with a configuration from a file, that
    /// [`Envoy::configure`](super::Envoy::configure) replaces.
    pub fn discovered(name: &str, first: Configuration) -> Self {
        Self { name: name.into(), disabled: false, content: Content::Discovered(first) }
    }

    /// Our module with a configuration from anywhere, given as a `config_discovery` in JSON, where `type_urls` may
    /// be left out.
    pub fn fetched(name: &str, discovery: Value) -> Self {
        Self { name: name.into(), disabled: false, content: Content::Fetched(discovery) }
    }

    /// Disables it, except on routes that enable it by a `FilterConfig` under its name.
    #[must_use]
    pub fn disabled(self) -> Self {
        Self { disabled: true, ..self }
    }

    /// Envoy's own fault filter with an `HTTPFault` in JSON.
    pub fn native_fault(http_fault: Value) -> Self {
        let kind = "envoy.extensions.filters.http.fault.v3.HTTPFault";
        Self::typed("envoy.filters.http.fault", kind, http_fault)
    }

    /// Any filter: its name, the name of its configuration's message, and that message in JSON.
    ///
    /// # Panics
    /// When the message is not an object.
    pub fn typed(name: &str, message: &str, mut fields: Value) -> Self {
        let object = fields.as_object_mut().expect("a message is an object");
        object.insert("@type".into(), format!("type.googleapis.com/{message}").into());
        Self { name: name.into(), disabled: false, content: Content::Fixed(fields) }
    }

    /// An `HttpFilter` as somebody else wrote it.
    ///
    /// # Panics
    /// When it has no name.
    pub fn verbatim(filter: Value) -> Self {
        let name = filter["name"].as_str().expect("a filter has a name").to_owned();
        Self { name, disabled: false, content: Content::Verbatim(filter) }
    }

    pub(super) fn router() -> Self {
        let kind = "envoy.extensions.filters.http.router.v3.Router";
        Self::typed("envoy.filters.http.router", kind, json!({}))
    }

    pub(super) fn upstream_codec() -> Self {
        let kind = "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec";
        Self::typed("envoy.filters.http.upstream_codec", kind, json!({}))
    }

    /// The file of a discovered filter, with its first content.
    pub(super) fn discovery(&self) -> Option<(Discovered, Value)> {
        let Content::Discovered(first) = &self.content else { return None };
        Some((Discovered::filter(&self.name), filter_resource(&self.name, first)))
    }

    pub(super) fn to_json(&self, directory: &Path) -> Value {
        let mut filter = json!({ "name": self.name, "disabled": self.disabled });
        match &self.content {
            Content::Fixed(typed_config) => filter["typed_config"] = typed_config.clone(),
            Content::Discovered(_) => {
                filter["config_discovery"] = json!({
                    "config_source": Discovered::filter(&self.name).source(directory),
                    "type_urls": [WASM],
                })
            }
            Content::Fetched(discovery) => {
                filter["config_discovery"] = discovery.clone();
                let kinds = &mut filter["config_discovery"]["type_urls"];
                if kinds.is_null() {
                    *kinds = json!([WASM]);
                }
            }
            Content::Verbatim(written) => return written.clone(),
        }
        filter
    }
}
