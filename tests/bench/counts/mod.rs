//! Counts the instructions that the module executes: the number is the same on every machine, for the same sources and
//! compiler. Host calls are counted separately, since each costs as much as hundreds of instructions.

mod host;

use crate::{documents, empty};
use host::{Cost, Guest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use support::repository;

/// The context of the plugin, and the first of its requests.
const ROOT: i32 = 1;
const FIRST: i32 = 2;
/// The number of requests to average over, so that a table that happens to grow does not distort the result.
const REQUESTS: i32 = 100;

const HEADERS: [(&str, &str); 11] = [
    (":authority", "shop.example"),
    (":path", "/direct"),
    (":method", "GET"),
    (":scheme", "http"),
    ("user-agent", "bench/1.0"),
    ("accept", "*/*"),
    ("accept-encoding", "gzip"),
    ("x-user", "bob"),
    ("cookie", "session=0123456789abcdef"),
    ("x-forwarded-proto", "http"),
    ("x-request-id", "4b5a9b3e-7f1c-4f0e-9f57-1f9f2c7d8e10"),
];

/// The cost of a case: of one request, unless the case's name says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Count {
    /// WebAssembly instructions, as counted by the interpreter's fuel.
    pub instructions: u64,
    pub host_calls: f64,
}

/// The counts of all cases, by the name of the case.
pub type Counts = BTreeMap<String, Count>;

pub fn all() -> Counts {
    let module = repository::module();
    let mut counts = Counts::new();
    let mut note = |case: &str, count: Count| {
        counts.insert(case.into(), count);
    };
    note("empty module of the SDK", request(&mut configured(&empty::path(), &Value::Null), pass));
    let delay = documents::always(json!({ "delay": { "fixed_delay": "100ms" } }));
    let abort = documents::always(json!({ "abort": { "http_status": 503 } }));
    for (case, document, each) in [
        ("no rules", documents::no_rules(), pass as fn(&mut Guest, i32)),
        ("mode off", documents::off(), pass),
        ("one header rule", documents::one_header(), pass),
        ("100 rules", documents::many(100), pass),
        ("1,000 rules", documents::many(1000), pass),
        ("10,000 rules", documents::many(10_000), pass),
        ("one header rule, body in 16 pieces", documents::one_header(), pass_with_body),
        ("shadow", documents::matched("shadow", 100), pass),
        ("inject at 0 %", documents::matched("inject", 0), pass),
        ("abort", abort, pass),
        ("delay", delay, hold),
    ] {
        note(case, request(&mut configured(&module, &document), each));
    }
    note("1,000 patterns, a header of 50 KB", hostile(&module));
    note("a document of 1,000 rules, once", configuring(&module, &documents::many(1000)));
    counts
}

/// Counts the worst request that a client can send to the worst document that is allowed: the cost is bounded.
fn hostile(module: &Path) -> Count {
    let rules: Vec<Value> = (0..1000)
        .map(|number| {
            let matcher = json!({ "name": "x-long", "string_match": { "safe_regex": format!("(.*a)*{number}b") } });
            json!({ "name": format!("r{number}"), "percentage": 100, "match": { "headers": [matcher] }, "reset": {} })
        })
        .collect();
    let document = json!({ "rules": rules });
    let long = "a".repeat(50_000);
    let headers: Vec<(&str, &str)> = HEADERS.into_iter().chain([("x-long", long.as_str())]).collect();
    let mut guest = start(module, &document, &headers);
    configure(&mut guest, &document);
    request(&mut guest, pass)
}

/// Returns the memory, in bytes, of our module with a document and of the SDK's empty module, after some requests.
pub fn memory(document: &Value) -> (usize, usize) {
    let of = |module: &Path, document: &Value| {
        let mut guest = configured(module, document);
        (FIRST..FIRST + REQUESTS).for_each(|id| pass(&mut guest, id));
        guest.memory()
    };
    (of(&repository::module(), document), of(&empty::path(), &Value::Null))
}

/// Loads a module and gives it a document; [`Value::Null`] means none.
fn configured(module: &Path, document: &Value) -> Guest {
    let mut guest = started(module, document);
    configure(&mut guest, document);
    guest
}

fn started(module: &Path, document: &Value) -> Guest {
    start(module, document, &HEADERS)
}

fn start(module: &Path, document: &Value, headers: &[(&str, &str)]) -> Guest {
    let text = if document.is_null() { String::new() } else { document.to_string() };
    let mut guest = Guest::load(module, &text, headers);
    guest.call("_initialize", &[]);
    guest.call("proxy_on_context_create", &[ROOT, 0]);
    guest.call("proxy_on_vm_start", &[ROOT, 0]);
    guest
}

fn configure(guest: &mut Guest, document: &Value) {
    let size = i32::try_from(document.to_string().len()).expect("a megabyte at most");
    assert_eq!(guest.call("proxy_on_configure", &[ROOT, size]), 1, "refused: {document}");
    guest.wait(1);
    guest.call("proxy_on_tick", &[ROOT]);
}

fn configuring(module: &Path, document: &Value) -> Count {
    let mut guest = started(module, document);
    let cost = guest.cost(|guest| configure(guest, document));
    count(cost, 1)
}

/// Returns the average cost of a request.
fn request(guest: &mut Guest, each: fn(&mut Guest, i32)) -> Count {
    let warm = FIRST + REQUESTS;
    (FIRST..warm).for_each(|id| each(guest, id));
    let cost = guest.cost(|guest| (warm..warm + REQUESTS).for_each(|id| each(guest, id)));
    count(cost, REQUESTS.unsigned_abs().into())
}

fn count(cost: Cost, times: u64) -> Count {
    Count { instructions: cost.instructions / times, host_calls: cost.calls as f64 / times as f64 }
}

/// The life of a request that Envoy answers without a body.
fn pass(guest: &mut Guest, id: i32) {
    begin(guest, id, true);
    end(guest, id);
}

/// The same with a body both ways.
fn pass_with_body(guest: &mut Guest, id: i32) {
    begin(guest, id, false);
    for piece in 1..=16 {
        guest.call("proxy_on_request_body", &[id, 16 * 1024, i32::from(piece == 16)]);
    }
    for piece in 1..=16 {
        guest.call("proxy_on_response_body", &[id, 16 * 1024, i32::from(piece == 16)]);
    }
    end(guest, id);
}

/// The life of a request that is held until the tick.
fn hold(guest: &mut Guest, id: i32) {
    begin(guest, id, true);
    guest.wait(100);
    guest.call("proxy_on_tick", &[ROOT]);
    end(guest, id);
}

fn begin(guest: &mut Guest, id: i32, ends: bool) {
    guest.call("proxy_on_context_create", &[id, ROOT]);
    guest
        .call("proxy_on_request_headers", &[id, i32::try_from(HEADERS.len()).expect("few"), i32::from(ends)]);
}

fn end(guest: &mut Guest, id: i32) {
    guest.call("proxy_on_response_headers", &[id, 2, 1]);
    guest.call("proxy_on_log", &[id]);
    guest.call("proxy_on_done", &[id]);
    guest.call("proxy_on_delete", &[id]);
}
