//! What the module costs.
//!
//! `brownout-bench` measures it beside its peers, as listeners of one Envoy with one worker. `BROWNOUT_BENCH_ROUNDS`
//! says for how many rounds.

mod client;
mod documents;
mod empty;
mod peers;
mod results;
mod rounds;
mod statistics;
mod upstream;

use peers::Peer;
use results::{Rounds, Row};
use support::envoy::{Bootstrap, Cluster, Envoy};

fn main() {
    empty::build();
    let peers = peers::all();
    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let bootstrap = Bootstrap::new().cluster(Cluster::named(Cluster::USUAL, upstream::start()));
    let bootstrap = peers.iter().map(Peer::listener).fold(bootstrap, Bootstrap::listener);
    let envoy = runtime.block_on(Envoy::start(bootstrap));
    let rounds = std::env::var("BROWNOUT_BENCH_ROUNDS").map_or(20, |given| given.parse().expect("a number"));
    let rounds = Rounds::new(rounds::run(&envoy, &peers, rounds));
    println!("Envoy's CPU time per request, µs; in brackets the interval that holds it with 90 %");
    println!(
        "{:34} {:>8} {:>8} {:17} {:>14} {:>17} {:>8}",
        "", "in all", "added", "", "× empty", "", "p50 alone"
    );
    for row in peers.iter().map(|peer| rounds.row(peer)) {
        print(&row);
    }
    println!("abort, × native: {:.2?}", rounds.ratio("abort", "native-abort"));
    println!("shadow, × inject: {:.2?}", rounds.ratio_of_overheads("shadow", "inject-none", "none"));
}

fn print(row: &Row) {
    let Row { title, cpu, overhead, ratio, latency, .. } = row;
    println!(
        "{title:34} {:8.2} {:8.2} [{:6.2} – {:6.2}] {:14.2} [{:6.2} – {:6.2}] {:8.1}",
        cpu.value,
        overhead.value,
        overhead.low,
        overhead.high,
        ratio.value,
        ratio.low,
        ratio.high,
        latency.p50
    );
}
