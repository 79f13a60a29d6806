//! An Envoy in which every rule has injected something, with labels in Prometheus.

use serde_json::{Value, json};
use support::client::{Connection, Protocol, Reply, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

const MAIN: &str = "main";
/// As in the manifests: Envoy's own counters about a filter bear its name.
const FILTER: &str = "brownout";

/// An Envoy with our filter, and its upstream.
pub struct Stage {
    pub envoy: Envoy,
    _upstream: Upstream,
}

impl Stage {
    /// Starts both, with `change` applied to the listener.
    pub async fn start(change: impl FnOnce(Listener) -> Listener) -> Self {
        let upstream = Upstream::start().await;
        let tags: Value = serde_saphyr::from_str(brownout_cli::evidence::STATS_TAGS).expect("a list in YAML");
        let listener = Listener::named(MAIN).filter(Filter::discovered(FILTER, document()));
        let bootstrap = Bootstrap::new()
            .field("stats_config", json!({ "stats_tags": tags }))
            .cluster(Cluster::of(&upstream))
            .listener(change(listener));
        Self { envoy: Envoy::start(bootstrap).await, _upstream: upstream }
    }

    /// Sends one `GET` on a new connection.
    pub async fn get(&self, path: &str) -> Reply {
        let mut connection = Connection::open(Protocol::Http1, self.envoy.address(MAIN)).await;
        connection.send(Request::get(path)).await.expect("a reply")
    }

    /// Sends requests that make every rule count, and a document that is refused.
    pub async fn exercise(&self) {
        for path in ["/slow", "/slow", "/bad", "/both", "/none", "/shadow"] {
            self.get(path).await;
        }
        let wrong = Configuration::document(&json!({ "rules": [{ "name": "no percentage" }] }));
        self.envoy.configure(FILTER, &wrong).await.expect_err("it is refused");
    }
}

fn document() -> Configuration {
    let rule = |name: &str, path: &str, faults: Value| {
        let mut rule = json!({ "name": name, "percentage": 100, "match": { "path": { "exact": path } } });
        rule.as_object_mut().expect("an object").extend(faults.as_object().expect("an object").clone());
        rule
    };
    let delay = json!({ "fixed_delay": "1ms" });
    let abort = json!({ "http_status": 503 });
    Configuration::document(&json!({ "rules": [
        // All characters that a name may contain, and words that also occur in metric names.
        rule("a.slow-rule_1.matched", "/slow", json!({ "delay": delay })),
        rule("bad", "/bad", json!({ "abort": abort })),
        rule("both", "/both", json!({ "delay": delay, "abort": abort })),
        rule("shadow", "/shadow", json!({ "mode": "shadow", "abort": abort })),
    ] }))
}
