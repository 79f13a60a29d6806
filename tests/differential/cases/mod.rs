//! The named cases: those from Envoy's own tests of its filter, and others that those tests lack.

mod abort;
mod configuration;
mod counting;
mod delay;
mod differences;
mod grpc;
mod header_control;
mod matching;
mod placement;
mod raw;
mod share;
mod throttle;

use crate::expected::Expected;
use crate::pair::Pair;
use crate::seen::Both;
use crate::stage::Setup;
use crate::trial::Plan;
use serde_json::{Value, json};
use support::client::{Protocol, Request};

/// Returns the named cases of all modules.
pub fn all() -> Vec<Plan> {
    let mut plans = Vec::new();
    plans.extend(abort::all());
    plans.extend(configuration::all());
    plans.extend(counting::all());
    plans.extend(delay::all());
    plans.extend(differences::all());
    plans.extend(grpc::all());
    plans.extend(header_control::all());
    plans.extend(matching::all());
    plans.extend(placement::all());
    plans.extend(raw::all());
    plans.extend(share::all());
    plans.extend(throttle::all());
    plans
}

/// The protocols that each row of a case is sent in.
const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// A case whose requests get the same result from both filters.
fn same(name: &'static str, fault: Value, rows: Vec<(Request, Expected)>) -> Plan {
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let rows = rows.into_iter().map(|(request, expected)| (request, [expected; 2])).collect();
            for both in send_all(&pair, rows).await {
                both.assert_same();
            }
            pair.end().await;
        })
    })
}

/// A case whose requests get different results, as documented: first the native filter's, then ours.
fn different(
    difference: &'static str,
    name: &'static str,
    fault: Value,
    rows: Vec<(Request, [Expected; 2])>,
) -> Plan {
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            for both in send_all(&stage.pair(name), rows).await {
                both.assert_different();
            }
        })
    })
    .asserts(difference)
}

/// Sends each request in each protocol, then waits for all their access log entries.
async fn send_all(pair: &Pair<'_>, rows: Vec<(Request, [Expected; 2])>) -> Vec<Both> {
    let mut sent = Vec::new();
    for (request, expected) in &rows {
        for protocol in PROTOCOLS {
            sent.push((pair.send(request, protocol).await, *expected));
        }
    }
    let mut all = Vec::new();
    for (sent, expected) in sent {
        let both = pair.seen(sent).await;
        both.assert_expected(expected);
        all.push(both);
    }
    all
}

/// Returns the percentage that takes every request: 100 %.
fn always() -> Value {
    json!({ "numerator": 100 })
}

/// An abort of everything with an HTTP status.
fn abort(status: u16) -> Value {
    json!({ "http_status": status, "percentage": always() })
}

/// Returns a delay of 40 ms for every request.
fn delay() -> Value {
    json!({ "fixed_delay": "0.040s", "percentage": always() })
}

/// A `GET` that is routed to the usual cluster.
fn get() -> Request {
    Request::get("/up?a=b")
}

/// A gRPC request without a message.
fn grpc() -> Request {
    let request = Request::new(http::Method::POST, "/up/shop.v1.Cart/Add");
    request.header("content-type", "application/grpc").header("te", "trailers")
}
