//! A scenario against the engine alone, under a clock that only moves when it is advanced.

use super::expected::{Arrived, Expected, Response, add, received_body};
use super::file::{Exchange, Scenario};
use crate::client::Request;
use crate::envoy::{Configuration, Stats};
use brownout_core::engine::event::Event;
use brownout_core::entropy::Sequence;
use brownout_core::id::ExchangeId;
use brownout_core::sim::{Finished, Head, Message, Over, Proxy, UpstreamResponse};
use brownout_core::step::LocalReply;
use brownout_core::time::Instant;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::RequestView as _;
use brownout_core::{Engine, Plan};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

/// Runs a scenario.
///
/// # Panics
/// When anything differs from what the scenario says.
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
    let mut plan = plan;
    let facts = || scenario.requests.iter().flat_map(|exchange| &exchange.facts);
    plan.settle(&|wanted| {
        facts()
            .map(|(fact, value)| fact.property(value))
            .find(|(property, _)| *property == wanted)
            .map(|(_, value)| value)
    });
    let mut world = World::new(plan, scenario.now);
    for group in scenario.groups() {
        let ids: Vec<_> = group.iter().map(|exchange| world.send(exchange)).collect();
        let mut finished = world.finish();
        for (id, exchange) in ids.into_iter().zip(group) {
            let expected = exchange.expect.expected(&exchange.request(), &exchange.answer());
            let seen = seen(exchange, &expected, finished.remove(&id).expect("it ends"));
            assert_eq!(seen, expected, "{}", exchange.send);
        }
    }
    assert_eq!(world.counted(), scenario.counted());
    assert_eq!((world.proxy.engine.active(), world.active), (0, 0));
}

struct World {
    proxy: Proxy<Sequence>,
    requests: u32,
    counters: BTreeMap<String, u64>,
    active: i64,
}

impl World {
    fn new(plan: Plan, wall: Option<Timestamp>) -> Self {
        // A fixed seed: nothing in scenarios depends on chance.
        let engine = Engine::new(plan, Sequence(1));
        // A clock far from zero exposes code that confuses points in time with durations.
        let arrived = Instant(Duration::from_secs(1_000_000));
        let proxy = Proxy::new(engine.arrived(Some(arrived)));
        proxy.clocks.set(arrived);
        proxy.clocks.wall.set(wall);
        Self { proxy, requests: 0, counters: BTreeMap::new(), active: 0 }
    }

    /// Sends a request when its time has come.
    fn send(&mut self, exchange: &Exchange) -> ExchangeId {
        self.requests += 1;
        let id = ExchangeId(self.requests);
        let request = exchange.request();
        let answer = answer(&request, &exchange.answer());
        self.proxy.wait(exchange.after.unwrap_or_default());
        let facts = exchange.facts.iter().map(|(fact, value)| fact.property(value)).collect();
        let head = Head { facts, ..head(&request) };
        self.proxy.send(id, &head, &request.body, &Rc::new(answer));
        id
    }

    /// Lets everything that is under way come to its end.
    fn finish(&mut self) -> BTreeMap<ExchangeId, Finished> {
        while self.proxy.next_release(Instant(Duration::MAX)) {}
        self.count();
        let finished = std::iter::from_fn(|| self.proxy.next_finished());
        finished.map(|finished| (finished.id, finished)).collect()
    }

    fn count(&mut self) {
        while let Some(event) = self.proxy.next_event() {
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
                Event::Stopped(_) => {
                    *self.counters.entry("stopped".into()).or_default() += 1;
                    continue;
                }
                Event::Unpatched(rule) => (rule, "merge_patches_skipped"),
                Event::Delayed(_)
                | Event::Reported { .. }
                | Event::RouteRefused(_)
                | Event::GaveUp
                | Event::CannotHold(_)
                | Event::Expired(_) => {
                    continue;
                }
            };
            let rule = self.proxy.engine.rule_name(rule).unwrap_or_default();
            for name in [counter.to_owned(), format!("rule.{rule}.{counter}")] {
                *self.counters.entry(name).or_default() += 1;
            }
        }
    }

    fn counted(&self) -> Stats {
        self.counters.clone().into_iter().collect()
    }
}

