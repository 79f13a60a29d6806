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

/// A pair of listeners.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The name: also that of our rule, so of its characters.
    pub name: String,
    /// The native filter's configuration.
    pub fault: Value,
    /// Routes before the usual ones, whose own configurations replace it.
    pub routes: Vec<Value>,
}

impl Setup {
    /// A pair under an `HTTPFault`.
    pub fn new(name: impl Into<String>, fault: Value) -> Self {
        Self { name: name.into(), fault, routes: Vec::new() }
    }

    fn listener(&self, side: Side) -> Listener {
        let listener = Listener::named(&format!("{}-{}", self.name, side.name()));
        let listener = match side {
            Side::Native => {
                listener.filter(Filter::native_fault(self.fault.clone())).routes(self.all_routes())
            }
            Side::Ours => {
                let document = import::document(&self.name, &self.configuration());
                let document = document.unwrap_or_else(|error| panic!("{}: {error}", self.name));
                let filter = Filter::brownout(&Configuration::document(&document));
                let mut routes = self.all_routes();
                for route in routes.iter_mut().filter_map(Value::as_object_mut) {
                    route.remove("typed_per_filter_config");
                }
                listener.filter(filter).routes(routes)
            }
        };
        listener.field("generate_request_id", json!(false))
    }

    fn all_routes(&self) -> Vec<Value> {
        self.routes.iter().cloned().chain(routes()).collect()
    }

    /// What is given to the importer: the `HTTPFault` alone, or with it the routes that have their own.
    fn configuration(&self) -> Value {
        if self.routes.is_empty() {
            return self.fault.clone();
        }
        let mut fault = self.fault.clone();
        fault["@type"] = HTTP_FAULT.into();
        json!({
            "route_config": { "virtual_hosts": [
                { "name": "all", "domains": ["*"], "routes": self.all_routes() },
            ] },
            "http_filters": [{ "name": "envoy.filters.http.fault", "typed_config": fault }],
        })
    }
}

/// The type of the native filter's configuration.
pub const HTTP_FAULT: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";

/// By path: a cluster, another one, one of both, an answer of Envoy's own; and nothing for all other paths.
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
        to("/hurried", json!({ "cluster": Cluster::USUAL, "timeout": "0.02s" })),
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

/// Everything that is on.
pub struct Stage {
    /// The Envoy.
    pub envoy: Envoy,
    /// What is behind it.
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

    /// What the access log of a side will be.
    pub fn log(&self, side: Side) -> &Log {
        &self.logs[side as usize]
    }

    /// The first of so many numbers for exchanges, that nobody else gets.
    pub fn numbers(&self, count: u64) -> u64 {
        self.next.fetch_add(count, Ordering::Relaxed)
    }
}
