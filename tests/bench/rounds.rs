//! Rounds: in each, every peer gets a turn of a few milliseconds, in random order, so that whatever else the machine
//! does affects all peers alike. CPU time is what the kernel has charged to Envoy's worker.

use crate::client::Lanes;
use crate::peers::{Peer, Task};
use rand::SeedableRng;
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;
use support::envoy::Envoy;

/// Always the same order, so that two runs differ only by the machine.
const SEED: u64 = 1;
/// After its last reply the worker still cleans up, and the kernel charges its time when it goes to sleep.
const UNTIL_ASLEEP: Duration = Duration::from_micros(500);

/// The measurements of one peer.
#[derive(Debug, Default)]
pub struct Measured {
    /// The worker's time for a request, in microseconds, round by round.
    pub cpu: Vec<f64>,
    /// Reply times of a client that sends one request at a time.
    pub latency: Vec<Duration>,
}

/// Returns a peer's part of a round: requests, connections, and further requests to measure latency.
fn turn(task: Task) -> (usize, usize, usize) {
    match task {
        Task::Direct | Task::Held => (1000, 32, 50),
        Task::Small => (400, 16, 50),
        Task::Large => (24, 4, 4),
    }
}

/// Measures the peers in `rounds` rounds.
pub fn run(envoy: &Envoy, peers: &[Peer], rounds: usize) -> BTreeMap<&'static str, Measured> {
    let mut order: Vec<_> = peers
        .iter()
        .map(|peer| {
            let (requests, connections, alone) = turn(peer.task);
            let mut lanes = Lanes::open(envoy.address(peer.key), connections, &peer.request(), peer.status);
            lanes.run(requests);
            (peer.key, lanes, requests, alone)
        })
        .collect();
    let mut measured: BTreeMap<_, Measured> = BTreeMap::new();
    let mut chance = SmallRng::seed_from_u64(SEED);
    for _ in 0..rounds {
        order.shuffle(&mut chance);
        for (key, lanes, requests, alone) in &mut order {
            let of_peer = measured.entry(*key).or_default();
            let before = worker_time(envoy);
            lanes.run(*requests);
            let spent = worker_time(envoy) - before;
            of_peer.cpu.push(spent.as_secs_f64() * 1e6 / *requests as f64);
            lanes.time(*alone, &mut of_peer.latency);
        }
    }
    measured
}

/// The processor time of the only worker.
pub fn worker_time(envoy: &Envoy) -> Duration {
    thread::sleep(UNTIL_ASLEEP);
    let times = envoy.worker_time();
    assert_eq!(times.len(), 1, "one worker");
    times[0]
}
