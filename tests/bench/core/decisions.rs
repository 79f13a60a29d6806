//! Decisions of the core, natively and without a host: what a request costs when host calls are free, and what it takes
//! to check a document.

#[path = "../documents.rs"]
mod documents;

use brownout_core::engine::Engine;
use brownout_core::entropy::Entropy;
use brownout_core::id::ExchangeId;
use brownout_core::time::{Clock, Instant};
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::RequestView;
use brownout_core::{Plan, step::HeadersStep};
use criterion::{Criterion, criterion_group, criterion_main};
use serde_json::{Value, json};
use std::hint::black_box;
use std::time::Duration;

const HEADERS: [(&str, &str); 5] = [
    (":method", "GET"),
    (":path", "/direct"),
    (":authority", "shop.example"),
    ("user-agent", "bench/1.0"),
    ("x-user", "bob"),
];

struct Request;

impl RequestView for Request {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let (_, value) = HEADERS.iter().find(|(given, _)| *given == name)?;
        Some(test(value.as_bytes()))
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Option<Instant> {
        Some(Instant(Duration::from_secs(1)))
    }

    fn wall(&self) -> Option<Timestamp> {
        None
    }
}

/// Entropy that always draws the middle value.
struct Fixed;

impl Entropy for Fixed {
    fn next_u64(&mut self) -> u64 {
        u64::MAX / 2
    }
}

fn plan(document: &Value) -> Plan {
    Plan::from_json(document.to_string().as_bytes()).expect("a good document")
}

/// Runs a request from its headers to its end, with everything that the engine must be told about it.
fn decide(engine: &mut Engine<Fixed>) -> HeadersStep {
    let id = ExchangeId(1);
    let step = engine.on_request_headers(id, &Request, &Still);
    while engine.next_event().is_some() {}
    engine.end(id);
    while engine.next_event().is_some() {}
    step
}

fn decisions(criterion: &mut Criterion) {
    let abort = documents::always(json!({ "abort": { "http_status": 503 } }));
    for (name, document) in [
        ("no rules", documents::no_rules()),
        ("mode off", documents::off()),
        ("one header rule", documents::one_header()),
        ("100 rules", documents::many(100)),
        ("1,000 rules", documents::many(1000)),
        ("10,000 rules", documents::many(10_000)),
        ("shadow", documents::matched("shadow", 100)),
        ("inject at 0 %", documents::matched("inject", 0)),
        ("abort", abort),
        ("delay", documents::always(json!({ "delay": { "fixed_delay": "100ms" } }))),
    ] {
        let mut engine = Engine::new(plan(&document), Fixed).arrived(Still.now());
        criterion.bench_function(&format!("decide/{name}"), |bencher| {
            bencher.iter(|| black_box(decide(&mut engine)));
        });
    }
}

fn documents_checked(criterion: &mut Criterion) {
    for count in [1, 100, 1000] {
        let text = documents::many(count).to_string();
        criterion.bench_function(&format!("check/{count} rules"), |bencher| {
            bencher.iter(|| Plan::from_json(black_box(text.as_bytes())));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
    targets = decisions, documents_checked
}
criterion_main!(benches);