/// Returns what client and upstream see of an exchange.
fn seen(exchange: &Exchange, expected: &Expected, finished: Finished) -> Expected {
    let Finished { began, answered, flow, .. } = finished;
    let request = exchange.request();
    let mut delay = answered.0 - began.0;
    if expected.is_slowed && delay < expected.delay + Duration::from_secs(1) {
        delay = expected.delay;
    }
    let Some(flow) = flow else {
        return super::Outcome::Untouched.expected(&request, &exchange.answer());
    };
    assert_eq!(flow.broken(), None);
    let reached = flow.response.is_some();
    let response = match flow.over() {
        Some(Over::Reset) => None,
        Some(Over::Replied(reply)) => Some(reply_seen(&request, reply)),
        None => flow.response.as_ref().map(|response| response_seen(&request, response)),
    };
    let arrived = reached.then(|| arrived(&flow.request).beside(expected.request.as_ref()));
    Expected { response, request: arrived, delay, is_slowed: expected.is_slowed }
}

/// Returns what a client sees of a reply that Envoy makes for us.
fn reply_seen(request: &Request, reply: &LocalReply) -> Response {
    let LocalReply { status, grpc_status, headers, body, details } = reply;
    assert!(matches!(*details, "brownout_abort" | "brownout_response"), "{details}");
    let body = text(body);
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let (status, body) = if head(request).is_grpc() {
        let code = grpc_status.map_or_else(|| grpc_code(*status), |given| given.code());
        all.insert("content-type".into(), "application/grpc".into());
        all.insert("grpc-status".into(), code.to_string());
        all.insert("grpc-message".into(), body);
        (200, String::new())
    } else {
        all.insert("content-type".into(), "text/plain".into());
        (*status, body)
    };
    if !body.is_empty() {
        all.insert("content-length".into(), body.len().to_string());
    }
    all.extend(headers.iter().map(|(name, value)| (name.clone(), text(value))));
    Response { status, headers: all, body: received_body(request, &body) }
}

/// Returns what a client sees of the upstream's response.
fn response_seen(request: &Request, response: &Message) -> Response {
    let mut headers = BTreeMap::new();
    for (name, value) in response.headers.iter().filter(|(name, _)| name != ":status") {
        add(&mut headers, name, value);
    }
    let status = response.headers.iter().find(|(name, _)| name == ":status").map(|(_, value)| text(value));
    let status = status.and_then(|status| status.parse().ok()).expect("a status");
    Response { status, headers, body: received_body(request, &text(response.left())) }
}

/// Returns what the upstream sees of the request.
fn arrived(request: &Message) -> Arrived {
    let part =
        |wanted: &str| request.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| text(value));
    let mut headers = BTreeMap::new();
    for (name, value) in &request.headers {
        add(&mut headers, name, value);
    }
    Arrived {
        method: part(":method").expect("a method"),
        path: part(":path").expect("a path"),
        headers,
        body_length: request.left().len(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn head(request: &Request) -> Head {
    let line = [
        (":method", request.method.as_str()),
        (":path", request.path.as_str()),
        (":authority", request.authority.as_str()),
    ];
    let line = line.into_iter().map(|(name, value)| (name, value.as_bytes()));
    let length = request.body.len().to_string();
    let has_body = !request.body.is_empty();
    let length = has_body.then_some(("content-length", length.as_bytes()));
    let own = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Head { has_body, ..Head::new(line.chain(own).chain(length)) }
}

/// The upstream's answer to a request.
fn answer(request: &Request, answer: &crate::upstream::Answer) -> UpstreamResponse {
    let length = answer.body.len().to_string();
    let headers = answer.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let headers = headers.chain([("content-length", length.as_bytes())]);
    let has_body = request.method != http::Method::HEAD && !answer.body.is_empty();
    UpstreamResponse {
        head: Head { has_body, ..Head::response(answer.status, headers) },
        body: answer.body.clone().into_bytes(),
    }
}

/// Returns the gRPC status that Envoy maps an HTTP status to.
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
