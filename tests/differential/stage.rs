//! The Envoy with all pairs of listeners, and the upstream behind it.

use crate::import;
use crate::log::Log;
use crate::pair::Pair;
use crate::seen::Side;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::grpc::Server;
use support::upstream::{Answer, Upstream};
use tempfile::TempDir;

/// A pair of listeners: one with the native filter, one with ours.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The name, also used for our rule, so only characters that are valid there.
    pub name: String,
    /// The `HTTPFault` of the native filter, from which our document is imported.
    pub fault: Value,
    /// A `RouteConfiguration` that replaces the usual one, with its own `HTTPFault`s.
    pub routes: Option<Value>,
}

impl Setup {
    /// A pair under an `HTTPFault`.
    pub fn new(name: impl Into<String>, fault: Value) -> Self {
        Self { name: name.into(), fault, routes: None }
    }

    /// Has these routes before the usual ones.
    pub fn with_routes(self, before: Vec<Value>) -> Self {
        Self { routes: Some(route_configuration(before)), ..self }
    }

    fn listener(&self, side: Side) -> Listener {
        let mut routes = self.routes.clone().unwrap_or_else(|| route_configuration(Vec::new()));
        let filter = match side {
            Side::Native => Filter::native_fault(self.fault.clone()),
            Side::Ours => {
                without_filters(&mut routes);
                let document = import::document(&self.name, &self.configuration());
                let document = document.unwrap_or_else(|error| panic!("{}: {error}", self.name));
                Filter::brownout(&Configuration::document(&document))
            }
        };
        let listener = Listener::named(&format!("{}-{}", self.name, side.name())).filter(filter);
        listener.field("route_config", routes).field("generate_request_id", json!(false))
    }

    /// Returns the importer's input: the `HTTPFault` alone, or together with routes that have their own.
    fn configuration(&self) -> Value {
        let Some(routes) = &self.routes else { return self.fault.clone() };
        json!({
            "route_config": routes,
            "http_filters": [{ "name": FILTER, "typed_config": http_fault(&self.fault) }],
        })
    }
}

/// The name of the native filter.
const FILTER: &str = "envoy.filters.http.fault";

/// An `HTTPFault` with its type.
fn http_fault(fault: &Value) -> Value {
    let mut fault = fault.clone();
    fault["@type"] = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault".into();
    fault
}

/// Gives a route, or whatever has `typed_per_filter_config`, an `HTTPFault` of its own.
pub fn with_fault(mut route: Value, fault: &Value) -> Value {
    route["typed_per_filter_config"] = json!({ FILTER: http_fault(fault) });
    route
}

/// Disables the native filter there.
pub fn without_fault(mut route: Value) -> Value {
    let off = "type.googleapis.com/envoy.config.route.v3.FilterConfig";
    route["typed_per_filter_config"] = json!({ FILTER: { "@type": off, "config": {}, "disabled": true } });
    route
}

/// Removes all per-filter configuration again.
fn without_filters(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("typed_per_filter_config");
            fields.values_mut().for_each(without_filters);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_filters),
        _ => {}
    }
}

fn route_configuration(before: Vec<Value>) -> Value {
    let routes: Vec<Value> = before.into_iter().chain(routes()).collect();
    json!({ "name": "all", "virtual_hosts": [{ "name": "all", "domains": ["*"], "routes": routes }] })
}

/// Returns routes by path: to one cluster, to another, to either of the two, and a direct response; no other path has
/// a route.
fn routes() -> Vec<Value> {
    let to = |path: &str, action: Value| json!({ "match": { "path": path }, "name": path.trim_start_matches('/'), "route": action });
    let weighted = json!({ "weighted_clusters": { "clusters": [
        { "name": "other", "weight": 1 },
        { "name": Cluster::USUAL, "weight": 0 },
    ] } });
    let usual = json!({ "cluster": Cluster::USUAL, "timeout": "0s" });
    vec![
        to("/other", json!({ "cluster": "other", "timeout": "0s" })),
        to("/weighted", weighted),
        to("/hurried", json!({ "cluster": Cluster::USUAL, "timeout": "0.3s" })),
        to(
            "/retried",
            json!({ "cluster": Cluster::USUAL, "retry_policy": { "retry_on": "5xx", "num_retries": 2 } }),
        ),
        json!({ "match": { "path": "/direct" }, "direct_response": { "status": 200 } }),
        json!({ "match": { "prefix": "/up" }, "name": "up", "route": usual }),
        json!({ "match": { "prefix": "/shop." }, "name": "grpc", "route": {
            "cluster": "grpc",
            "timeout": "0s",
        } }),
    ]
}

/// The Envoy with all pairs of listeners, and the upstreams behind it.
pub struct Stage {
    pub envoy: Envoy,
    pub upstream: Upstream,
    logs: [Log; 2],
    setups: BTreeMap<String, Setup>,
    _server: Server,
    next: AtomicU64,
    _directory: TempDir,
}

impl Stage {
    /// Starts everything for these pairs.
    pub async fn start(setups: &[Setup]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let logs = Side::BOTH.map(|side| Log::new(directory.path().join(side.name())));
        let upstream = Upstream::start().await;
        upstream.answer_with(Answer { echo: true, ..Answer::default() });
        let other = Cluster::named("other", upstream.address()).http2();
        let server = Server::start().await;
        let grpc = Cluster::named("grpc", server.address()).http2();
        let mut bootstrap = Bootstrap::new().cluster(Cluster::of(&upstream)).cluster(other).cluster(grpc);
        for setup in setups {
            for side in Side::BOTH {
                let logger = logs[side as usize].logger();
                bootstrap = bootstrap.listener(setup.listener(side).field("access_log", logger));
            }
        }
        let setups = setups.iter().map(|setup| (setup.name.clone(), setup.clone())).collect();
        let envoy = Envoy::start(bootstrap).await;
        Self {
            envoy,
            upstream,
            logs,
            setups,
            next: AtomicU64::new(1),
            _server: server,
            _directory: directory,
        }
    }

    /// A pair by its name.
    pub fn pair(&self, name: &str) -> Pair<'_> {
        let setup = self.setups.get(name).unwrap_or_else(|| panic!("a pair `{name}`"));
        Pair { stage: self, name: setup.name.clone() }
    }

    /// Returns a side's access log.
    pub fn log(&self, side: Side) -> &Log {
        &self.logs[side as usize]
    }

    /// Reserves `count` exchange numbers and returns the first.
    pub fn numbers(&self, count: u64) -> u64 {
        self.next.fetch_add(count, Ordering::Relaxed)
    }
}
