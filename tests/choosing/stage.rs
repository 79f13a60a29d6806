//! An Envoy and an upstream for the tests of this suite, and the helpers that they share.

use serde_json::{Value, json};
use std::net::SocketAddr;
use support::client::{Connection, Protocol, Reply, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;
use tokio::task::JoinSet;

pub const MAIN: &str = "main";
/// The filter that gets its document from a file.
pub const FILTER: &str = "brownout";

/// An upstream and an Envoy before it.
pub struct Stage {
    pub upstream: Upstream,
    pub envoy: Envoy,
}

impl Stage {
    /// Envoy with some workers, whose module follows a document.
    pub async fn with(workers: usize, document: &Value) -> Self {
        Self::of(workers, [Listener::named(MAIN).filter(discovered(document))]).await
    }

    /// Envoy with some workers and these listeners.
    pub async fn of(workers: usize, listeners: impl IntoIterator<Item = Listener>) -> Self {
        Self::from(Bootstrap::new().concurrency(workers), listeners).await
    }

    /// Envoy with these listeners beside what the bootstrap has.
    pub async fn from(bootstrap: Bootstrap, listeners: impl IntoIterator<Item = Listener>) -> Self {
        let upstream = Upstream::start().await;
        let bootstrap = bootstrap.cluster(Cluster::of(&upstream).http2());
        let envoy = Envoy::start(listeners.into_iter().fold(bootstrap, Bootstrap::listener)).await;
        Self { upstream, envoy }
    }

    pub fn address(&self) -> SocketAddr {
        self.envoy.address(MAIN)
    }

    /// A connection to the usual listener.
    pub async fn connect(&self) -> Connection {
        Connection::open(Protocol::Http1, self.address()).await
    }

    /// Pushes another document; panics if it is refused.
    pub async fn follow(&self, document: &Value) {
        if let Err(refused) = self.envoy.configure(FILTER, &Configuration::document(document)).await {
            panic!("refused:\n{}", refused.log);
        }
    }

    /// Returns the rule that takes a request sent to `listener` on a new connection.
    pub async fn rule_for(&self, listener: &str, request: Request) -> Option<String> {
        let mut connection = Connection::open(Protocol::Http1, self.envoy.address(listener)).await;
        rule(&self.answer(&mut connection, request).await)
    }

    /// Sends a request and returns its reply, which must arrive.
    pub async fn answer(&self, connection: &mut Connection, request: Request) -> Reply {
        connection.send(request).await.unwrap_or_else(|cut| panic!("{cut}\n{}", self.envoy.log()))
    }

    /// Waits until `count` exchanges are held.
    pub async fn until_active(&self, count: u64) {
        self.envoy.until_active(count).await;
    }

    /// Asserts what must hold at the end: nothing has failed, and nothing is held.
    pub async fn is_sound(&self) {
        assert!(self.envoy.is_alive(), "Envoy has ended:\n{}", self.envoy.log());
        self.until_active(0).await;
        let stats = self.envoy.stats().await;
        assert_eq!(stats.value("host_errors"), 0, "{stats}\n{}", self.envoy.log());
    }
}

/// Our module with a document from a file.
pub fn discovered(document: &Value) -> Filter {
    Filter::discovered(FILTER, Configuration::document(document))
}

/// A document with only rules.
pub fn rules(rules: impl IntoIterator<Item = Value>) -> Value {
    json!({ "rules": rules.into_iter().collect::<Vec<_>>() })
}

/// A rule that aborts requests that match `condition`.
pub fn abort(name: &str, condition: Value) -> Value {
    json!({ "name": name, "match": condition, "percentage": 100, "abort": { "http_status": 503 } })
}

/// Returns the rule that took an exchange.
pub fn rule(reply: &Reply) -> Option<String> {
    let evidence = reply.header("x-brownout")?;
    Some(evidence.split(';').next().unwrap_or_default().to_owned())
}

/// Sends the same request from `clients` clients, `each` times one after the other per client.
pub async fn crowd(address: SocketAddr, clients: usize, each: usize, request: &Request) -> Vec<Reply> {
    let mut sending = JoinSet::new();
    for _ in 0..clients {
        // Opened one after the other, so that Envoy gives each worker the same number.
        let mut connection = Connection::open(Protocol::Http1, address).await;
        let request = request.clone();
        sending.spawn(async move {
            let mut replies = Vec::new();
            for _ in 0..each {
                replies.push(connection.send(request.clone()).await.expect("a reply"));
            }
            replies
        });
    }
    sending.join_all().await.into_iter().flatten().collect()
}

/// Returns how many of the exchanges a rule took.
pub fn taken(replies: &[Reply]) -> usize {
    replies.iter().filter(|reply| rule(reply).is_some()).count()
}
