//! The clusters to which a test's Envoy sends requests.

use super::filter::Filter;
use crate::client::Protocol;
use crate::upstream::Upstream;
use serde_json::{Map, Value, json};
use std::net::SocketAddr;
use std::path::Path;

/// A cluster with one endpoint and without the limits that Envoy sets by default.
#[derive(Debug, Clone)]
pub struct Cluster {
    name: String,
    address: SocketAddr,
    protocol: Protocol,
    filters: Vec<Filter>,
    transport_socket: Option<Value>,
    /// Fields of the cluster that override ours.
    fields: Map<String, Value>,
}

impl Cluster {
    /// The name of the cluster that listeners route to unless told otherwise.
    pub const USUAL: &'static str = "upstream";

    /// A cluster of the name [`Self::USUAL`] that speaks HTTP/1.1 to an upstream.
    pub fn of(upstream: &Upstream) -> Self {
        Self::named(Self::USUAL, upstream.address())
    }

    /// A cluster that speaks HTTP/1.1 to an address.
    pub fn named(name: &str, address: SocketAddr) -> Self {
        Self {
            name: name.into(),
            address,
            protocol: Protocol::Http1,
            filters: Vec::new(),
            transport_socket: None,
            fields: Map::new(),
        }
    }

    /// Speaks HTTP/2 instead of HTTP/1.1 to the upstream.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.protocol = Protocol::Http2;
        self
    }

    /// Adds a filter to the chain that every attempt passes through.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Speaks through a `TransportSocket`, given in JSON.
    #[must_use]
    pub fn transport_socket(mut self, socket: Value) -> Self {
        self.transport_socket = Some(socket);
        self
    }

    /// Sets a field of the `Cluster`.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.into(), value);
        self
    }

    pub(super) fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter()
    }

    pub(super) fn to_json(&self, directory: &Path) -> Value {
        let protocol = match self.protocol {
            Protocol::Http1 => json!({ "http_protocol_options": {} }),
            Protocol::Http2 => json!({ "http2_protocol_options": { "max_concurrent_streams": 100_000 } }),
        };
        let mut options = json!({
            "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": protocol,
        });
        if !self.filters.is_empty() {
            let last = Filter::upstream_codec();
            let chain = self.filters.iter().chain([&last]);
            options["http_filters"] = chain.map(|filter| filter.to_json(directory)).collect();
        }
        let mut cluster = json!({
            "name": self.name,
            "type": "STATIC",
            "connect_timeout": "5s",
            "circuit_breakers": { "thresholds": [{
                "max_connections": 100_000,
                "max_pending_requests": 100_000,
                "max_requests": 100_000,
                "max_retries": 100_000,
            }] },
            "load_assignment": {
                "cluster_name": self.name,
                "endpoints": [{ "lb_endpoints": [{ "endpoint": { "address": { "socket_address": {
                    "address": self.address.ip().to_string(),
                    "port_value": self.address.port(),
                } } } }] }],
            },
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": options,
            },
        });
        if let Some(socket) = &self.transport_socket {
            cluster["transport_socket"] = socket.clone();
        }
        for (name, value) in &self.fields {
            cluster[name] = value.clone();
        }
        cluster
    }
}
