//! Envoy with four workers, whose document and whose routes arrive in one of two ways.

use crate::config_map::ConfigMap;
use crate::control_plane::{Answer, CLUSTER, ControlPlane};
use crate::resource::Resource;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::client::Request;
use support::deadline::until;
use support::envoy::{
    Bootstrap, Cluster, Configuration, Envoy, Filter, Listener, Stats, filter_resource, only_host,
    routes_resource,
};
use support::load::{Load, LoadExchange};
use support::repository;
use support::upstream::Upstream;

pub const LISTENER: &str = "main";
pub const FILTER: &str = "brownout";
pub const WORKERS: usize = 4;
/// Two on each worker: Envoy gives a new connection to the worker with the fewest.
pub const CONNECTIONS: usize = 2 * WORKERS;
/// The pause between two requests on a connection.
const PAUSE: Duration = Duration::from_millis(5);

/// Requests to it follow the document of their route.
pub const ROUTE: &str = "/route";
/// Requests to it follow the document of the listener.
pub const MAIN: &str = "/main";

/// The way in which documents arrive.
pub enum Way {
    Stream(ControlPlane),
    Files(ConfigMap),
}

pub struct Stage {
    pub upstream: Upstream,
    pub envoy: Envoy,
    pub way: Way,
}

/// Envoy's answers to the listener's document and to the route's.
pub struct Answers {
    pub main: Answer,
    pub route: Answer,
}

impl Stage {
    /// Starts an Envoy that gets its documents from a control plane.
    pub async fn with_control_plane(main: &str, route: &str) -> Self {
        let upstream = Upstream::start().await;
        let plane = ControlPlane::start([plugin(main), routes(route)]).await;
        let source = ControlPlane::source();
        let listener = Listener::named(LISTENER)
            .filter(Filter::fetched(FILTER, json!({ "config_source": source })))
            .routes_from(source);
        let bootstrap = bootstrap(&upstream, listener)
            .cluster(Cluster::named(CLUSTER, plane.address()).http2())
            .field("dynamic_resources", ControlPlane::dynamic_resources());
        let envoy = Envoy::start(bootstrap).await;
        Self { upstream, envoy, way: Way::Stream(plane) }
    }

    /// Starts an Envoy that gets its documents from a mounted ConfigMap.
    pub async fn with_files(main: &str, route: &str) -> Self {
        let upstream = Upstream::start().await;
        let map = ConfigMap::mount(&files(&json_plugin(main), &json_routes(route)));
        let listener = Listener::named(LISTENER)
            .filter(Filter::fetched(FILTER, json!({ "config_source": map.source(PLUGIN_FILE) })))
            .routes_from(map.source(ROUTES_FILE));
        let envoy = Envoy::start(bootstrap(&upstream, listener)).await;
        Self { upstream, envoy, way: Way::Files(map) }
    }

    /// Pushes two new documents and waits until Envoy has accepted or refused them.
    pub async fn push(&self, main: &str, route: &str) -> Answers {
        match &self.way {
            Way::Stream(plane) => {
                let (main, route) = tokio::join!(plane.push(plugin(main)), plane.push(routes(route)));
                Answers { main, route }
            }
            Way::Files(map) => {
                let before = self.deliveries().await;
                let [plugin, routes] = [
                    format!("extension_config_discovery.http_filter.{FILTER}."),
                    format!("http.{LISTENER}.rds.{LISTENER}."),
                ];
                map.swap(&files(&json_plugin(main), &json_routes(route)));
                let (main, route) =
                    tokio::join!(self.counted(&before, &plugin), self.counted(&before, &routes));
                Answers { main, route }
            }
        }
    }

    /// Starts steady traffic, half of it to each path, on connections that reach every worker.
    pub async fn load<T: Send + 'static>(
        &self,
        note: impl Fn(LoadExchange) -> T + Clone + Send + 'static,
    ) -> Load<T> {
        let ask = |_, number| Request::get(if number % 2 == 0 { MAIN } else { ROUTE });
        let load = Load::start(self.envoy.address(LISTENER), CONNECTIONS, PAUSE, ask, note).await;
        let prefix = format!("listener.{LISTENER}.worker_");
        until("two connections on each worker", async || {
            let stats = self.envoy.stats_named(&format!("^{prefix}")).await;
            let active = |worker| stats.value(&format!("{prefix}{worker}.downstream_cx_active"));
            (0..WORKERS).all(|worker| active(worker) == 2).then_some(())
        })
        .await;
        load
    }

    async fn deliveries(&self) -> Stats {
        self.envoy.stats_named(r"\.(config_reload|update_rejected)$").await
    }

    /// Waits for the answer in Envoy's counters under a prefix.
    async fn counted(&self, before: &Stats, prefix: &str) -> Answer {
        until("something new that is taken or refused", async || {
            let now = self.deliveries().await.since(before);
            let at = Instant::now();
            if now.value(&format!("{prefix}update_rejected")) > 0 {
                Some(Answer::Refused)
            } else {
                (now.value(&format!("{prefix}config_reload")) > 0).then_some(Answer::Taken { at })
            }
        })
        .await
    }
}

const PLUGIN_FILE: &str = "ecds.json";
const ROUTES_FILE: &str = "rds.json";

fn files<'a>(plugin: &'a Value, routes: &'a Value) -> [(&'static str, &'a Value); 2] {
    [(PLUGIN_FILE, plugin), (ROUTES_FILE, routes)]
}

fn bootstrap(upstream: &Upstream, listener: Listener) -> Bootstrap {
    Bootstrap::new().concurrency(WORKERS).cluster(Cluster::of(upstream)).listener(listener)
}

fn plugin(document: &str) -> Resource {
    Resource::plugin(FILTER, &repository::module(), document)
}

fn routes(document: &str) -> Resource {
    Resource::routes(LISTENER, &[(ROUTE, Some(document)), ("/", None)])
}

fn json_plugin(document: &str) -> Value {
    filter_resource(FILTER, &Configuration::Text(document.into()))
}

fn json_routes(document: &str) -> Value {
    let action = json!({ "cluster": Cluster::USUAL, "timeout": "0s" });
    let metadata = json!({ "filter_metadata": { "brownout": { "json": document } } });
    let own = json!({ "match": { "prefix": ROUTE }, "route": action, "metadata": metadata });
    let rest = json!({ "match": { "prefix": "/" }, "route": action });
    routes_resource(LISTENER, &[only_host(&[own, rest])])
}
