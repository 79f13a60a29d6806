//! Delays: what a held request costs, and how late it is released. Envoy's own fault filter and ours take turns.

use crate::client::Crowd;
use crate::peers::{self, Peer};
use crate::results::{Latency, microseconds};
use crate::rounds::worker_time;
use crate::statistics::percentile;
use serde::Serialize;
use std::thread;
use std::time::{Duration, Instant};
use support::envoy::Envoy;
use tokio::runtime::Runtime;

/// The numbers of requests held at any time, each measured on its own.
pub const CONCURRENT: [usize; 3] = [10, 100, 1000];
const STREAMS_OF_A_CONNECTION: usize = 100;

/// The number of requests in the crowd, all held at once.
const CROWD: usize = 20_000;
const STREAMS_OF_A_CROWDED_CONNECTION: usize = 1000;
/// Envoy is stopped this long before the crowd is due, until this long after.
const STANDSTILL: Duration = Duration::from_millis(500);

/// The figures of one peer with a number of requests held at any time.
#[derive(Debug, Serialize)]
pub struct Held {
    pub key: &'static str,
    pub title: &'static str,
    pub concurrent: usize,
    /// Envoy's CPU time for a request, in microseconds: the median of the rounds.
    pub cpu: f64,
    /// The time by which replies missed the delay asked for, in microseconds, over all rounds.
    pub lateness: Latency,
}

/// Measures both peers with each of [`CONCURRENT`], in `rounds` rounds of `length` each.
pub fn run(envoy: &Envoy, rounds: usize, length: Duration) -> Vec<Held> {
    let mut held = Vec::new();
    for concurrent in CONCURRENT {
        let [native, ours] = delaying();
        let mut measured = [(native, Vec::new(), Vec::new()), (ours, Vec::new(), Vec::new())];
        for _ in 0..rounds {
            for (peer, cpu, lateness) in &mut measured {
                let mut crowd = Crowd::open(envoy.address(peer.key), concurrent, STREAMS_OF_A_CONNECTION);
                let before = worker_time(envoy);
                let taken = crowd.keep_on(length, peers::DELAY);
                let spent = worker_time(envoy) - before;
                cpu.push(spent.as_secs_f64() * 1e6 / taken.len() as f64);
                lateness.extend(taken.into_iter().map(|taken| late(taken, peers::DELAY)));
            }
        }
        held.extend(measured.map(|(peer, mut cpu, lateness)| {
            cpu.sort_by(f64::total_cmp);
            let cpu = percentile(&cpu, 50.0);
            Held { key: peer.key, title: peer.title, concurrent, cpu, lateness: Latency::of(lateness) }
        }));
    }
    held
}

/// The crowd of 20,000 in each of the two.
#[derive(Debug, Serialize)]
pub struct Crowded {
    pub key: &'static str,
    pub title: &'static str,
    pub held: usize,
    /// The lateness of replies, in microseconds, when requests came as fast as Envoy accepts them.
    pub as_they_came: Latency,
    /// The same, when all were due at one instant.
    pub at_one_instant: Latency,
    /// Envoy's CPU time for one of these, from its arrival to its end, in microseconds.
    pub cpu: f64,
}

/// Measures the native filter and ours, each with the crowd.
pub fn crowd(runtime: &Runtime, envoy: &Envoy) -> Vec<Crowded> {
    let [_, _, native, ours] = all();
    [native, ours]
        .into_iter()
        .map(|peer| {
            let mut crowd = Crowd::open(envoy.address(peer.key), CROWD, STREAMS_OF_A_CROWDED_CONNECTION);
            let as_they_came = crowd.at_once().into_iter();
            let as_they_came = as_they_came.map(|(sent, done)| late(done - sent, peers::LONG_DELAY));
            let as_they_came = Latency::of(as_they_came);
            let before = worker_time(envoy);
            let (resumed, replies) = at_one_instant(runtime, envoy, &mut crowd);
            let spent = worker_time(envoy) - before;
            Crowded {
                key: peer.key,
                title: peer.title,
                held: CROWD,
                as_they_came,
                at_one_instant: Latency::of(replies.into_iter().map(|done| microseconds(done - resumed))),
                cpu: spent.as_secs_f64() * 1e6 / CROWD as f64,
            }
        })
        .collect()
}

/// Lets all requests fall due while Envoy is stopped. Returns when Envoy continued, and when each reply had ended.
fn at_one_instant(runtime: &Runtime, envoy: &Envoy, crowd: &mut Crowd) -> (Instant, Vec<Instant>) {
    thread::scope(|scope| {
        let sent = Instant::now();
        let sending = scope.spawn(|| crowd.at_once());
        thread::sleep(peers::LONG_DELAY - STANDSTILL);
        runtime.block_on(envoy.while_stopped(async {
            // The last was sent later than the first.
            tokio::time::sleep_until((sent + peers::LONG_DELAY + 6 * STANDSTILL).into()).await;
        }));
        let resumed = Instant::now();
        let replies = sending.join().expect("a client does not panic");
        (resumed, replies.into_iter().map(|(_, done)| done).collect())
    })
}

fn all() -> [Peer; 4] {
    peers::holding().try_into().ok().expect("four peers")
}

fn delaying() -> [Peer; 2] {
    let [native, ours, ..] = all();
    [native, ours]
}

/// Returns the lateness in microseconds. Envoy's timers count from when its loop last read the clock, and may be early.
fn late(taken: Duration, asked: Duration) -> f64 {
    microseconds(taken) - microseconds(asked)
}
