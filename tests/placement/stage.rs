//! Two proxies and a service.

use serde_json::{Value, json};
use std::time::Duration;
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

/// The per-try timeout where the delay should exceed it.
pub const PER_TRY: Duration = Duration::from_millis(150);
/// The per-try timeout where no try should time out, even on a busy machine; still shorter than [`DELAY`].
const PATIENT: Duration = Duration::from_secs(2);
/// The length of a delay: much longer than all tries together.
pub const DELAY: Duration = Duration::from_secs(3);

/// The place of the filter on the way from caller to service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the caller's listener.
    Downstream,
    /// In the caller's cluster.
    Upstream,
    /// In the callee's listener.
    Inbound,
    /// In the caller's listener, Envoy's own fault filter.
    Native,
}

/// The outcome of a request that passes through both proxies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Tries that the caller's router made.
    pub attempts: u64,
    /// Requests that reached the service.
    pub arrived: usize,
    pub status: u16,
    /// Hosts that the caller's outlier detection ejected.
    pub ejections: u64,
    /// The response code details and the faults in the access log of the caller's listener.
    pub logged: (Option<String>, Option<String>),
    /// The time that the client waited for the whole reply.
    pub elapsed: Duration,
}

/// Sends one request through both proxies, with the filter in its place.
pub async fn seen(place: Place, fault: &Value) -> Seen {
    let service = Upstream::start().await;
    let callee = callee(place, fault, &service).await;
    let caller = caller(place, fault, &callee).await;
    let mut connection = Connection::open(Protocol::Http1, caller.address("outbound")).await;
    let reply = connection.send(Request::get("/")).await.expect("a reply");
    // Envoy counts a try when it is over, which may be after the client has its answer.
    let attempts = until("the end of every try", async || {
        let active = caller.stat("cluster.service.upstream_rq_active").await;
        let total = caller.stat("cluster.service.upstream_rq_total").await;
        (active == 0).then_some(total)
    })
    .await;
    let entry = until("the access log", async || caller.access_log("outbound").pop()).await;
    Seen {
        attempts,
        arrived: service.count(),
        status: reply.status.as_u16(),
        ejections: caller.stat("cluster.service.outlier_detection.ejections_enforced_total").await,
        logged: (entry.details, entry.faults),
        elapsed: reply.complete_after,
    }
}

fn brownout(document: &Value) -> Filter {
    Filter::brownout(&Configuration::document(document))
}

async fn callee(place: Place, fault: &Value, service: &Upstream) -> Envoy {
    let listener = Listener::named("inbound").listener_field("traffic_direction", "INBOUND".into());
    let listener = if place == Place::Inbound { listener.filter(brownout(fault)) } else { listener };
    Envoy::start(Bootstrap::new().cluster(Cluster::of(service)).listener(listener)).await
}

fn delays(document: &Value) -> bool {
    document["rules"][0].get("delay").is_some()
}

async fn caller(place: Place, fault: &Value, callee: &Envoy) -> Envoy {
    let is_felt_by_tries = matches!(place, Place::Inbound | Place::Upstream);
    let per_try = if is_felt_by_tries && delays(fault) { PER_TRY } else { PATIENT };
    let retry = json!({
        "retry_on": "5xx",
        "num_retries": 2,
        "per_try_timeout": format!("{}s", per_try.as_secs_f64()),
        "retry_back_off": { "base_interval": "0.001s" },
    });
    let action = json!({ "cluster": "service", "timeout": "0s", "retry_policy": retry });
    let listener = Listener::named("outbound")
        .listener_field("traffic_direction", "OUTBOUND".into())
        .routes(vec![json!({ "match": { "prefix": "/" }, "route": action })]);
    let cluster = Cluster::named("service", callee.address("inbound"))
        .field("outlier_detection", json!({ "consecutive_5xx": 3, "max_ejection_percent": 100 }));
    let (listener, cluster) = match place {
        Place::Downstream => (listener.filter(brownout(fault)), cluster),
        Place::Native => (listener.filter(Filter::native_fault(fault.clone())), cluster),
        Place::Upstream => (listener, cluster.filter(brownout(fault))),
        Place::Inbound => (listener, cluster),
    };
    Envoy::start(Bootstrap::new().cluster(cluster).listener(listener)).await
}
