//! A generated request with some of what configurations match on.

use super::aim::aim;
use super::chance::Chance;
use super::values::{DELAYS, GRPC_STATUSES, NODES, NUMBERS, NUMERATORS, STATUSES, TEXTS};
use http::Method;
use serde_json::Value;
use support::client::{Protocol, Request};
use support::envoy::version;

/// Generates a request to a path; half of them aim at the configuration there. It is a gRPC request if that answers
/// with a gRPC status: what a plain request gets then is a separate documented difference.
pub fn request(path: &str, fault: &Value, chance: &mut Chance) -> (Request, Protocol) {
    // Over HTTP/1 these are a documented difference of their own.
    let is_bad_request = [3, 9, 11].map(Value::from).contains(&fault["abort"]["grpc_status"]);
    let must_be_grpc = fault["abort"].get("grpc_status").is_some();
    let path = format!("{path}{}", chance.one_of(&["", "?q=a", "/deeper?a=b"]));
    let grpc = must_be_grpc || chance.percent(25);
    let mut request = if grpc {
        let kind = *chance.one_of(&["application/grpc", "application/grpc+proto"]);
        Request::post(&path, "12345").header("content-type", kind).header("te", "trailers")
    } else {
        plain(&path, chance)
    };
    if chance.percent(60) {
        request = aim(request, fault);
    }
    let aimed = request.headers.clone();
    for (name, values) in [("x-a", &TEXTS[..]), ("x-b", &TEXTS[..]), ("x-n", &NUMBERS[..])] {
        for _ in 0..repetitions(chance) {
            let value = chance.one_of(values);
            if !aimed.contains_key(name) {
                request = request.header(name, value);
            }
        }
    }
    if version() >= (1, 39) && chance.percent(5) {
        request = request.header("x-a", [b'a', 0xff]);
    }
    if !aimed.contains_key("x-envoy-downstream-service-node") && chance.percent(40) {
        request = request.header("x-envoy-downstream-service-node", chance.one_of(&NODES));
    }
    if chance.percent(10) {
        request = request.header("user-agent", chance.one_of(&["kube-probe/1.33", "Envoy/HC", "curl/8"]));
    }
    if chance.percent(10) {
        request = request.authority("backend.example:8080");
    }
    let request = asking(request, grpc, chance);
    let protocol = *chance.one_of(&[Protocol::Http1, Protocol::Http2]);
    (request, if is_bad_request { Protocol::Http2 } else { protocol })
}

fn plain(path: &str, chance: &mut Chance) -> Request {
    match chance.below(6) {
        0 => Request::new(Method::HEAD, path),
        1 => Request::post(path, "a body"),
        2 => Request::new(Method::PUT, path),
        _ => Request::get(path),
    }
}

/// Envoy before 1.39 joins repeated values before matching them: a separate documented difference.
fn repetitions(chance: &mut Chance) -> usize {
    let repetitions = *chance.one_of(&[0, 0, 1, 1, 1, 2]);
    if version() >= (1, 39) { repetitions } else { repetitions.min(1) }
}

/// With the headers that ask for faults. What a plain request gets that asks for a gRPC status is a difference of its
/// own.
fn asking(mut request: Request, grpc: bool, chance: &mut Chance) -> Request {
    let headers = [
        ("x-envoy-fault-delay-request", &DELAYS[..], 60),
        ("x-envoy-fault-abort-request", &STATUSES[..], 60),
        ("x-envoy-fault-abort-grpc-request", &GRPC_STATUSES[..], if grpc { 50 } else { 0 }),
        ("x-envoy-fault-delay-request-percentage", &NUMERATORS[..], 25),
        ("x-envoy-fault-abort-request-percentage", &NUMERATORS[..], 25),
    ];
    for (name, values, percent) in headers {
        if chance.percent(percent) {
            request = request.header(name, chance.one_of(values));
            if chance.percent(10) {
                request = request.header(name, chance.one_of(values));
            }
        }
    }
    request
}
