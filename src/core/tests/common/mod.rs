//! What tests give to the simulated proxy: documents, requests and responses by their headers, and draws that are
//! scripted or seeded.
#![allow(dead_code, reason = "each test file uses its own part of this")]

pub mod asked;
pub mod statistics;

use brownout_core::decode::json::Json;
use brownout_core::engine::Engine;
use brownout_core::engine::event::Event;
use brownout_core::entropy::Entropy;
/// Draws that follow from a seed.
pub use brownout_core::entropy::Sequence as Seeded;
use brownout_core::id::ExchangeId;
use brownout_core::id::RuleId;
use brownout_core::limit::tally::Tally;
pub use brownout_core::sim::{Clocks, Head, Proxy};
use brownout_core::step::{HeaderChange, HeadersStep, Release};
use brownout_core::time::Instant;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::RequestView;
use brownout_core::{Diagnostic, Plan};
use std::collections::VecDeque;
use std::time::Duration;

/// Creates the head of a message with a body.
pub fn head(headers: &[(&str, &[u8])]) -> Head {
    Head { has_body: true, ..Head::new(headers.iter().copied()) }
}

/// `GET http://shop/`, these headers, and a body.
pub fn get(headers: &[(&str, &str)]) -> Head {
    let line = [(":method", "GET"), (":path", "/"), (":authority", "shop")];
    let headers = line.iter().chain(headers).map(|(name, value)| (*name, value.as_bytes()));
    Head { has_body: true, ..Head::new(headers) }
}

/// A response with a body.
pub fn response(status: u16, headers: &[(&str, &str)]) -> Head {
    Head::response(status, headers.iter().map(|(name, value)| (*name, value.as_bytes())))
}

/// A response without a body.
pub fn empty(status: u16, headers: &[(&str, &str)]) -> Head {
    Head { has_body: false, ..response(status, headers) }
}

/// A response with no special properties.
pub fn ok() -> Head {
    response(200, &[])
}

/// Moves the clocks of a test.
pub trait Move {
    /// Sets the monotonic clock, in milliseconds.
    fn at(&self, milliseconds: u64) -> &Self;
    /// Sets the wall clock, in RFC 3339.
    fn wall_at(&self, time: &str) -> &Self;
    /// Moves the wall clock by this many microseconds, forward or back.
    fn wall_by(&self, microseconds: i64) -> &Self;
}

impl Move for Clocks {
    fn at(&self, milliseconds: u64) -> &Self {
        self.set(at(milliseconds))
    }

    #[track_caller]
    fn wall_at(&self, time: &str) -> &Self {
        self.wall.set(Some(Timestamp::parse(time).expect("a time")));
        self
    }

    fn wall_by(&self, microseconds: i64) -> &Self {
        self.wall.set(self.wall.get().map(|wall| Timestamp(wall.0 + microseconds)));
        self
    }
}

/// A reading of the clock, in milliseconds.
pub fn at(milliseconds: u64) -> Instant {
    Instant(Duration::from_millis(milliseconds))
}

pub fn id(number: u32) -> ExchangeId {
    ExchangeId(number)
}

/// Scripted draws. One draw too many fails the test.
#[derive(Debug, Clone, Default)]
pub struct Scripted(pub VecDeque<u64>);

impl Scripted {
    pub fn new(draws: &[u64]) -> Self {
        Self(draws.iter().copied().collect())
    }
}

impl Entropy for Scripted {
    fn next_u64(&mut self) -> u64 {
        self.0.pop_front().expect("a draw that nobody has written down")
    }
}

/// A response that goes on and says what its exchange has suffered.
pub fn mark(evidence: &str) -> HeadersStep {
    HeadersStep::Forward(vec![HeaderChange::Add("x-brownout".into(), evidence.into())])
}

/// The plan of a document that has no mistakes.
#[track_caller]
pub fn plan(document: &str) -> Plan {
    Plan::from_json(document.as_bytes()).unwrap_or_else(|found| panic!("{:#?}", lines(&found)))
}

/// The mistakes of a document, as they are logged.
#[track_caller]
pub fn mistakes(document: impl AsRef<[u8]>) -> Vec<String> {
    match Plan::from_json(document.as_ref()) {
        Ok(plan) => panic!("accepted as {}", printed(&plan)),
        Err(found) => lines(&found),
    }
}

