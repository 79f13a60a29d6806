//! `brownout simulate`: sends many requests through the engine in simulated time, and compares the results with the
//! expected ones.

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
use crate::terminal::{Done, note, print, unusable};
use arrivals::{Arrivals, Pace};
use brownout_core::Plan;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::RequestView;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;
use traffic::Traffic;

/// Send a million requests through the engine, in simulated time, and count what happens to them.
///
/// If you give no requests, the command makes one up for each rule that fulfils its `match`. These take turns, each
/// with its own keys for rules that choose by key. Recorded requests arrive at the times they were sent, each once,
/// unless a number, a rate or a duration is given. The report shows observed shares next to expected ones, with the
/// 95 % confidence interval of the true share.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  brownout simulate checkout.json
  brownout simulate checkout.json --rate 50 --duration 30m --seed 7
  brownout simulate checkout.json --request http://shop/checkout -X POST --requests 10000")]
pub struct Arguments {
    #[command(flatten)]
    document: One,
    /// The number of requests; the default is a million.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    requests: Option<u32>,
    /// The number of requests per second; the default is 1000.
    #[arg(long, value_name = "NUMBER", value_parser = rate)]
    rate: Option<f64>,
    /// The time over which they arrive.
    #[arg(long, value_name = "DURATION", value_parser = length)]
    duration: Option<Duration>,
    /// The random seed: the same seed gives the same output. The default is a new one each time.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The time at which the simulation begins and the document arrives. The default is now, or the time at which the
    /// first recorded request was sent.
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// The status of the backend's responses, which are immediate.
    #[arg(long, value_name = "STATUS", default_value = "200", value_parser = clap::value_parser!(u16).range(200..=599))]
    response_status: u16,
    /// The body length of responses, and of requests that have a body.
    #[arg(long, value_name = "BYTES", default_value = "1024", value_parser = clap::value_parser!(u32).range(2..=1_048_576))]
    body_bytes: u32,
    /// The output format: `text`, or `json` for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
    #[command(flatten)]
    source: RequestArguments,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate = text.parse::<f64>().ok().filter(|rate| (0.000_001..=1e9).contains(rate));
    rate.ok_or_else(|| "expected a number of requests per second, up to one billion".into())
}

/// A finished simulation.
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
        note(format_args!(
            "could not make up a request for `{rule}`: provide one with --request, --har or --access-log"
        ));
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
