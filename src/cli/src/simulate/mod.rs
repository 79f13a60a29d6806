//! `brownout simulate`: many requests through the engine in simulated time, and what came of them beside what was to
//! be expected.

mod arrivals;
mod backend;
mod chart;
mod drive;
mod expected;
mod json;
mod keys;
mod observed;
mod text;
mod traffic;

use crate::arguments::{Format, length, now_in_seconds, time};
use crate::manifest::One;
use crate::request::{RequestArguments, Unusable};
use crate::terminal::{Done, print, unusable};
use arrivals::{Arrivals, Pace};
use brownout_core::Plan;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::RequestView;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use traffic::Traffic;

/// Send a million requests through the engine, in simulated time, and count what happens to them.
///
/// Without requests of yours, one is made up for each rule that fulfils its `match`, and they come in turn, each with
/// keys of its own for rules that choose by key. Recorded ones come when they were sent, each once, unless a number, a
/// rate or a duration is given. What is counted stands beside what was to be expected, with the interval in which the
/// true share lies with a confidence of 95 %.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  brownout simulate checkout.json
  brownout simulate checkout.json --rate 50 --duration 30m --seed 7
  brownout simulate checkout.json --request http://shop/checkout -X POST --requests 10000")]
pub struct Arguments {
    #[command(flatten)]
    document: One,
    /// How many requests; a million if nothing else is said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    requests: Option<u32>,
    /// How many come in a second; 1000 if nothing else is said.
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    rate: Option<f64>,
    /// For how long they come.
    #[arg(long, value_name = "DURATION", value_parser = length)]
    duration: Option<Duration>,
    /// The seed of chance: the same one gives the same output. A new one each time if it is not given.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// When the simulation begins, and the document arrives; now, or when the first recorded request was sent, if it
    /// is not given.
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// The status of the backend's answers, which come at once.
    #[arg(long, value_name = "STATUS", default_value = "200", value_parser = clap::value_parser!(u16).range(200..=599))]
    response_status: u16,
    /// The length of bodies, of responses and of requests that have one.
    #[arg(long, value_name = "BYTES", default_value = "1024", value_parser = clap::value_parser!(u32).range(2..=1_048_576))]
    body_bytes: u32,
    /// How to say it: `text`, or `json` for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    source: RequestArguments,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.000_001..=1e9).contains(rate));
    rate.ok_or_else(|| "expected a number of requests per second, up to a thousand million".into())
}

/// A simulation, done.
struct Simulation {
    file: String,
    plan: Plan,
    traffic: Traffic,
    pace: Pace,
    seed: u64,
    start: Timestamp,
    observed: observed::Observed,
}

/// Runs it: 0 when it is done, 1 when the document is wrong, 2 when it or the requests cannot be read.
pub fn run(arguments: &Arguments) -> Done {
    let (document, plan) = arguments.document.open()?;
    let simulation = simulate(document.name(), plan, arguments).map_err(unusable)?;
    for rule in &simulation.traffic.not_invented {
        anstream::eprintln!(
            "note: no request could be made up for `{rule}`: bring some with --request, --har or --access-log"
        );
    }
    print(match arguments.format {
        Format::Text => text::report(&simulation),
        Format::Json => json::report(&simulation),
    });
    Ok(())
}

fn simulate(file: &str, mut plan: Plan, arguments: &Arguments) -> Result<Simulation, Unusable> {
    let given = arguments.source.requests()?;
    let chosen = (arguments.requests, arguments.rate, arguments.duration);
    let (traffic, pace) = match given {
        Some(requests) => {
            let recorded = if chosen == (None, None, None) { arrivals::recorded(&requests) } else { None };
            let pace = recorded.map_or_else(|| Pace::choose(chosen), Ok)?;
            (Traffic::given(requests), pace)
        }
        None => (Traffic::invented(&plan, &arguments.source)?, Pace::choose(chosen)?),
    };
    plan.settle(&|property| traffic.requests().find_map(|request| request.property(property)));
    let seed = arguments.seed.unwrap_or_else(|| RandomState::new().build_hasher().finish() >> 32);
    let first = traffic.requests().filter_map(|request| request.sent).min();
    let start = arguments.at.or(first).unwrap_or_else(now_in_seconds);
    let mut traffic = traffic;
    let arrivals = Arrivals::new(&pace, seed);
    let backend = backend::answer(arguments.response_status, arguments.body_bytes as usize);
    let observed = drive::drive(&plan, &mut traffic, arrivals, seed, start, backend);
    Ok(Simulation { file: file.to_owned(), plan, traffic, pace, seed, start, observed })
}