fn lines(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[track_caller]
pub fn json(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap_or_else(|mistake| panic!("{mistake} in {text}"))
}

/// The document of a plan, printed back.
pub fn printed(plan: &Plan) -> String {
    serde_json::to_string(plan.document()).expect("a document has a JSON form")
}

/// One rule that aborts every request that fulfils a predicate.
pub fn matching(predicate: &str) -> String {
    format!(
        r#"{{"rules":[{{"name":"r","match":{predicate},"percentage":100,"abort":{{"http_status":503}}}}]}}"#
    )
}

/// One rule with these faults, for every request.
pub fn suffering(faults: &str) -> String {
    format!(r#"{{"rules":[{{"name":"r","percentage":100,{faults}}}]}}"#)
}

/// Returns the diagnostics for an invalid `match`, without their paths.
pub fn about_match(predicate: &str) -> Vec<String> {
    without("rules[0].match.", mistakes(matching(predicate)))
}

/// Returns the diagnostics for invalid faults, without their paths.
pub fn about_faults(faults: &str) -> Vec<String> {
    without("rules[0].", mistakes(suffering(faults)))
}

#[track_caller]
fn without(path: &str, said: Vec<String>) -> Vec<String> {
    said.iter().map(|line| line.strip_prefix(path).unwrap_or_else(|| panic!("{line}")).to_owned()).collect()
}

/// One rule that aborts what it takes, with these fields beside.
pub fn taking(fields: &str) -> String {
    format!(r#"{{"rules":[{{"name":"r",{fields},"abort":{{"http_status":503}}}}]}}"#)
}

/// Returns the diagnostics for a rule with invalid fields, without their paths.
pub fn about_rule(fields: &str) -> Vec<String> {
    without("rules[0].", mistakes(taking(fields)))
}

/// A proxy for a document whose shares are all certain, or with draws as written.
#[track_caller]
pub fn proxy(document: &str, draws: &[u64]) -> Proxy<Scripted> {
    Proxy::new(Engine::new(plan(document), Scripted::new(draws)))
}

/// A proxy with draws that follow from a seed.
#[track_caller]
pub fn seeded(document: &str, seed: u64) -> Proxy<Seeded> {
    Proxy::new(Engine::new(plan(document), Seeded(seed)))
}

/// A worker of a proxy whose workers share their counts.
#[track_caller]
pub fn sharing(document: &str, tally: &(impl Tally + Clone + 'static)) -> Proxy<Scripted> {
    let engine = Engine::new(plan(document), Scripted::default());
    Proxy::new(engine.with_tally(Box::new(tally.clone())))
}

/// The steps of a proxy, with exchanges by number.
pub trait Steps {
    fn request(&mut self, number: u32, request: &dyn RequestView) -> HeadersStep;
    /// The status of the reply that a request gets: 0 if it gets none.
    fn status(&mut self, request: &dyn RequestView) -> u16;
    /// The headers of a plain response arrive.
    fn response(&mut self, number: u32) -> HeadersStep;
    /// Whatever is due at a time, in order.
    fn due(&mut self, milliseconds: u64) -> Vec<(u32, Release)>;
    /// Returns what has happened, as far as counters and gauges go.
    fn events(&mut self) -> Vec<Event>;
    /// Returns what is left behind: the number of exchanges held, and when the engine is due next.
    fn rest(&self) -> (usize, Option<Instant>);
}

impl<E: Entropy> Steps for Proxy<E> {
    fn request(&mut self, number: u32, request: &dyn RequestView) -> HeadersStep {
        self.on_request_headers(id(number), request)
    }

    #[track_caller]
    fn status(&mut self, request: &dyn RequestView) -> u16 {
        match self.request(0, request) {
            HeadersStep::Continue => 0,
            HeadersStep::Reply(reply) => reply.status,
            step => panic!("{step:?}"),
        }
    }

    fn response(&mut self, number: u32) -> HeadersStep {
        self.on_response_headers(id(number), &ok())
    }

    fn due(&mut self, milliseconds: u64) -> Vec<(u32, Release)> {
        std::iter::from_fn(|| self.next_due(at(milliseconds))).map(|(id, step)| (id.0, step)).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        let counted = |event: &Event| {
            use Event::{Activated, Delayed, Expired, Fault, Injected, Matched, Released, Shadowed, Stopped};
            matches!(
                event,
                Matched(_)
                    | Injected(_)
                    | Fault { .. }
                    | Delayed(_)
                    | Shadowed(_)
                    | Activated
                    | Released
                    | Stopped(_)
                    | Expired(_)
            )
        };
        std::iter::from_fn(|| self.next_event()).filter(counted).collect()
    }

    fn rest(&self) -> (usize, Option<Instant>) {
        (self.engine.active(), self.engine.poll_timeout())
    }
}

/// Nothing held, nothing waited for.
pub const NOTHING: (usize, Option<Instant>) = (0, None);

pub const FIRST: RuleId = RuleId(0);
pub const SECOND: RuleId = RuleId(1);
