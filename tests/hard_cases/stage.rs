//! The Envoy for a hard case, and what must hold after the case.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use support::client::{Connection, Cut, Protocol, Reply, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener, Refused};
use support::upstream::Upstream;
use tokio::task::JoinHandle;

/// The longest lateness of a reply on a busy machine. The simulated scenarios check exact times.
pub const LATENESS: Duration = Duration::from_secs(2);

/// The listener with the usual settings.
pub const MAIN: &str = "main";
/// The listener that lets WebSocket through.
pub const WEBSOCKET: &str = "websocket";
/// The listener that lets CONNECT through.
pub const CONNECT: &str = "connect";
/// The listener with an idle timeout of [`IMPATIENCE`].
pub const IMPATIENT: &str = "impatient";
/// The listener that answers everything itself.
pub const DIRECT: &str = "direct";

/// The stream idle timeout of the listener [`IMPATIENT`].
pub const IMPATIENCE: Duration = Duration::from_millis(400);

const FILTER: &str = "brownout";

/// An upstream and an Envoy before it.
pub struct Stage {
    pub upstream: Upstream,
    pub envoy: Envoy,
}

impl Stage {
    /// Envoy with one worker, whose module follows these rules.
    pub async fn with(rules: Value) -> Self {
        Self::with_workers(1, rules).await
    }

    /// Starts the same, holding a hundred requests on one connection for longer than any test takes.
    pub async fn holding_a_hundred() -> (Self, JoinHandle<Vec<Result<Reply, Cut>>>) {
        let patience = json!({ "name": "patience", "percentage": 100, "delay": { "fixed_delay": "60s" } });
        let stage = Self::with(json!([patience])).await;
        let mut connection = Connection::open(Protocol::Http2, stage.address()).await;
        let all = vec![Request::get("/"); 100];
        let sending = tokio::spawn(async move { connection.send_at_once(all).await });
        stage.until_active(100).await;
        (stage, sending)
    }

    /// An Envoy with more workers.
    pub async fn with_workers(workers: usize, rules: Value) -> Self {
        let upstream = Upstream::start().await;
        let listener =
            |name| Listener::named(name).filter(Filter::discovered(FILTER, document(rules.clone())));
        let answer = json!({ "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
        let bootstrap = Bootstrap::new()
            .concurrency(workers)
            // One connection carries any number of requests, so that no test runs out of file descriptors.
            .cluster(Cluster::of(&upstream).http2())
            .cluster(Cluster::named("http1", upstream.address()))
            .listener(listener(MAIN))
            .listener(listener(WEBSOCKET).websocket().routes(vec![to_http1(json!({ "prefix": "/" }))]))
            .listener(listener(CONNECT).connect("http1"))
            .listener(listener(IMPATIENT).stream_idle_timeout(IMPATIENCE))
            .listener(listener(DIRECT).routes(vec![answer]));
        let envoy = Envoy::start(bootstrap).await;
        Self { upstream, envoy }
    }

    pub fn address(&self) -> SocketAddr {
        self.envoy.address(MAIN)
    }

    /// Pushes other rules; panics if they are refused.
    pub async fn follow(&self, rules: Value) {
        if let Err(refused) = self.envoy.configure(FILTER, &document(rules)).await {
            panic!("refused:\n{}", refused.log);
        }
    }

    /// Pushes any configuration, including one that Envoy refuses.
    pub async fn push(&self, configuration: &Configuration) -> Result<(), Refused> {
        self.envoy.configure(FILTER, configuration).await
    }

    /// One request on a connection of its own.
    pub async fn ask(&self, request: Request) -> Reply {
        let mut connection = Connection::open(Protocol::Http1, self.address()).await;
        connection.send(request).await.unwrap_or_else(|cut| panic!("{cut}\n{}", self.envoy.log()))
    }

    /// Waits until `count` exchanges are held.
    pub async fn until_active(&self, count: u64) {
        self.envoy.until_active(count).await;
    }

    /// Asserts what must hold after every hard case.
    pub async fn is_sound(&self) {
        assert!(self.envoy.is_alive(), "Envoy has ended:\n{}", self.envoy.log());
        let reply = self.ask(Request::get(STILL_THERE)).await;
        assert_eq!(reply.status, 418, "the VM is dead:\n{}", self.envoy.log());
        assert_eq!(reply.header("x-brownout").as_deref(), Some("still-there; abort"));
        self.until_active(0).await;
        let stats = self.envoy.stats().await;
        assert_eq!(stats.value("host_errors"), 0, "{stats}\n{}", self.envoy.log());
    }
}

/// Path that distinguishes a live VM from a dead one, which lets everything pass.
const STILL_THERE: &str = "/still-there";

/// Returns a document with these rules, after the one that shows that the VM is alive.
pub fn document(mut rules: Value) -> Configuration {
    let still_there = json!({
        "name": "still-there",
        "match": { "path": { "exact": STILL_THERE } },
        "percentage": 100,
        "abort": { "http_status": 418 },
    });
    rules.as_array_mut().expect("a list of rules").insert(0, still_there);
    Configuration::document(&json!({ "rules": rules }))
}

fn to_http1(condition: Value) -> Value {
    json!({ "match": condition, "route": { "cluster": "http1" } })
}
