//! The results of a benchmark run.

use crate::costs::Costs;
use crate::counts::Counts;
use crate::holding::{Crowded, Held};
use crate::peers::{Peer, Task};
use crate::rounds::Measured;
use crate::statistics::{Figure, median, percentile};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// The figures measured for one peer.
#[derive(Debug, Serialize)]
pub struct Row {
    /// The name of its listener.
    pub key: &'static str,
    pub title: &'static str,
    /// Envoy's CPU time for a request, in microseconds.
    pub cpu: Figure,
    /// The CPU time over that of the same chain without any filter.
    pub overhead: Figure,
    /// The overhead as a multiple of the SDK's empty module's.
    pub ratio: Figure,
    /// Reply times of a client that sends one request at a time.
    pub latency: Latency,
    /// The CPU time of each round, so that the figures can be recomputed.
    pub rounds: Vec<f64>,
}

/// Percentiles of a set of times, in microseconds.
#[derive(Debug, Serialize)]
pub struct Latency {
    pub p50: f64,
    pub p90: f64,
    pub p99: f64,
    pub max: f64,
    /// The number of values behind the percentiles.
    pub count: usize,
}

impl Latency {
    pub fn of(microseconds: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<_> = microseconds.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let [p50, p90, p99, max] = [50.0, 90.0, 99.0, 100.0].map(|percent| percentile(&sorted, percent));
        Self { p50, p90, p99, max, count: sorted.len() }
    }
}

/// Returns what a table shows.
pub fn microseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// The rounds of all peers.
pub struct Rounds(BTreeMap<&'static str, Measured>);

impl Rounds {
    pub fn new(measured: BTreeMap<&'static str, Measured>) -> Self {
        Self(measured)
    }

    pub fn row(&self, peer: &Peer) -> Row {
        let (none, empty) = compared_with(peer.task);
        let cpu = &self.0[peer.key].cpu;
        Row {
            key: peer.key,
            title: peer.title,
            cpu: self.figure(|rounds| median(cpu, rounds)),
            overhead: self.figure(|rounds| self.overhead(peer.key, none, rounds)),
            ratio: self.ratio_of_overheads(peer.key, empty, none),
            latency: Latency::of(self.0[peer.key].latency.iter().copied().map(microseconds)),
            rounds: cpu.iter().map(|cpu| (cpu * 1000.0).round() / 1000.0).collect(),
        }
    }

    /// Returns one peer's CPU time as a multiple of another's.
    pub fn ratio(&self, of: &str, to: &str) -> Figure {
        let (of, to) = (&self.0[of].cpu, &self.0[to].cpu);
        self.figure(|rounds| median(of, rounds) / median(to, rounds))
    }

    /// Returns one peer's overhead over `none` as a multiple of another's.
    pub fn ratio_of_overheads(&self, of: &str, to: &str, none: &str) -> Figure {
        self.figure(|rounds| self.overhead(of, none, rounds) / self.overhead(to, none, rounds))
    }

    /// Returns the median of what a peer costs more than another in the same round.
    fn overhead(&self, of: &str, none: &str, rounds: &[usize]) -> f64 {
        let (of, none) = (&self.0[of].cpu, &self.0[none].cpu);
        let more: Vec<_> = of.iter().zip(none).map(|(of, none)| of - none).collect();
        median(&more, rounds)
    }

    fn figure(&self, of: impl Fn(&[usize]) -> f64) -> Figure {
        let rounds = self.0.values().next().map_or(0, |measured| measured.cpu.len());
        Figure::of(rounds, of)
    }
}

/// Returns the peers with the same task: the one without a filter, and the one with the SDK's empty module.
pub fn compared_with(task: Task) -> (&'static str, &'static str) {
    match task {
        Task::Direct | Task::Held => ("none", "empty"),
        Task::Small => ("small-none", "small-empty"),
        Task::Large => ("large-none", "large-empty"),
    }
}

/// All results of a run. What it skipped is `None` or empty.
#[derive(Debug, Serialize)]
pub struct Results {
    pub machine: Machine,
    pub rounds: usize,
    pub rows: Vec<Row>,
    /// The CPU time of an aborted request, as a multiple of the native filter's.
    pub abort: Option<Figure>,
    /// The overhead of `shadow`, as a multiple of the same document's in `inject` when it injects nothing.
    pub shadow: Option<Figure>,
    pub held: Vec<Held>,
    pub crowd: Vec<Crowded>,
    pub costs: Option<Costs>,
    /// The best time of three `brownout simulate` runs with a million requests, in seconds.
    pub simulate: Option<f64>,
    pub module_bytes: u64,
    /// The module's instructions and host calls, by case.
    pub counts: Counts,
}

impl Results {
    /// The figures of a peer.
    pub fn row(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }
}

/// The machine and the Envoy version of a run.
#[derive(Debug, Serialize)]
pub struct Machine {
    pub cores: usize,
    pub architecture: &'static str,
    pub envoy: String,
}
