//! Two listeners that differ only in the filter.

use crate::expected::Expected;
use crate::log::NUMBER;
use crate::seen::{Both, Seen, Side};
use crate::stage::Stage;
use std::net::SocketAddr;
use std::task::Poll;
use std::time::{Duration, Instant};
use support::client::{Connection, Cut, Protocol, Reply, Request};
use support::deadline::{until, within_patience};

/// The shortest delay of any case is 30 ms. The native filter's timers count from when the worker's loop last woke up,
/// so they are early by the time it has worked since; ours never are.
pub const SHORTEST: [Duration; 2] = [Duration::from_millis(20), Duration::from_millis(30)];

/// A pair on the stage.
#[derive(Clone)]
pub struct Pair<'s> {
    pub stage: &'s Stage,
    pub name: String,
}

/// An exchange that has ended for the clients.
pub struct Sent {
    what: String,
    number: u64,
    replies: [Result<Reply, Cut>; 2],
    took: [Duration; 2],
}

/// The counters of one filter for one pair, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Delays that began, finished or not.
    pub delays: u64,
    pub aborts: u64,
    /// Faults skipped because of a limit.
    pub overflow: u64,
}

impl Pair<'_> {
    /// Returns where a side listens.
    pub fn address(&self, side: Side) -> SocketAddr {
        self.stage.envoy.address(&format!("{}-{}", self.name, side.name()))
    }

    /// Sends a request to both sides at the same time. Does not wait for the access log.
    pub async fn send(&self, request: &Request, protocol: Protocol) -> Sent {
        let number = self.stage.numbers(1);
        let numbered = request.clone().header(NUMBER, number.to_string());
        let one = async |side| {
            let mut connection = Connection::open(protocol, self.address(side)).await;
            let begin = Instant::now();
            let reply = within_patience("a reply", connection.send(numbered.clone())).await;
            (reply, begin.elapsed())
        };
        let ((native, native_took), (ours, our_took)) = tokio::join!(one(Side::Native), one(Side::Ours));
        let what = format!(
            "{}, {} {} in {protocol:?}, {:?}",
            self.name, request.method, request.path, request.headers
        );
        Sent { what, number, replies: [native, ours], took: [native_took, our_took] }
    }

    /// Returns what was seen of an exchange, including its access log entries.
    pub async fn seen(&self, sent: Sent) -> Both {
        let mut sides = Side::BOTH.into_iter().zip(&sent.replies);
        let mut next = async || {
            let (side, reply) = sides.next().expect("two sides");
            Seen::new(reply, &self.stage.log(side).entry(sent.number).await, side)
        };
        let both = Both { native: next().await, ours: next().await, took: sent.took, what: sent.what };
        for ((seen, took), shortest) in [&both.native, &both.ours].into_iter().zip(sent.took).zip(SHORTEST) {
            assert!(
                !seen.delayed || took >= shortest,
                "{}: delayed, but it took only {took:?}\n{seen}",
                both.what
            );
        }
        both
    }

    /// Sends a request to both sides and returns what was seen.
    pub async fn exchange(&self, request: &Request, protocol: Protocol) -> Both {
        let sent = self.send(request, protocol).await;
        self.seen(sent).await
    }

    /// Sends a request to both sides, and asserts that both do what is expected.
    pub async fn same(&self, request: &Request, protocol: Protocol, expected: Expected) -> Both {
        let both = self.exchange(request, protocol).await;
        both.assert_expected([expected, expected]);
        both.assert_same();
        both
    }

    /// Returns what both have counted.
    pub async fn counts(&self) -> [Counts; 2] {
        self.stats().await.0
    }

    /// Returns how many responses both say they have slowed down, since the start.
    pub async fn throttles(&self) -> [u64; 2] {
        let native = format!("http.{}-native.fault.response_rl_injected", self.name);
        let ours = format!("wasmcustom.brownout.rule.{}.response_rl_injected", self.name);
        [self.stage.envoy.stat(&native).await, self.stage.envoy.stat(&ours).await]
    }

    /// Returns the number of active faults: the native filter's for this pair, ours for all pairs.
    pub async fn active(&self) -> [u64; 2] {
        self.stats().await.1
    }

    /// Asserts that both have counted the same, and waits until neither reports an active fault.
    pub async fn end(&self) -> Counts {
        let [native, ours] = until("the end of all faults", async || {
            let (counts, active) = self.stats().await;
            (active == [0, 0]).then_some(counts)
        })
        .await;
        assert_eq!(native, ours, "{}: counted by the native filter and by ours", self.name);
        native
    }

    /// Returns counts and active faults from a single query, since a query to Envoy takes time.
    async fn stats(&self) -> ([Counts; 2], [u64; 2]) {
        let native = format!("http.{}-native.fault.", self.name);
        let rules = format!(r"wasmcustom\.brownout\.(rule\.{}(-[0-9]+)?\.|active_faults$)", self.name);
        let pattern = format!("^({}|{rules})", native.replace('.', r"\."));
        let stats = self.stage.envoy.stats_named(&pattern).await;
        let of_native = |name: &str| stats.value(&format!("{native}{name}"));
        let of_ours = |name: &str| {
            stats.sum(|stat| stat.starts_with("wasmcustom.") && stat.rsplit('.').next() == Some(name))
        };
        let native = Counts {
            delays: of_native("delays_injected"),
            aborts: of_native("aborts_injected"),
            overflow: of_native("faults_overflow"),
        };
        let ours = Counts {
            delays: of_ours("delays_injected"),
            aborts: of_ours("aborts_injected"),
            overflow: of_ours("overflow"),
        };
        ([native, ours], [of_native("active_faults"), of_ours("active_faults")])
    }
}

/// Runs futures concurrently and returns their results in order.
pub async fn together<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in running.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(context) {
                *output = Some(ready);
            }
        }
        if running.iter().all(|(_, output)| output.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    running.into_iter().filter_map(|(_, output)| output).collect()
}
