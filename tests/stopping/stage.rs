//! An Envoy and an upstream for the tests of this suite, and the helpers that they share.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use support::client::{Connection, Protocol, Reply, Request};
use support::deadline::until_equal;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::{Answer, Stream, Upstream};

pub const WORKERS: usize = 4;
const MAIN: &str = "main";
const FILTER: &str = "brownout";
/// A second listener: the usual one without the module.
const PLAIN: &str = "plain";

/// The header of requests that ask for a fault.
pub const FAULT: &str = "x-fault";

/// An upstream and an Envoy before it.
pub struct Stage {
    pub upstream: Upstream,
    pub envoy: Envoy,
    in_cluster: bool,
}

impl Stage {
    /// Starts both, with the module in a listener.
    pub async fn with(document: &Value) -> Self {
        Self::new(document, false).await
    }

    /// Starts both, with the module in a cluster.
    pub async fn in_cluster(document: &Value) -> Self {
        Self::new(document, true).await
    }

    async fn new(document: &Value, in_cluster: bool) -> Self {
        let upstream = Upstream::start().await;
        let (mut listener, mut cluster) = (Listener::named(MAIN), Cluster::of(&upstream).http2());
        if in_cluster {
            cluster = cluster.filter(Filter::brownout(&Configuration::document(document)));
        } else {
            listener = listener.filter(Filter::discovered(FILTER, Configuration::document(document)));
        }
        let bootstrap = Bootstrap::new().concurrency(WORKERS).cluster(cluster);
        let envoy = Envoy::start(bootstrap.listener(listener).listener(Listener::named(PLAIN))).await;
        Self { upstream, envoy, in_cluster }
    }

    pub fn address(&self) -> SocketAddr {
        self.envoy.address(MAIN)
    }

    /// Pushes another document; panics if it is refused.
    pub async fn follow(&self, document: &Value) {
        assert!(!self.in_cluster, "the document of a cluster does not change here");
        if let Err(refused) = self.envoy.configure(FILTER, &Configuration::document(document)).await {
            panic!("refused:\n{}", refused.log);
        }
    }

    pub async fn stopped(&self) -> u64 {
        self.value("stopped").await
    }

    /// Returns a counter or gauge of the module, wherever this version of Envoy keeps those of clusters.
    pub async fn value(&self, name: &str) -> u64 {
        let all = self.envoy.stats_named(&format!(r"wasmcustom\.brownout\.{name}$")).await;
        all.sum(|_| true)
    }

    pub async fn until_stopped(&self, stopped: u64) {
        until_equal("stopped", stopped, async || self.stopped().await).await;
    }

    /// Returns how often `text` occurs in the log.
    pub fn lines(&self, text: &str) -> usize {
        self.envoy.log().lines().filter(|line| line.contains(text)).count()
    }

    /// Sends a request `times` times, each on its own connection, so that all workers get some.
    pub async fn send(&self, request: &Request, times: usize) -> Vec<Option<Reply>> {
        let mut replies = Vec::new();
        for _ in 0..times {
            let mut connection = Connection::open(Protocol::Http1, self.address()).await;
            replies.push(connection.send(request.clone()).await.ok());
        }
        replies
    }

    /// Returns whether a request that asks for a fault gets it.
    pub async fn injects(&self) -> bool {
        let reply = self.send(&faulted(), 1).await.remove(0);
        reply.is_some_and(|reply| reply.header("x-brownout").is_some())
    }

    /// Asserts what must hold at the end.
    pub async fn is_sound(&self) {
        assert!(self.envoy.is_alive(), "Envoy has ended:\n{}", self.envoy.log());
        until_equal("active_faults", 0, async || self.value("active_faults").await).await;
        assert_eq!(self.value("host_errors").await, 0, "{}", self.envoy.log());
    }
}

/// A request that the rule of [`document`] takes.
pub fn faulted() -> Request {
    Request::get("/").header(FAULT, "1")
}

/// A document that stops, with one rule.
pub fn document(window: Duration, min_requests: usize, fault: &Value) -> Value {
    let mut rule =
        json!({ "name": "experiment", "match": { "headers": [{ "name": FAULT }] }, "percentage": 100 });
    rule.as_object_mut().expect("a rule").extend(fault.as_object().expect("a fault").clone());
    json!({
        "stop_when": { "error_percentage": 20, "window": format!("{}s", window.as_secs()), "min_requests": min_requests },
        "rules": [rule],
    })
}

pub fn abort() -> Value {
    json!({ "abort": { "http_status": 503 } })
}

/// The ways in which the service fails.
pub fn failures() -> [(&'static str, Answer); 4] {
    let grpc = || [("content-type".into(), "application/grpc".into())].into();
    let stream = Some(Stream { pieces: 2, bytes: 10, every_ms: 1 });
    [
        ("5xx", Answer { status: 500, ..Answer::default() }),
        ("a reset", Answer { stream, breaks_off: true, ..Answer::default() }),
        (
            "a gRPC error after messages",
            Answer {
                headers: grpc(),
                stream,
                trailers: [("grpc-status".into(), "14".into())].into(),
                ..Answer::default()
            },
        ),
        (
            "a gRPC error at once",
            Answer {
                headers: [("content-type", "application/grpc"), ("grpc-status", "13")]
                    .map(|(name, value)| (name.into(), value.into()))
                    .into(),
                body: String::new(),
                ..Answer::default()
            },
        ),
    ]
}
