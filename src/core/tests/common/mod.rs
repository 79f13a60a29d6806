//! Test doubles for the engine's host: a clock that tests set, requests made from a list of headers, and draws that are
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
pub use brownout_core::sim::Clocks;
use brownout_core::step::{HeaderChange, HeadersStep, Release};
use brownout_core::time::Instant;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::{RequestView, ResponseView};
use brownout_core::{Diagnostic, Plan};
use std::collections::VecDeque;
use std::time::Duration;

/// A request: names in lower case and values, in order.
#[derive(Debug, Clone, Default)]
pub struct Headers(pub Vec<(String, Vec<u8>)>);

impl Headers {
    pub fn new(headers: &[(&str, &[u8])]) -> Self {
        Self(headers.iter().map(|(name, value)| ((*name).into(), value.to_vec())).collect())
    }

    /// `GET http://shop/` and these headers.
    pub fn get(headers: &[(&str, &str)]) -> Self {
        let line = [(":method", "GET"), (":path", "/"), (":authority", "shop")];
        let all = line.iter().chain(headers);
        Self(all.map(|(name, value)| ((*name).into(), value.as_bytes().to_vec())).collect())
    }
}

impl RequestView for Headers {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let mut values = self.0.iter().filter(|(other, _)| other == name).map(|(_, value)| value).peekable();
        values.peek()?;
        Some(values.any(|value| test(value)))
    }
}

/// Moves clocks.
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

/// A response, as written.
#[derive(Debug, Clone)]
pub struct Response {
    pub headers: Vec<(String, Vec<u8>)>,
    pub has_body: bool,
}

impl Response {
    /// With a body.
    pub fn new(status: u16, headers: &[(&str, &str)]) -> Self {
        let status = (":status".to_owned(), status.to_string().into_bytes());
        let others = headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()));
        Self { headers: std::iter::once(status).chain(others).collect(), has_body: true }
    }

    /// Returns a response with no special properties.
    pub fn ok() -> Self {
        Self::new(200, &[])
    }

    /// Without a body.
    pub fn empty(status: u16, headers: &[(&str, &str)]) -> Self {
        Self { has_body: false, ..Self::new(status, headers) }
    }
}

impl ResponseView for Response {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name).peekable();
        values.peek()?;
        Some(values.any(|(_, value)| test(value)))
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value));
        true
    }

    fn has_body(&self) -> bool {
        self.has_body
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

/// Returns what is said about a `match` that is wrong, without the way to it.
pub fn about_match(predicate: &str) -> Vec<String> {
    without("rules[0].match.", mistakes(matching(predicate)))
}

/// Returns what is said about faults that are wrong, without the way to them.
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

/// Returns what is said about a rule whose fields are wrong, without the way to it.
pub fn about_rule(fields: &str) -> Vec<String> {
    without("rules[0].", mistakes(taking(fields)))
}

/// The engine and the clock that it is asked with.
#[derive(Debug)]
pub struct Worker<E> {
    pub engine: Engine<E>,
    pub clock: Clocks,
}

impl Worker<Scripted> {
    /// For a document whose shares are all certain, or with draws as written.
    pub fn new(document: &str, draws: &[u64]) -> Self {
        Self { engine: Engine::new(plan(document), Scripted::new(draws)), clock: Clocks::default() }
    }
}

impl Worker<Seeded> {
    /// With draws that follow from a seed.
    pub fn seeded(document: &str, seed: u64) -> Self {
        Self { engine: Engine::new(plan(document), Seeded(seed)), clock: Clocks::default() }
    }
}

impl<E: Entropy> Worker<E> {
    pub fn request(&mut self, number: u32, request: &dyn RequestView) -> HeadersStep {
        self.engine.on_request_headers(id(number), request, &self.clock)
    }

    /// The status of the reply that a request gets: 0 if it gets none.
    #[track_caller]
    pub fn status(&mut self, request: &dyn RequestView) -> u16 {
        match self.request(0, request) {
            HeadersStep::Continue => 0,
            HeadersStep::Reply(reply) => reply.status,
            step => panic!("{step:?}"),
        }
    }

    /// The headers of a plain response arrive.
    pub fn response(&mut self, number: u32) -> HeadersStep {
        self.engine.on_response_headers(id(number), &Response::ok(), &self.clock)
    }

    /// Whatever is due at a time, in order.
    pub fn due(&mut self, milliseconds: u64) -> Vec<(u32, Release)> {
        std::iter::from_fn(|| self.engine.next_due(at(milliseconds))).map(|(id, step)| (id.0, step)).collect()
    }

    /// Returns what has happened, as far as counters and gauges go.
    pub fn events(&mut self) -> Vec<Event> {
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
        std::iter::from_fn(|| self.engine.next_event()).filter(counted).collect()
    }

    /// Returns what is left behind: the number of exchanges held, and when the engine is due next.
    pub fn rest(&self) -> (usize, Option<Instant>) {
        (self.engine.active(), self.engine.poll_timeout())
    }
}

/// Nothing held, nothing waited for.
pub const NOTHING: (usize, Option<Instant>) = (0, None);

pub const FIRST: RuleId = RuleId(0);
pub const SECOND: RuleId = RuleId(1);
