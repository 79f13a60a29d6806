//! A document in `shadow` counts what it would do in `inject`: with the same draws and the same requests, the counts of
//! each rule are equal, whatever its faults and however it samples.
#![cfg(not(target_family = "wasm"))]

use crate::common;

use brownout_core::Plan;
use brownout_core::engine::event::Event;
use brownout_core::id::Direction;
use brownout_core::sim::{Flow, Message, Progress};
use common::{Head, Move, Proxy, Seeded, at, id, plan};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Every request lies at a time before this.
const LATER: u64 = 1_000_000_000;

fn share() -> impl Strategy<Value = Value> {
    prop_oneof![3 => Just(Value::Null), 2 => (0..=100_u32).prop_map(|share| json!(share))]
}

/// A fault, or none; half of them with a draw of their own.
fn maybe(fault: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let drawn = (fault, share()).prop_map(|(mut fault, share)| {
        if !share.is_null() {
            fault["percentage"] = share;
        }
        fault
    });
    prop_oneof![2 => Just(Value::Null), 1 => drawn].boxed()
}

fn one_of(choices: Value) -> BoxedStrategy<Value> {
    prop::sample::select(choices.as_array().expect("a list").clone()).boxed()
}

fn body() -> BoxedStrategy<Value> {
    one_of(json!([
        { "replace": "other" },
        { "replace": "" },
        { "merge_patch": { "a": 1 } },
        { "truncate_bytes": 3 },
        { "corrupt": { "percentage": 50 } },
    ]))
}

fn delay() -> BoxedStrategy<Value> {
    one_of(json!([
        { "fixed_delay": "20ms" },
        { "uniform": { "min": "1ms", "max": "1s" } },
        { "exponential": { "mean": "5ms" }, "max": "1s" },
        { "percentiles": { "p50": "1ms", "p99": "70ms" } },
        { "header_delay": {} },
    ]))
}

/// Returns how an exchange ends, if it does.
fn ending() -> BoxedStrategy<Value> {
    let none = Just(json!({}));
    let ending = one_of(json!([
        { "abort": { "http_status": 503 } },
        { "abort": { "grpc_status": 14 } },
        { "abort": { "header_abort": {} } },
        { "reset": {} },
        { "hang": { "max": "30ms" } },
    ]));
    prop_oneof![
        3 => none,
        1 => (ending, share()).prop_map(|(mut ending, share)| {
            if !share.is_null() {
                ending.as_object_mut().unwrap().values_mut().for_each(|fault| fault["percentage"] = share.clone());
            }
            ending
        }),
    ]
    .boxed()
}

fn request_change() -> BoxedStrategy<Value> {
    let other = one_of(
        json!([{ "headers": { "set": { "x-set": "1" } } }, { "path": "/other" }, { "method": "PUT" }]),
    );
    prop_oneof![other, body().prop_map(|body| json!({ "body": body }))].boxed()
}

fn response_change() -> BoxedStrategy<Value> {
    let matches = one_of(json!([
        null,
        null,
        { "status": 503 },
        { "status": ["2xx", 404] },
        { "headers": [{ "name": "x-kind", "string_match": { "exact": "a" } }] },
    ]));
    let changes = prop_oneof![
        body().prop_map(|body| json!({ "body": body })),
        delay().prop_map(|delay| json!({ "delay": delay })),
        (share(), delay()).prop_map(|(share, mut delay)| {
            if !share.is_null() {
                delay["percentage"] = share;
            }
            json!({ "delay": delay })
        }),
        one_of(json!([
            { "status": 200 },
            { "status": 418, "headers": { "add": { "x-new": "1" } } },
            { "grpc_status": 13 },
            { "reset": {} },
            { "reset": { "after_bytes": 4 } },
        ])),
    ];
    (matches, changes)
        .prop_map(|(matches, mut change)| {
            if !matches.is_null() {
                change["match"] = matches;
            }
            change
        })
        .boxed()
}

fn rate() -> BoxedStrategy<Value> {
    one_of(json!([{ "fixed_limit": { "limit_kbps": 1 } }, { "header_limit": {} }]))
}

/// Faults of all kinds: at least one.
fn faults() -> BoxedStrategy<Map<String, Value>> {
    let changes = (maybe(request_change()), maybe(delay()), maybe(response_change()));
    let rates = (maybe(rate()), maybe(rate()));
    (changes, rates, ending())
        .prop_map(|((request, delay, response), (up, down), ending)| {
            let mut all: Map<String, Value> = [
                ("request", request),
                ("delay", delay),
                ("request_rate_limit", up),
                ("response", response),
                ("response_rate_limit", down),
            ]
            .into_iter()
            .filter(|(_, fault)| !fault.is_null())
            .map(|(name, fault)| (name.to_owned(), fault))
            .collect();
            all.extend(ending.as_object().unwrap().clone());
            if all.is_empty() {
                all.insert("reset".into(), json!({}));
            }
            all
        })
        .boxed()
}

