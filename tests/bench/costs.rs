//! The cost of a document to a worker: load time and memory.

use crate::{documents, empty, peers};
use serde::Serialize;
use std::time::Duration;
use support::envoy::{Bootstrap, Configuration, Envoy, Filter};
use tokio::runtime::Runtime;

const RULES: usize = 1000;
const FILTER: &str = "brownout";
/// The number of workers compared with a single one.
const MORE: usize = 8;

#[derive(Debug, Serialize)]
pub struct Costs {
    /// The worker's CPU time to load a document of 1,000 rules, in milliseconds, one value per load.
    pub loading: Vec<f64>,
    /// Resident memory that each further worker takes, in bytes: with ours and 1,000 rules, and with the SDK's empty
    /// module.
    pub resident: [f64; 2],
    /// The memory of the module itself, in bytes, for the same two modules.
    pub linear: [usize; 2],
}

/// Measures the costs in dedicated Envoys.
pub fn run(runtime: &Runtime) -> Costs {
    let ours = || Filter::brownout(&Configuration::document(&documents::many(RULES)));
    let linear = crate::counts::memory(&documents::many(RULES));
    Costs {
        loading: runtime.block_on(loading()),
        resident: [
            runtime.block_on(memory_of_a_worker(&ours)),
            runtime.block_on(memory_of_a_worker(&empty::filter)),
        ],
        linear: [linear.0, linear.1],
    }
}

async fn loading() -> Vec<f64> {
    let filter = Filter::discovered(FILTER, Configuration::document(&documents::no_rules()));
    let envoy = Envoy::start(Bootstrap::new().listener(peers::listener("loading", Some(filter)))).await;
    let mut spent = Vec::new();
    for round in 0..9 {
        let before = worker_time(&envoy);
        // Another document each time: one more rule.
        let document = documents::many(RULES + round);
        envoy.configure(FILTER, &Configuration::document(&document)).await.expect("a good document");
        spent.push((worker_time(&envoy) - before).as_secs_f64() * 1e3);
    }
    spent
}

fn worker_time(envoy: &Envoy) -> Duration {
    envoy.worker_time().into_iter().sum()
}

/// Returns the memory of one more worker: comparing few workers with many cancels out what the process has only once.
async fn memory_of_a_worker(filter: &impl Fn() -> Filter) -> f64 {
    let mut resident = Vec::new();
    for workers in [1, 1 + MORE] {
        let bootstrap = Bootstrap::new().concurrency(workers);
        let envoy = Envoy::start(bootstrap.listener(peers::listener("memory", Some(filter())))).await;
        resident.push(envoy.memory() as f64);
    }
    (resident[1] - resident[0]) / MORE as f64
}

impl Costs {
    /// Returns the median load time.
    pub fn median_loading(&self) -> f64 {
        let mut sorted = self.loading.clone();
        sorted.sort_by(f64::total_cmp);
        crate::statistics::percentile(&sorted, 50.0)
    }
}
