//! A scenario against the engine alone, under a clock that stands still unless it is put forward.

use super::expected::{Expected, received_body};
use super::file::{Exchange, Scenario};
use crate::client::Request;
use crate::envoy::{Configuration, Stats};
use brownout_core::engine::event::Event;
use brownout_core::entropy::Entropy;
use brownout_core::id::{Direction, ExchangeId};
use brownout_core::step::{HeaderChange, HeadersStep, LocalReply, Release};
use brownout_core::time::{Clock, Instant};
use brownout_core::view::{RequestView, ResponseView};
use brownout_core::{Engine, Plan};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

/// Runs a scenario.
///
/// # Panics
/// When something else happens than the scenario says.
pub fn simulate(scenario: &Scenario) {
    let text = match scenario.configuration() {
        Configuration::Text(text) => text,
        _ => String::new(),
    };
    let plan = match Plan::from_json(text.as_bytes()) {
        Ok(plan) => plan,
        Err(mistakes) => {
            let mut paths: Vec<_> = mistakes.iter().map(|mistake| mistake.path.to_string()).collect();
            let mut refused = scenario.refused.clone();
            paths.sort();
            refused.sort();
            let lines: Vec<_> = mistakes.iter().map(ToString::to_string).collect();
            assert_eq!(paths, refused, "refused:\n{}", lines.join("\n"));
            return;
        }
    };
    assert_eq!(scenario.refused, [] as [String; 0], "the document is not refused");
    let mut world = World::new(plan);
    for exchange in &scenario.requests {
        for _ in 0..exchange.times {
            let expected = exchange.expect.expected(&exchange.request(), &exchange.answer());
            assert_eq!(world.run(exchange), expected, "{}", exchange.send);
        }
    }
    assert_eq!(world.counted(), scenario.counted());
    assert_eq!((world.engine.active(), world.active), (0, 0));
}

struct World {
    engine: Engine<SplitMix>,
    now: Cell<Duration>,
    requests: u32,
    counters: BTreeMap<String, u64>,
    active: i64,
}

impl World {
    fn new(plan: Plan) -> Self {
        let engine = Engine::new(plan, SplitMix(1));
        // Deadlines far from the origin show a confusion of points in time with durations.
        let now = Cell::new(Duration::from_secs(1_000_000));
        Self { engine, now, requests: 0, counters: BTreeMap::new(), active: 0 }
    }

    /// One request, until it is answered.
    fn run(&mut self, exchange: &Exchange) -> Expected {
        self.requests += 1;
        let id = ExchangeId(self.requests);
        let request = exchange.request();
        let begin = self.now.get();
        let step = self.engine.on_request_headers(id, &View::of(&request), &Watch(&self.now));
        let reply = match step {
            HeadersStep::Continue => None,
            HeadersStep::Reply(reply) => Some(reply),
            HeadersStep::Hold(changes) => {
                assert_eq!(changes, []);
                match self.wait(id) {
                    Release::Resume(Direction::Request) => None,
                    Release::Reply(_, reply) => Some(reply),
                    release => panic!("{release:?} is not simulated"),
                }
            }
            step => panic!("{step:?} is not simulated"),
        };
        let mut seen = match reply {
            Some(reply) => seen(&request, reply),
            None => self.forward(id, exchange, &request),
        };
        seen.delay = self.now.get() - begin;
        self.engine.end(id);
        self.count();
        seen
    }

    /// Puts the clock forward to the moment at which the engine wants to be asked.
    fn wait(&mut self, id: ExchangeId) -> Release {
        let due = self.engine.poll_timeout().expect("something waits");
        let just_before = Instant(due.0 - Duration::from_nanos(1));
        assert_eq!(self.engine.next_due(just_before), None, "released too early");
        self.now.set(due.0);
        let (released, release) = self.engine.next_due(due).expect("something is due");
        assert_eq!(released, id);
        assert_eq!(self.engine.poll_timeout(), None, "nothing else waits");
        release
    }