fn outcomes() -> BoxedStrategy<Map<String, Value>> {
    prop::collection::vec((0..=25_u32, faults()), 1..4)
        .prop_map(|outcomes| {
            let outcomes: Vec<Value> = outcomes
                .into_iter()
                .map(|(share, mut faults)| {
                    faults.insert("percentage".into(), share.into());
                    faults.into()
                })
                .collect();
            Map::from_iter([("outcomes".to_owned(), outcomes.into())])
        })
        .boxed()
}

/// No more than one exchange is under way, so that a place is always free unless there is none at all.
fn limits() -> BoxedStrategy<Value> {
    one_of(json!([
        null,
        null,
        null,
        { "max_active_faults": 0 },
        { "max_active_faults": 1 },
        { "max_faults": 3 },
        { "max_faults_per_second": 2 },
        { "max_percentage": 40 },
        { "max_active_faults": 2, "max_faults": 7, "max_faults_per_second": 3 },
    ]))
}

fn chosen() -> BoxedStrategy<Value> {
    let sample = one_of(json!([
        null,
        null,
        null,
        { "by": { "header": "x-user" } },
        { "by": { "header": "x-user" }, "missing": "random", "salt": "s" },
        { "by": { "query_parameter": "q" } },
        { "every": 3 },
        { "first": 5 },
        { "first": 1, "of": 3 },
    ]));
    let schedule = one_of(json!([
        null,
        null,
        null,
        { "not_before": "2026-11-22T12:00:01Z" },
        { "not_after": "2026-11-22T12:00:02Z" },
        { "ramp_up": "3s" },
        { "on": "300ms", "off": "200ms" },
    ]));
    let limits = limits();
    let matches = one_of(json!([null, null, { "methods": ["GET"] }, { "path": { "prefix": "/a" } }]));
    (sample, schedule, limits, matches, prop_oneof![2 => Just(100), 1 => 0..=100_u32])
        .prop_map(|(sample, schedule, limits, matches, percentage)| {
            let fields = [("sample", sample), ("schedule", schedule), ("limits", limits), ("match", matches)];
            let mut rule: Map<String, Value> =
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            rule.retain(|_, value| !value.is_null());
            rule.insert("percentage".into(), percentage.into());
            rule.into()
        })
        .boxed()
}

/// The rules of a document. Those that are invalid are left out.
fn rules() -> impl Strategy<Value = Vec<Value>> {
    let action = prop_oneof![3 => faults(), 1 => outcomes()];
    prop::collection::vec((chosen(), action), 1..5).prop_map(|rules| {
        let named = rules.into_iter().enumerate().map(|(number, (mut rule, action))| {
            rule["name"] = format!("r{number}").into();
            rule.as_object_mut().unwrap().extend(action);
            rule
        });
        let sound = |rule: &Value| Plan::from_json(json!({ "rules": [rule] }).to_string().as_bytes()).is_ok();
        named.filter(sound).collect()
    })
}

/// A request, and what becomes of it.
#[derive(Debug, Clone)]
struct Exchange {
    request: Head,
    response: Head,
    leaves: Leaves,
    /// Milliseconds since the one before.
    after: u64,
}

/// The moment at which the client leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaves {
    AfterTheEnd,
    WhileTheRequestWaits,
    BeforeTheResponse,
}

fn exchange() -> impl Strategy<Value = Exchange> {
    let method = prop::sample::select(vec!["GET", "GET", "HEAD", "POST"]);
    let path = prop::sample::select(vec!["/", "/a", "/a?q=1", "/b?q=2"]);
    let headers = prop::sample::subsequence(
        vec![
            ("content-type", "application/json"),
            ("content-length", "11"),
            ("x-envoy-fault-delay-request", "5"),
            ("x-envoy-fault-abort-request", "429"),
            ("x-envoy-fault-throughput-response", "8"),
        ],
        0..=5,
    );
    let odd = prop::sample::select(vec![
        None,
        None,
        None,
        Some(("content-type", "application/grpc")),
        Some(("upgrade", "websocket")),
    ]);
    let request = (method, path, headers, odd, prop::option::of(0..4_u32)).prop_map(
        |(method, path, headers, odd, user)| {
            let mut all = vec![(":method", method), (":path", path), (":authority", "shop")];
            all.extend(odd);
            all.extend(headers.into_iter().filter(|(name, _)| odd.is_none_or(|(other, _)| *name != other)));
            let user = user.map(|user| user.to_string());
            all.extend(user.as_deref().map(|user| ("x-user", user)));
            let all: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            common::head(&all)
        },
    );
    let status = prop::sample::select(vec![101_u16, 200, 200, 204, 404, 503]);
    let headers = prop::sample::subsequence(
        vec![("content-type", "application/json"), ("content-length", "11"), ("x-kind", "a")],
        0..=3,
    );
    let response = (status, headers, any::<bool>()).prop_map(|(status, headers, has_body)| Head {
        has_body: has_body && status != 204,
        ..common::response(status, &headers)
    });
    let leaves = prop::sample::select(vec![
        Leaves::AfterTheEnd,
        Leaves::AfterTheEnd,
        Leaves::WhileTheRequestWaits,
        Leaves::BeforeTheResponse,
    ]);
    (request, any::<bool>(), response, leaves, 0..400_u64).prop_map(
        |(request, body, response, leaves, after)| Exchange {
            request: Head { has_body: body, ..request },
            response,
            leaves,
            after,
        },
    )
}

