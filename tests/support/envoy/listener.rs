//! The listeners on which a test's Envoy accepts requests.

use super::bootstrap::{loopback, seconds};
use super::cluster::Cluster;
use super::discovery::{Discovered, only_host, route_configuration, routes_resource};
use super::filter::Filter;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;

/// An HTTP listener on a free port of the loopback address, for HTTP/1.1 and HTTP/2.
#[derive(Debug, Clone)]
pub struct Listener {
    name: String,
    filters: Vec<Filter>,
    hosts: Vec<Value>,
    routes_from_file: bool,
    /// A `ConfigSource` that is not a file of ours.
    routes_source: Option<Value>,
    transport_socket: Option<Value>,
    /// Fields of the listener that override ours.
    listener_fields: Map<String, Value>,
    /// Fields of the connection manager that override ours.
    fields: Map<String, Value>,
}

impl Listener {
    /// The name of a listener without filters that every test's Envoy has in addition to those asked for.
    pub(super) const PROBE: &'static str = "probe";

    /// A listener that sends everything to the usual cluster, without the route's usual timeout.
    pub fn named(name: &str) -> Self {
        let route = json!({ "cluster": Cluster::USUAL, "timeout": "0s" });
        Self {
            name: name.into(),
            filters: Vec::new(),
            hosts: vec![only_host(&[json!({ "match": { "prefix": "/" }, "route": route })])],
            routes_from_file: false,
            routes_source: None,
            transport_socket: None,
            listener_fields: Map::new(),
            fields: Map::new(),
        }
    }

    /// A listener that answers `204` to everything.
    pub(super) fn probe() -> Self {
        let answer = json!({ "match": { "prefix": "/" }, "direct_response": { "status": 204 } });
        Self::named(Self::PROBE).routes(vec![answer])
    }

    /// Adds a filter before the router.
    #[must_use]
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filters.push(filter);
        self
    }

    /// Replaces the routes of the only virtual host.
    #[must_use]
    pub fn routes(self, routes: Vec<Value>) -> Self {
        self.hosts(vec![only_host(&routes)])
    }

    /// Replaces all virtual hosts, and with them the routes.
    #[must_use]
    pub fn hosts(mut self, hosts: Vec<Value>) -> Self {
        self.hosts = hosts;
        self
    }

    /// Loads the routes from a file, which [`Envoy::route`](super::Envoy::route) replaces.
    #[must_use]
    pub fn discovered_routes(mut self) -> Self {
        self.routes_from_file = true;
        self
    }

    /// Loads the routes, under the listener's name, from a `ConfigSource` given in JSON.
    #[must_use]
    pub fn routes_from(mut self, source: Value) -> Self {
        self.routes_source = Some(source);
        self
    }

    /// Speaks through a `TransportSocket`, given in JSON.
    #[must_use]
    pub fn transport_socket(mut self, socket: Value) -> Self {
        self.transport_socket = Some(socket);
        self
    }

    /// Listens on a free port of this address instead of `127.0.0.1`. `::` takes IPv4 too.
    #[must_use]
    pub fn on(self, address: &str) -> Self {
        let socket = json!({ "address": address, "port_value": 0, "ipv4_compat": address == "::" });
        self.listener_field("address", json!({ "socket_address": socket }))
    }

    /// Sets a field of the `Listener`.
    #[must_use]
    pub fn listener_field(mut self, name: &str, value: Value) -> Self {
        self.listener_fields.insert(name.into(), value);
        self
    }

    /// Sets a field of the `HttpConnectionManager`.
    #[must_use]
    pub fn field(mut self, name: &str, value: Value) -> Self {
        self.fields.insert(name.into(), value);
        self
    }

    /// Sets the idle timeout of streams.
    #[must_use]
    pub fn stream_idle_timeout(self, limit: Duration) -> Self {
        self.field("stream_idle_timeout", json!(seconds(limit)))
    }

    /// Lets WebSocket upgrades through.
    #[must_use]
    pub fn websocket(self) -> Self {
        self.field("upgrade_configs", json!([{ "upgrade_type": "websocket" }]))
    }

    /// Lets CONNECT through: what it carries goes to a cluster as bytes.
    #[must_use]
    pub fn connect(mut self, cluster: &str) -> Self {
        let route = json!({ "match": { "connect_matcher": {} }, "route": {
            "cluster": cluster,
            "upgrade_configs": [{ "upgrade_type": "CONNECT", "connect_config": {} }],
        } });
        for routes in self.hosts.iter_mut().filter_map(|host| host["routes"].as_array_mut()) {
            routes.insert(0, route.clone());
        }
        self.field("upgrade_configs", json!([{ "upgrade_type": "CONNECT" }]))
    }

    /// The file of discovered routes, with its first content.
    pub(super) fn discovery(&self) -> Option<(Discovered, Value)> {
        let resource = || routes_resource(&self.name, &self.hosts);
        self.routes_from_file.then(|| (Discovered::routes(&self.name), resource()))
    }

    pub(super) fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter()
    }

    pub(super) fn to_json(&self, directory: &Path) -> Value {
        let mut chain = json!({ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": self.connection_manager(directory),
        }] });
        if let Some(socket) = &self.transport_socket {
            chain["transport_socket"] = socket.clone();
        }
        let mut listener = json!({
            "name": self.name,
            "stat_prefix": self.name,
            "address": loopback(),
            // Lets a client that opens one connection per worker reach every worker.
            "connection_balance_config": { "exact_balance": {} },
            "filter_chains": [chain],
        });
        for (name, value) in &self.listener_fields {
            listener[name] = value.clone();
        }
        listener
    }

    fn connection_manager(&self, directory: &Path) -> Value {
        let last = Filter::router();
        let chain = self.filters.iter().chain([&last]);
        let mut manager = json!({
            "@type": "type.googleapis.com/\
                envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": self.name,
            "delayed_close_timeout": "0.1s",
            "http2_protocol_options": { "max_concurrent_streams": 100_000 },
            "http_filters": chain.map(|filter| filter.to_json(directory)).collect::<Vec<_>>(),
            "access_log": [access_log(&super::access_log::file(directory, &self.name))],
        });
        let file = self.routes_from_file.then(|| Discovered::routes(&self.name).source(directory));
        if let Some(source) = self.routes_source.clone().or(file) {
            manager["rds"] = json!({ "route_config_name": self.name, "config_source": source });
        } else {
            manager["route_config"] = route_configuration(&self.name, &self.hosts);
        }
        for (name, value) in &self.fields {
            manager[name] = value.clone();
        }
        manager
    }
}

fn access_log(path: &Path) -> Value {
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": path,
            "log_format": { "json_format": super::access_log::Entry::format() },
        },
    })
}