    fn forward(&mut self, id: ExchangeId, exchange: &Exchange, request: &Request) -> Expected {
        let mut seen = super::Outcome::Untouched.expected(request, &exchange.answer());
        let answer = Answered { status: seen.status, headers: seen.headers.clone() };
        match self.engine.on_response_headers(id, &answer, &Watch(&self.now)) {
            HeadersStep::Continue => {}
            HeadersStep::Forward(changes) => changes.into_iter().for_each(|change| match change {
                HeaderChange::Add(name, value) => {
                    seen.headers.insert(name, text(&value));
                }
                change => panic!("{change:?} is not simulated"),
            }),
            step => panic!("{step:?} is not simulated"),
        }
        seen
    }

    fn count(&mut self) {
        while let Some(event) = self.engine.next_event() {
            let (rule, counter) = match event {
                Event::Matched(rule) => (rule, "matched"),
                Event::Injected(rule) => (rule, "injected"),
                Event::Shadowed(rule) => (rule, "shadowed"),
                Event::Overflow(rule) => (rule, "overflow"),
                Event::Fault { rule, kind } => (rule, kind.counter()),
                Event::Activated => {
                    self.active += 1;
                    continue;
                }
                Event::Released => {
                    self.active -= 1;
                    continue;
                }
                Event::Unpatched(rule) => (rule, "merge_patches_skipped"),
                Event::Delayed(_)
                | Event::Reported { .. }
                | Event::RouteRefused(_)
                | Event::GaveUp
                | Event::Stopped(_)
                | Event::Expired(_) => {
                    continue;
                }
            };
            let rule = self.engine.rule_name(rule).unwrap_or_default();
            for name in [counter.to_owned(), format!("rule.{rule}.{counter}")] {
                *self.counters.entry(name).or_default() += 1;
            }
        }
    }

    fn counted(&self) -> Stats {
        self.counters.clone().into_iter().collect()
    }
}

/// What a client sees of a reply that Envoy makes for us.
fn seen(request: &Request, reply: LocalReply) -> Expected {
    let LocalReply { status, grpc_status, headers, body, details } = reply;
    assert_eq!(details, "brownout_abort");
    let body = text(&body);
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let grpc = View::of(request).is_grpc();
    let (status, body) = if grpc {
        let code = grpc_status.map_or_else(|| grpc_code(status), |given| given.code());
        all.insert("content-type".into(), "application/grpc".into());
        all.insert("grpc-status".into(), code.to_string());
        all.insert("grpc-message".into(), body);
        (200, String::new())
    } else {
        all.insert("content-type".into(), "text/plain".into());
        (status, body)
    };
    if !body.is_empty() {
        all.insert("content-length".into(), body.len().to_string());
    }
    all.extend(headers.into_iter().map(|(name, value)| (name, text(&value))));
    let body = received_body(request, &body);
    Expected { status, headers: all, body, reaches_upstream: false, delay: Duration::ZERO }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The upstream's answer.
struct Answered {
    status: u16,
    headers: BTreeMap<String, String>,
}

impl ResponseView for Answered {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        match name {
            ":status" => Some(test(self.status.to_string().as_bytes())),
            _ => self.headers.get(name).map(|value| test(value.as_bytes())),
        }
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value.as_bytes()));
        true
    }

    fn has_body(&self) -> bool {
        true
    }
}

/// The gRPC status that Envoy makes of an HTTP status.
fn grpc_code(status: u16) -> u8 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

struct View(Vec<(String, Vec<u8>)>);

impl View {
    fn of(request: &Request) -> Self {
        let pseudo = [
            (":method", request.method.as_str()),
            (":path", &request.path),
            (":authority", &request.authority),
        ];
        let pseudo = pseudo.into_iter().map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        let fields =
            request.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        Self(pseudo.chain(fields).collect())
    }
}

impl RequestView for View {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let mut values = self.0.iter().filter(|(given, _)| given == name).peekable();
        values.peek()?;
        Some(values.any(|(_, value)| test(value)))
    }
}

struct Watch<'a>(&'a Cell<Duration>);

impl Clock for Watch<'_> {
    fn now(&self) -> Option<Instant> {
        Some(Instant(self.0.get()))
    }
}

/// A small generator with a fixed seed: scenarios have nothing that depends on chance.
struct SplitMix(u64);

impl Entropy for SplitMix {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
