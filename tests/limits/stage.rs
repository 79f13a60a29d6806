//! An Envoy with four workers.

use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener, Stats};
use support::upstream::Upstream;

/// The number of workers, which is also by how many faults a limit may be exceeded.
pub const WORKERS: usize = 4;
pub const CLIENTS: usize = 64;
/// The pause of a client between requests, to leave CPU time for Envoy.
pub const PAUSE: Duration = Duration::from_millis(10);

const MAIN: &str = "main";
const FILTER: &str = "brownout";
/// A busy machine is slow to send thousands of requests.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Stage {
    pub envoy: Envoy,
    _upstream: Upstream,
}

impl Stage {
    /// With a module that follows this document.
    pub async fn with(document: &Value) -> Self {
        Self::of(Filter::discovered(FILTER, Configuration::document(document))).await
    }

    /// Starts an Envoy with this filter.
    pub async fn of(filter: Filter) -> Self {
        let upstream = Upstream::start().await;
        let listener = Listener::named(MAIN).filter(filter);
        let cluster = Cluster::of(&upstream).http2();
        let bootstrap = Bootstrap::new().concurrency(WORKERS).cluster(cluster).listener(listener);
        Self { envoy: Envoy::start(bootstrap).await, _upstream: upstream }
    }

    pub fn address(&self) -> SocketAddr {
        self.envoy.address(MAIN)
    }

    /// Pushes another document, which must be accepted.
    pub async fn follow(&self, document: &Value) {
        self.envoy.configure(FILTER, &Configuration::document(document)).await.expect("a good document");
    }

    /// Polls the counters until they are as wanted.
    pub async fn count_until(&self, what: &str, wanted: impl Fn(&Stats) -> bool) -> Stats {
        let end = Instant::now() + PATIENCE;
        loop {
            let stats = self.envoy.stats().await;
            if wanted(&stats) {
                return stats;
            }
            assert!(Instant::now() < end, "still waiting after {PATIENCE:?}: {what}\n{stats}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Asserts what must hold at the end.
    pub async fn is_sound(&self) {
        until("nothing that is held", async || {
            (self.envoy.stats().await.value("active_faults") == 0).then_some(())
        })
        .await;
        let stats = self.envoy.stats().await;
        assert_eq!(stats.value("host_errors"), 0, "{stats}\n{}", self.envoy.log());
        assert!(self.envoy.is_alive(), "{}", self.envoy.log());
    }
}
