//! An Envoy with upstreams of each kind, and what must hold at the end of a test.

use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use support::client::{Connection, Protocol, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::grpc::Server;
use support::upstream::{Answer, Upstream};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The listener that speaks HTTP/1.1 to the upstream.
pub const HTTP1: &str = "http1";
/// The one that speaks HTTP/2 to it.
pub const HTTP2: &str = "http2";
/// The one before the gRPC service.
pub const GRPC: &str = "grpc";
/// The one that lets WebSocket through.
pub const WEBSOCKET: &str = "websocket";
/// The one whose route ends what takes longer than [`IMPATIENCE`].
pub const IMPATIENT: &str = "impatient";
/// The one with an idle timeout of [`IMPATIENCE`].
pub const IDLE: &str = "idle";
/// The one whose upstream closes the connection as soon as it has received anything.
pub const BROKEN: &str = "broken";
/// The one whose plugin lets bodies pass a filter that stops at headers.
pub const PERMISSIVE: &str = "permissive";

/// The timeout of [`IMPATIENT`] and of [`IDLE`].
pub const IMPATIENCE: Duration = Duration::from_millis(400);

const FILTER: &str = "brownout";

/// Upstreams, and an Envoy before them.
pub struct Stage {
    pub upstream: Upstream,
    pub envoy: Envoy,
    _grpc: Server,
    broken: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.broken.abort();
    }
}

impl Stage {
    /// An Envoy with one worker, whose module follows these rules.
    pub async fn with(rules: Value) -> Self {
        Self::of(rules, [HTTP1, HTTP2, GRPC, WEBSOCKET, IMPATIENT, IDLE]).await
    }

    /// The same with some of the listeners only.
    pub async fn of<const N: usize>(rules: Value, listeners: [&str; N]) -> Self {
        Self::start(rules, listeners, "0.1s").await
    }

    /// Starts the same for clients that are answered while they send: they get enough time to read the reply, even on a
    /// busy machine.
    pub async fn for_uploads<const N: usize>(rules: Value, listeners: [&str; N]) -> Self {
        Self::start(rules, listeners, "10s").await
    }

    async fn start<const N: usize>(rules: Value, listeners: [&str; N], delayed_close: &str) -> Self {
        let upstream = Upstream::start().await;
        let grpc = Server::start().await;
        let (broken, hanging_up) = hang_up().await;
        let document = document(rules);
        let bootstrap = Bootstrap::new()
            .cluster(Cluster::of(&upstream))
            .cluster(Cluster::named(HTTP2, upstream.address()).http2())
            .cluster(Cluster::named(GRPC, grpc.address()).http2())
            .cluster(Cluster::named(BROKEN, broken));
        let bootstrap = listeners.iter().fold(bootstrap, |bootstrap, name| {
            let listener = listener(name, &document).field("delayed_close_timeout", json!(delayed_close));
            bootstrap.listener(listener)
        });
        Self { upstream, envoy: Envoy::start(bootstrap).await, _grpc: grpc, broken: hanging_up }
    }

    /// A connection to a listener.
    pub async fn connect(&self, protocol: Protocol, listener: &str) -> Connection {
        Connection::open(protocol, self.envoy.address(listener)).await
    }

    /// Returns where a listener listens.
    pub fn address(&self, listener: &str) -> SocketAddr {
        self.envoy.address(listener)
    }

    /// Waits until `count` exchanges are held or throttled.
    pub async fn until_active(&self, count: u64) {
        self.envoy.until_active(count).await;
    }

    /// Asserts what must hold at the end of every test: Envoy and its VM are alive, nothing is held, and no host call
    /// has failed.
    pub async fn is_sound(&self) {
        assert!(self.envoy.is_alive(), "Envoy has ended:\n{}", self.envoy.log());
        let mut connection = self.connect(Protocol::Http1, HTTP1).await;
        let reply = connection.send(Request::get(STILL_THERE)).await.expect("a reply");
        assert_eq!(reply.status, 418, "the VM is dead:\n{}", self.envoy.log());
        self.until_active(0).await;
        let stats = self.envoy.stats().await;
        assert_eq!(stats.value("host_errors"), 0, "{stats}\n{}", self.envoy.log());
    }
}

/// A service that ends each connection with a TCP reset once something has arrived on it.
async fn hang_up() -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    let accepting = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                if stream.read(&mut [0; 1000]).await.is_ok() {
                    stream.set_zero_linger().ok();
                }
            });
        }
    });
    (address, accepting)
}

fn listener(name: &str, document: &Configuration) -> Listener {
    let listener = Listener::named(name);
    let filter = Filter::discovered(FILTER, document.clone());
    match name {
        HTTP2 | GRPC | BROKEN => listener.filter(filter).routes(vec![to(name, "0s")]),
        WEBSOCKET => listener.filter(filter).websocket(),
        IMPATIENT => listener.filter(filter).routes(vec![to(Cluster::USUAL, "0.4s")]),
        IDLE => listener.filter(filter).stream_idle_timeout(IMPATIENCE),
        PERMISSIVE => listener
            .filter(Filter::brownout(document).plugin_field("allow_on_headers_stop_iteration", json!(true))),
        _ => listener.filter(filter),
    }
}

fn to(cluster: &str, timeout: &str) -> Value {
    json!({ "match": { "prefix": "/" }, "route": { "cluster": cluster, "timeout": timeout } })
}

/// Path that distinguishes a live VM from a dead one, which lets everything pass.
const STILL_THERE: &str = "/still-there";

/// Returns a document with these rules, after the one that shows that the VM is alive.
pub fn document(mut rules: Value) -> Configuration {
    let still_there = rule("still-there", STILL_THERE, "abort", json!({ "http_status": 418 }));
    rules.as_array_mut().expect("a list of rules").insert(0, still_there);
    Configuration::document(&json!({ "rules": rules }))
}

/// A rule with one fault for every request to a path.
pub fn rule(name: &str, path: &str, fault: &str, fields: Value) -> Value {
    json!({ "name": name, "match": { "path": { "exact": path } }, "percentage": 100, fault: fields })
}

/// Adds to a request the answer that the upstream must give.
pub fn asking(request: Request, answer: &Answer) -> Request {
    request.header(Answer::HEADER, answer.to_header())
}
