//! `brownout explain`: describes a document, and what it does to a request.

mod json;
pub(crate) mod lines;
mod odds;
mod text;

use crate::arguments::{Format, Moment, length, now_in_seconds, time};
use crate::manifest::One;
use crate::request::{self, Request};
use crate::terminal::{Done, print, unusable};
use brownout_core::decode::Decoder;
use brownout_core::decode::json::Json;
use brownout_core::document::RouteDocument;
use brownout_core::document::rule::Rule;
use brownout_core::explain::Trace;
use brownout_core::time::Instant;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::{Property, RequestView};
use brownout_core::{Diagnostic, Plan};
use std::time::Duration;

/// Describe in plain English what a document does, or what it does to a request.
///
/// Without a request, the output describes every rule: which requests, how many, which faults, when, and within which
/// limits. With one request, it shows whether each rule takes the request, and why not: the conditions that hold, the
/// first that does not, and the value found there. With several, each gets a line; --number picks one.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  brownout explain checkout.json
  brownout explain checkout.json --request http://shop/checkout -X POST -H 'x-tester: bob'
  brownout explain checkout.json --curl \"curl -X POST -H 'x-tester: alice' http://shop/checkout\"")]
pub struct Arguments {
    #[command(flatten)]
    document: One,
    #[command(flatten)]
    requests: request::RequestArguments,
    /// The number of the request to explain in full, counted from 1.
    #[arg(long, value_name = "N", help_heading = "Requests")]
    number: Option<usize>,
    /// The time at which a request arrives, such as 2026-11-22T13:00:00Z. The default is now, or the time at which a
    /// recorded request was sent.
    #[arg(long, value_name = "TIME", value_parser = time)]
    at: Option<Timestamp>,
    /// The age of the document at that time, which ramps and pulses without `not_before` depend on.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = length)]
    age: Duration,
    /// The output format: `text`, or `json` for programs.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

/// A request and its explanation.
struct Explained {
    request: Request,
    at: Timestamp,
    trace: Trace,
    /// The rules of the request's route, if those are in force.
    of_route: Option<Vec<Rule>>,
    /// The mistakes in the route's document.
    refused: Vec<Diagnostic>,
}

impl Explained {
    fn rules<'a>(&'a self, plan: &'a Plan) -> &'a [Rule] {
        self.of_route.as_deref().unwrap_or_else(|| plan.rules())
    }
}

/// Runs it: 0 when it is explained, 1 when the document is wrong, 2 when it or the requests cannot be read.
pub fn run(arguments: &Arguments) -> Done {
    let (document, plan) = arguments.document.open()?;
    let requests = arguments.requests.requests().map_err(unusable)?;
    let Some(requests) = requests else {
        print(match arguments.format {
            Format::Text => text::document(document.name(), &plan),
            Format::Json => json::document(document.name(), &plan),
        });
        return Ok(());
    };
    let all = requests.len();
    let picked = match arguments.number {
        None => requests,
        Some(number) => match number.checked_sub(1).and_then(|index| requests.into_iter().nth(index)) {
            Some(one) => vec![one],
            None => {
                return Err(unusable(format_args!("--number {number}: there are {all} requests")));
            }
        },
    };
    let explained: Vec<Explained> =
        picked.into_iter().map(|request| explain(&plan, request, arguments)).collect();
    print(match arguments.format {
        Format::Text => text::requests(document.name(), &plan, &explained),
        Format::Json => json::requests(document.name(), &plan, &explained),
    });
    Ok(())
}

fn explain(plan: &Plan, request: Request, arguments: &Arguments) -> Explained {
    let wall = arguments.at.or(request.sent).unwrap_or_else(now_in_seconds);
    let clock = Moment { wall, age: arguments.age };
    let mut settled = plan.clone();
    settled.settle(&|property| request.property(property));
    let arrived = Some(Instant::default());
    let text = request.property(Property::RouteDocument).filter(|_| plan.reads_routes());
    let (of_route, refused) = match text.map(|text| route_rules(&text, &request)) {
        None => (None, Vec::new()),
        Some(Ok(rules)) => (Some(rules), Vec::new()),
        Some(Err(mistakes)) => (Some(Vec::new()), mistakes),
    };
    let trace = match &of_route {
        Some(rules) => Trace::of_rules(&settled, rules, &request, &clock, arrived),
        None => Trace::new(&settled, &request, &clock, arrived),
    };
    Explained { request, at: wall, trace, of_route, refused }
}

fn route_rules(text: &[u8], request: &Request) -> Result<Vec<Rule>, Vec<Diagnostic>> {
    let json = Json::parse(text).map_err(|mistake| vec![mistake])?;
    let document: RouteDocument = Decoder::decode(&json)?;
    document.rules.settle(&|property| request.property(property));
    Ok(document.rules.as_slice().to_vec())
}
