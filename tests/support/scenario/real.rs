//! A scenario in a real Envoy.

use super::expected::{Arrived, Expected, Response, add};
use super::file::{Exchange, Scenario};
use crate::client::{Connection, Cut, Protocol, Reply, Request};
use crate::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener, Place};
use crate::upstream::{Answer, Received, Upstream};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// The longest lateness of a reply on a busy machine. The simulated run checks exact times.
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
    /// When anything differs from what the scenario says.
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
        for group in scenario.groups() {
            match group.as_slice() {
                [exchange] => self.exchange(&mut connections, exchange).await,
                several => self.at_once(several).await,
            }
        }
        let after = self.envoy.stats().await;
        assert_eq!(after.since(&before), scenario.counted(), "\n{}", self.envoy.log());
        self.envoy.until_active(0).await;
    }

    async fn exchange(&self, connections: &mut Connections, exchange: &Exchange) {
        tokio::time::sleep(exchange.after.unwrap_or_default()).await;
        let began = Instant::now();
        let outcome = connections.send(exchange.protocol(), sent(exchange)).await;
        let took = outcome.as_ref().map_or_else(|_| began.elapsed(), |reply| reply.headers_after);
        let arrived = self.upstream.take().into_iter().map(arrived).next_back();
        self.compare(exchange, outcome, took, arrived);
    }

    /// Sends requests that overlap, each on a connection of its own.
    async fn at_once(&self, exchanges: &[&Exchange]) {
        let mut sending = JoinSet::new();
        for (number, exchange) in exchanges.iter().enumerate() {
            let mut connection = Connection::open(exchange.protocol(), self.envoy.address(MAIN)).await;
            tokio::time::sleep(exchange.after.unwrap_or_default()).await;
            let sent = sent(exchange);
            sending.spawn(async move {
                let began = Instant::now();
                let outcome = connection.send(sent).await;
                let took = outcome.as_ref().map_or_else(|_| began.elapsed(), |reply| reply.headers_after);
                (number, outcome, took)
            });
        }
        let mut outcomes = sending.join_all().await;
        outcomes.sort_by_key(|(number, ..)| *number);
        let mut all: Vec<Arrived> = self.upstream.take().into_iter().map(arrived).collect();
        for ((_, outcome, took), exchange) in outcomes.into_iter().zip(exchanges) {
            let path = exchange.request().path;
            let place = all.iter().position(|arrived| arrived.path == path);
            self.compare(exchange, outcome, took, place.map(|place| all.swap_remove(place)));
        }
    }

    fn compare(
        &self,
        exchange: &Exchange,
        outcome: Result<Reply, Cut>,
        took: Duration,
        arrived: Option<Arrived>,
    ) {
        let expected = exchange.expect.expected(&exchange.request(), &exchange.answer());
        assert!(took >= expected.delay, "{}: early, after {took:?}", exchange.send);
        assert!(took < expected.delay + LATENESS, "{}: late, after {took:?}", exchange.send);
        let seen = Expected {
            response: outcome.ok().as_ref().map(response),
            request: arrived.map(|arrived| arrived.beside(expected.request.as_ref())),
            delay: expected.delay,
            is_slowed: expected.is_slowed,
        };
        assert_eq!(seen, expected, "{}\n{}", exchange.send, self.envoy.log());
    }
}

/// Returns the request, which tells the upstream what to answer.
fn sent(exchange: &Exchange) -> Request {
    match exchange.upstream {
        Some(_) => exchange.request().header(Answer::HEADER, exchange.answer().to_header()),
        None => exchange.request(),
    }
}

/// Returns what an upstream got.
fn arrived(received: Received) -> Arrived {
    let mut headers = BTreeMap::new();
    for (name, value) in &received.headers {
        add(&mut headers, name.as_str(), value.as_bytes());
    }
    Arrived {
        method: received.method.to_string(),
        path: received.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers,
        body_length: received.body_length.unwrap_or_default(),
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
        let reply = connection.send(request).await;
        let closes = |reply: &Reply| reply.header("connection").as_deref() == Some("close");
        if reply.as_ref().map_or(true, closes) {
            *connection = Connection::open(protocol, self.address).await;
        }
        reply
    }
}

fn response(reply: &Reply) -> Response {
    // Envoy adds these to every reply, and `connection: close` to one sent before the whole request has arrived.
    const ITS_OWN: [&str; 4] = ["connection", "date", "server", "x-envoy-upstream-service-time"];
    let mut headers = BTreeMap::new();
    for (name, value) in reply.headers.iter().filter(|(name, _)| !ITS_OWN.contains(&name.as_str())) {
        add(&mut headers, name.as_str(), value.as_bytes());
    }
    Response { status: reply.status.as_u16(), headers, body: reply.text() }
}
