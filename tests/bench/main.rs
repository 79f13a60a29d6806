//! What the module costs.
//!
//! - `brownout-bench` measures it next to its peers, as listeners of one Envoy with one worker, and writes the results
//!   to docs/. `BROWNOUT_BENCH_ROUNDS` says for how many rounds.
//! - `brownout-bench --quick` is shorter, skips the crowd and the costs of documents, and writes nothing.
//! - `brownout-bench gate` fails when the module executes more than the baseline says, or costs Envoy much more than it
//!   should.
//! - `brownout-bench counts` prints what the module executes; `brownout-bench bless` makes that the baseline.

mod client;
mod command;
mod costs;
mod counts;
mod documents;
mod empty;
mod gate;
mod holding;
mod peers;
mod report;
mod results;
mod rounds;
mod statistics;
mod targets;
mod upstream;

use peers::Peer;
use results::{Machine, Results, Rounds};
use std::process::ExitCode;
use std::time::Duration;
use support::envoy::{self, Bootstrap, Cluster, Envoy};
use support::repository;
use tokio::runtime::Runtime;

const ROUNDS: usize = 120;
const QUICK_ROUNDS: usize = 15;
const GATE_ROUNDS: usize = 15;

fn main() -> ExitCode {
    empty::build();
    let asked = std::env::args().nth(1);
    match asked.as_deref() {
        None => {
            let results = measure(false);
            report::write(&results);
            print!("{}", report::Tables::of(&results).text());
        }
        Some("--quick") => print!("{}", report::Tables::of(&measure(true)).text()),
        Some("counts") => {
            println!("{}", serde_json::to_string_pretty(&counts::all()).expect("numbers"));
        }
        Some("bless") => gate::bless(),
        Some("gate") => return gate(),
        Some(other) => {
            eprintln!("usage: brownout-bench [--quick | gate | counts | bless], not `{other}`");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn gate() -> ExitCode {
    let runtime = Runtime::new().expect("threads");
    let peers = peers::all();
    let envoy = start(&runtime, &peers);
    let few =
        ["none", "empty", "no-rules", "one-header", "rules-1000", "rules-10000", "native-abort", "abort"];
    let peers: Vec<_> = peers.into_iter().filter(|peer| few.contains(&peer.key)).collect();
    let rounds = Rounds::new(rounds::run(&envoy, &peers, GATE_ROUNDS));
    let mut complaints = gate::measured(&rounds);
    complaints.extend(gate::executed());
    for complaint in &complaints {
        eprintln!("error: {complaint}");
    }
    if complaints.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("help: if the extra cost is justified, run `make bench-bless` and say why in the commit");
    ExitCode::FAILURE
}

fn measure(quick: bool) -> Results {
    let runtime = Runtime::new().expect("threads");
    let peers = peers::all();
    let envoy = start(&runtime, &peers);
    let given = std::env::var("BROWNOUT_BENCH_ROUNDS").ok();
    let usual = if quick { QUICK_ROUNDS } else { ROUNDS };
    let number = given.map_or(usual, |given| given.parse().expect("BROWNOUT_BENCH_ROUNDS is a number"));
    eprintln!("{number} rounds of {} peers", peers.len());
    let rounds = Rounds::new(rounds::run(&envoy, &peers, number));
    eprintln!("delays, crowds, documents, counts");
    let (times, length) = if quick { (1, Duration::from_secs(1)) } else { (5, Duration::from_millis(1500)) };
    let version = envoy::version();
    Results {
        machine: Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            architecture: std::env::consts::ARCH,
            envoy: format!("{}.{}", version.0, version.1),
        },
        rounds: number,
        rows: peers.iter().map(|peer| rounds.row(peer)).collect(),
        abort: Some(rounds.ratio("abort", "native-abort")),
        shadow: Some(rounds.ratio_of_overheads("shadow", "inject-none", "none")),
        held: holding::run(&envoy, times, length),
        crowd: if quick { Vec::new() } else { holding::crowd(&runtime, &envoy) },
        costs: (!quick).then(|| costs::run(&runtime)),
        simulate: if quick { None } else { command::simulate(&documents::matched("inject", 10)) },
        module_bytes: std::fs::metadata(repository::module()).expect("a module").len(),
        counts: counts::all(),
    }
}

fn start(runtime: &Runtime, peers: &[Peer]) -> Envoy {
    let bootstrap = Bootstrap::new().cluster(Cluster::named(Cluster::USUAL, upstream::start()));
    let holding = peers::holding();
    let listeners = peers.iter().chain(&holding).map(Peer::listener);
    runtime.block_on(Envoy::start(listeners.fold(bootstrap, Bootstrap::listener)))
}
