//! The bootstrap that a test's Envoy starts with.

use super::cluster::Cluster;
use super::discovery::Discovered;
use super::filter::Filter;
use super::listener::Listener;
use serde_json::{Map, Value, json};
use std::path::Path;

/// A builder for an Envoy's bootstrap: add clusters and listeners, then start it with
/// [`Envoy::start`](super::Envoy::start).
#[derive(Debug, Clone)]
pub struct Bootstrap {
    pub(super) concurrency: usize,
    node: Value,
    fields: Map<String, Value>,
    clusters: Vec<Cluster>,
    listeners: Vec<Listener>,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self::new()
    }
}

impl Bootstrap {
    /// One worker, no cluster, no listener.
    pub fn new() -> Self {
        Self {
            concurrency: 1,
            node: json!({ "id": "brownout-tests", "cluster": "brownout-tests" }),
            fields: Map::new(),
            clusters: Vec::new(),
            listeners: Vec::new(),
        }
    }

    /// Sets the number of workers.
    #[must_use]
    pub fn concurrency(mut self, workers: usize) -> Self {
        self.concurrency = workers;
        self
    }

    /// Replaces Envoy's own identity: a `Node` in JSON.
    #[must_use]
    pub fn node(mut self, node: Value) -> Self {
        self.node = node;
        self
    }

    /// Sets a field of the `Bootstrap`.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.into(), value);
        self
    }

    #[must_use]
    pub fn cluster(mut self, cluster: Cluster) -> Self {
        self.clusters.push(cluster);
        self
    }

    #[must_use]
    pub fn listener(mut self, listener: Listener) -> Self {
        self.listeners.push(listener);
        self
    }

    /// Returns what Envoy loads from files, with the initial content.
    pub(super) fn discovered(&self) -> Vec<(Discovered, Value)> {
        let filters = self.listeners.iter().flat_map(Listener::filters);
        let filters = filters.chain(self.clusters.iter().flat_map(Cluster::filters));
        let routes = self.listeners.iter().filter_map(Listener::discovery);
        filters.filter_map(Filter::discovery).chain(routes).collect()
    }

    /// Returns the bootstrap as JSON. Envoy writes and watches files in `directory`.
    pub(super) fn to_json(&self, directory: &Path) -> Value {
        let probe = Listener::probe();
        let listeners = self.listeners.iter().chain([&probe]);
        let mut bootstrap = json!({
            "node": self.node,
            "admin": { "address": loopback() },
            "static_resources": {
                "clusters": self.clusters.iter().map(|cluster| cluster.to_json(directory)).collect::<Vec<_>>(),
                "listeners": listeners.map(|listener| listener.to_json(directory)).collect::<Vec<_>>(),
            },
        });
        for (name, value) in &self.fields {
            bootstrap[name] = value.clone();
        }
        bootstrap
    }
}

/// A free port of the loopback address.
pub(super) fn loopback() -> Value {
    json!({ "socket_address": { "address": "127.0.0.1", "port_value": 0 } })
}

/// A duration as protobuf's JSON writes it.
pub(super) fn seconds(duration: std::time::Duration) -> String {
    format!("{}.{:09}s", duration.as_secs(), duration.subsec_nanos())
}
