//! A scenario in a real Envoy.

use super::expected::Expected;
use super::file::{Exchange, Scenario};
use crate::client::{Connection, Cut, Protocol, Reply, Request};
use crate::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener, Place};
use crate::upstream::{Answer, Upstream};
use std::net::SocketAddr;
use std::time::Duration;

/// How late a reply may be on a busy machine. Precision is the business of the simulated run.
const LATENESS: Duration = Duration::from_secs(2);

/// The name of the listener and of its filter.
const MAIN: &str = "main";

/// Envoy and an upstream, for one scenario after the other.
pub struct Rig {
    upstream: Upstream,
    envoy: Envoy,
}

impl Rig {
    /// Starts both. The module has no configuration yet.
    pub async fn start() -> Self {
        let upstream = Upstream::start().await;
        let envoy = Envoy::start(bootstrap(&upstream)).await;
        Self { upstream, envoy }
    }

    /// Starts both, Envoy in another place than on this machine.
    pub async fn start_in(place: &impl Place) -> Self {
        let upstream = Upstream::start_everywhere().await;
        let envoy = Envoy::start_in(place, bootstrap(&upstream)).await;
        Self { upstream, envoy }
    }

    /// Runs a scenario.
    ///
    /// # Panics
    /// When something else happens than the scenario says.
    pub async fn run(&self, scenario: &Scenario) {
        if let Err(refused) = self.envoy.configure(MAIN, &scenario.configuration()).await {
            assert!(!scenario.refused.is_empty(), "refused:\n{}", refused.log);
            for path in &scenario.refused {
                let line = format!("document refused: {path}: ");
                assert!(refused.log.contains(&line), "`{line}` is not in the log:\n{}", refused.log);
            }
            return;
        }
        assert_eq!(scenario.refused, [] as [String; 0], "the document is not refused");
        let before = self.envoy.stats().await;
        let mut connections = Connections::open(&self.envoy).await;
        for exchange in &scenario.requests {
            for _ in 0..exchange.times {
                self.exchange(&mut connections, exchange).await;
            }
        }
        let after = self.envoy.stats().await;
        assert_eq!(after.since(&before), scenario.counted(), "\n{}", self.envoy.log());
        self.envoy.until_active(0).await;
    }

    async fn exchange(&self, connections: &mut Connections, exchange: &Exchange) {
        let request = exchange.request();
        let expected = exchange.expect.expected(&request, &exchange.answer());
        let mut sent = request.clone();
        if exchange.upstream.is_some() {
            sent = sent.header(Answer::HEADER, exchange.answer().to_header());
        }
        let reply = match connections.send(exchange.protocol(), sent).await {
            Ok(reply) => reply,
            Err(cut) => panic!("{}: {cut}\n{}", exchange.send, self.envoy.log()),
        };
        let received = self.upstream.take();
        let took = reply.headers_after;
        assert!(took >= expected.delay, "{}: early, after {took:?}", exchange.send);
        assert!(took < expected.delay + LATENESS, "{}: late, after {took:?}", exchange.send);
        let seen = seen(&reply, !received.is_empty(), expected.delay);
        assert_eq!(seen, expected, "{}\n{}", exchange.send, self.envoy.log());
        for received in received {
            assert_eq!(received.method, request.method);
            assert_eq!(received.uri.path_and_query().map(ToString::to_string), Some(request.path.clone()));
            assert_eq!(received.body_length, Some(request.body.len()));
            for name in request.headers.keys() {
                let all =
                    |headers: &http::HeaderMap| headers.get_all(name).iter().cloned().collect::<Vec<_>>();
                assert_eq!(all(&received.headers), all(&request.headers), "{name}");
            }
        }
    }
}

fn bootstrap(upstream: &Upstream) -> Bootstrap {
    let filter = Filter::discovered(MAIN, Configuration::Absent);
    Bootstrap::new().cluster(Cluster::of(upstream)).listener(Listener::named(MAIN).filter(filter))
}

/// One connection for each protocol, so that requests follow each other on a connection.
struct Connections {
    address: SocketAddr,
    http1: Connection,
    http2: Connection,
}

impl Connections {
    async fn open(envoy: &Envoy) -> Self {
        let address = envoy.address(MAIN);
        Self {
            address,
            http1: Connection::open(Protocol::Http1, address).await,
            http2: Connection::open(Protocol::Http2, address).await,
        }
    }

    async fn send(&mut self, protocol: Protocol, request: Request) -> Result<Reply, Cut> {
        let connection = match protocol {
            Protocol::Http1 => &mut self.http1,
            Protocol::Http2 => &mut self.http2,
        };
        let reply = connection.send(request).await?;
        if reply.header("connection").as_deref() == Some("close") {
            *connection = Connection::open(protocol, self.address).await;
        }
        Ok(reply)
    }
}

fn seen(reply: &Reply, reaches_upstream: bool, delay: Duration) -> Expected {
    // Envoy adds these to every reply, and `connection: close` to one that comes before the whole request.
    const ITS_OWN: [&str; 4] = ["connection", "date", "server", "x-envoy-upstream-service-time"];
    let headers = reply.headers.keys().filter(|name| !ITS_OWN.contains(&name.as_str()));
    let headers = headers.map(|name| {
        let values =
            reply.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        (name.to_string(), values.collect::<Vec<_>>().join(", "))
    });
    Expected {
        status: reply.status.as_u16(),
        headers: headers.collect(),
        body: reply.text(),
        reaches_upstream,
        delay,
    }
}
