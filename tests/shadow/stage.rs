//! One Envoy with a listener for each document in `shadow`, and one without the module.

use crate::bytes::Bytes;
use crate::documents;
use serde_json::{Value, json};
use std::net::SocketAddr;
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::grpc::Server;
use support::upstream::Upstream;

/// The listener without the module.
pub const PLAIN: &str = "plain";
/// The listener whose cluster has the module after the router.
const BEHIND: &str = "behind-the-router";

/// An Envoy with one listener for each document, and the upstreams behind it.
pub struct Stage {
    pub envoy: Envoy,
    pub upstream: Upstream,
    pub bytes: Bytes,
    _grpc: Server,
    others: Vec<String>,
}

impl Stage {
    pub async fn start() -> Self {
        let (upstream, bytes, grpc) = (Upstream::start().await, Bytes::start().await, Server::start().await);
        let documents = documents::all();
        let behind = json!({ "mode": "shadow", "placement": "upstream", "rules": [
            { "name": BEHIND, "percentage": 100, "abort": { "http_status": 503 } },
        ] });
        let behind = || Filter::brownout(&Configuration::document(&behind));
        let mut bootstrap = Bootstrap::new()
            .cluster(Cluster::of(&upstream).http2())
            .cluster(Cluster::named("http1", upstream.address()))
            .cluster(Cluster::named("bytes", bytes.address()))
            .cluster(Cluster::named("grpc", grpc.address()).http2())
            .cluster(Cluster::named("nowhere", ([127, 0, 0, 1], 1).into()))
            .cluster(Cluster::named(&format!("{BEHIND}-bytes"), bytes.address()).filter(behind()))
            .cluster(
                Cluster::named(&format!("{BEHIND}-upstream"), upstream.address()).http2().filter(behind()),
            )
            .listener(listener(PLAIN, ["bytes", Cluster::USUAL]))
            .listener(listener(BEHIND, [&format!("{BEHIND}-bytes"), &format!("{BEHIND}-upstream")]));
        let mut others = vec![BEHIND.to_owned()];
        for (name, document) in documents {
            let filter = Filter::brownout(&Configuration::document(&document));
            bootstrap = bootstrap.listener(listener(&name, ["bytes", Cluster::USUAL]).filter(filter));
            others.push(name);
        }
        let envoy = Envoy::start(bootstrap).await;
        Self { envoy, upstream, bytes, _grpc: grpc, others }
    }

    /// Returns where a listener listens.
    pub fn address(&self, listener: &str) -> SocketAddr {
        self.envoy.address(listener)
    }

    /// Returns the listeners that must behave like [`PLAIN`], and `PLAIN` once more, to show that nothing else differs.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        std::iter::once(PLAIN).chain(self.others.iter().map(String::as_str))
    }

    /// Asserts what must hold at the end: every rule that takes all requests has counted, and none has injected.
    pub async fn has_only_counted(&self) {
        until("nothing that is held", async || {
            (self.envoy.stats().await.value("active_faults") == 0).then_some(())
        })
        .await;
        let stats = self.envoy.stats().await;
        for name in documents::certain().into_iter().chain([BEHIND]) {
            assert!(stats.value(&format!("rule.{name}.shadowed")) > 0, "{name}:\n{stats}");
        }
        for quiet in ["injected", "overflow", "host_errors", "config_rejected", "route_config_rejected"] {
            assert_eq!(stats.value(quiet), 0, "{quiet}:\n{stats}\n{}", self.envoy.log());
        }
        assert!(self.envoy.is_alive(), "{}", self.envoy.log());
    }
}

/// Returns a listener. All have the same routes, with a document in their metadata that only one of the modules reads.
fn listener(name: &str, [bytes, usual]: [&str; 2]) -> Listener {
    let metadata =
        json!({ "filter_metadata": { "brownout": { "json": documents::of_routes().to_string() } } });
    let route = |prefix: &str, cluster: &str| -> Value {
        json!({
            "name": prefix,
            "match": { "prefix": prefix },
            "route": { "cluster": cluster, "timeout": "0s" },
            "metadata": metadata,
        })
    };
    Listener::named(name).websocket().routes(vec![
        route("/bytes", bytes),
        route("/http1", "http1"),
        route("/nowhere", "nowhere"),
        route("/shop.", "grpc"),
        json!({ "match": { "prefix": "/direct" }, "direct_response": { "status": 200, "body": { "inline_string": "hi" } } }),
        route("/", usual),
    ])
}