/// What a document has counted: for each rule what matched, what was done or would have been, and what a limit held
/// back.
type Counts = BTreeMap<usize, [u64; 3]>;

struct Run {
    worker: Proxy<Seeded>,
    counts: Counts,
    /// The number of times that something was done to an exchange: 0 in `shadow`.
    touched: usize,
}

impl Run {
    fn new(document: &Value, seed: u64) -> Self {
        let engine =
            brownout_core::Engine::new(plan(&document.to_string()), Seeded(seed)).arrived(Some(at(0)));
        let worker = Proxy::new(engine);
        worker.clocks.wall_at("2026-11-22T12:00:00Z");
        Self { worker, counts: Counts::new(), touched: 0 }
    }

    fn all(mut self, exchanges: &[Exchange]) -> (Counts, usize) {
        let mut now = 0;
        for (number, exchange) in (0..).zip(exchanges) {
            now += exchange.after;
            self.worker.clocks.at(now);
            self.worker.clocks.wall_by(i64::try_from(exchange.after).unwrap() * 1000);
            self.exchange(number, exchange);
            self.worker.end(id(number));
            self.count();
        }
        (self.counts, self.touched)
    }

    /// Runs one exchange. What is held is released at once, whenever it is due, so that the clock shows the same in both
    /// modes.
    fn exchange(&mut self, number: u32, exchange: &Exchange) {
        let Exchange { request, response, leaves, .. } = exchange;
        let message = |head: &Head| {
            Message::new(&head.headers, head.has_body.then(|| b"{\"a\":12345}".to_vec()), false)
        };
        let (engine, clocks) = (&mut self.worker.engine, &self.worker.clocks);
        let mut flow = Flow::begin(id(number), request, message(request), engine, clocks);
        let waits = flow.request.state == Progress::HeadersHeld;
        if !(waits && *leaves == Leaves::WhileTheRequestWaits) {
            self.deliver(&mut flow, Direction::Request);
            if flow.over().is_none() && *leaves != Leaves::BeforeTheResponse {
                let (engine, clocks) = (&mut self.worker.engine, &self.worker.clocks);
                flow.respond(response, message(response), engine, clocks);
                self.deliver(&mut flow, Direction::Response);
            }
        }
        assert_eq!(flow.broken(), None);
        let changed = |message: &Message, head: &Head| {
            message.headers != head.headers || message.is_faithful().is_err()
        };
        let response_changed = flow.response.as_ref().is_some_and(|message| changed(message, response));
        let touched = waits || flow.over().is_some() || changed(&flow.request, request) || response_changed;
        self.touched += usize::from(touched);
    }

    /// Delivers a message in pieces, and releases whatever is held.
    fn deliver(&mut self, flow: &mut Flow, direction: Direction) {
        let (engine, clocks) = (&mut self.worker.engine, &self.worker.clocks);
        loop {
            while let Some((_, release)) = engine.next_due(at(LATER)) {
                self.touched += 1;
                flow.release(release, engine, clocks);
            }
            let done = flow.message(direction).is_none_or(|message| message.done);
            if done || flow.over().is_some() {
                return;
            }
            flow.more(direction, 5, false, engine, clocks);
        }
    }

    fn count(&mut self) {
        while let Some(event) = self.worker.next_event() {
            let (rule, place) = match event {
                Event::Matched(rule) => (rule, 0),
                Event::Injected(rule) | Event::Shadowed(rule) => (rule, 1),
                Event::Overflow(rule) => (rule, 2),
                _ => continue,
            };
            self.counts.entry(rule.0).or_default()[place] += 1;
        }
    }
}

fn both(document: &Value, exchanges: &[Exchange], seed: u64, by_rule: bool) -> [(Counts, usize); 2] {
    let mut shadow = document.clone();
    if by_rule {
        shadow["rules"].as_array_mut().unwrap().iter_mut().for_each(|rule| rule["mode"] = "shadow".into());
    } else {
        shadow["mode"] = "shadow".into();
    }
    [document, &shadow].map(|document| Run::new(document, seed).all(exchanges))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shadow_counts_what_inject_does_and_touches_nothing(
        rules in rules(),
        limits in limits(),
        exchanges in prop::collection::vec(exchange(), 1..40),
        seed: u64,
        by_rule: bool,
    ) {
        let mut document = json!({ "rules": rules });
        if !limits.is_null() {
            document["limits"] = limits;
        }
        let [(injected, _), (shadowed, touched)] = both(&document, &exchanges, seed, by_rule);
        prop_assert_eq!(&injected, &shadowed, "{}", document);
        prop_assert_eq!(touched, 0);
    }
}
