//! A real gRPC client and a real gRPC server: unary calls and streams.

use super::{abort, always, delay};
use crate::log::NUMBER;
use crate::seen::Side;
use crate::stage::Setup;
use crate::trial::Plan;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::grpc::{Called, Client};

const PATH: &str = "/shop.v1.Cart/Add";
const MESSAGES: [&[u8]; 3] = [b"one", b"", b"three"];

pub fn all() -> Vec<Plan> {
    let by_header = || {
        json!({
            "delay": { "header_delay": {}, "percentage": always() },
            "abort": { "header_abort": {}, "percentage": always() },
        })
    };
    let unavailable = json!({ "abort": { "grpc_status": 14, "percentage": always() } });
    let both = json!({ "delay": delay(), "abort": { "grpc_status": 4, "percentage": always() } });
    vec![
        calls("grpc_calls_without_a_fault", json!({}), &[], None, false),
        calls("grpc_calls_delayed", json!({ "delay": delay() }), &[], None, true),
        calls("grpc_calls_aborted", unavailable, &[], Some(14), false),
        calls("grpc_calls_aborted_with_an_http_status", json!({ "abort": abort(404) }), &[], Some(12), false),
        calls("grpc_calls_delayed_and_aborted", both, &[], Some(4), true),
        calls(
            "grpc_calls_aborted_by_metadata",
            by_header(),
            &[("x-envoy-fault-abort-grpc-request", "7"), ("x-envoy-fault-delay-request", "40")],
            Some(7),
            true,
        ),
        calls(
            "grpc_calls_of_another_method",
            json!({
                "headers": [{ "name": ":path", "string_match": { "exact": "/shop.v1.Cart/Remove" } }],
                "abort": abort(503),
            }),
            &[],
            None,
            false,
        ),
    ]
}

/// A unary call and a stream on one connection, under both filters.
fn calls(
    name: &'static str,
    fault: Value,
    metadata: &'static [(&'static str, &'static str)],
    status: Option<i32>,
    delayed: bool,
) -> Plan {
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let expected = |messages: &[&[u8]]| match status {
                Some(status) => Called { messages: Vec::new(), status, message: "fault filter abort".into() },
                None => Called {
                    messages: messages.iter().map(|message| message.to_vec()).collect(),
                    status: 0,
                    message: String::new(),
                },
            };
            for side in Side::BOTH {
                let first = stage.numbers(2);
                let numbers = [first, first + 1].map(|number| number.to_string());
                let mut client = Client::connect(pair.address(side)).await;
                let metadata = |number| {
                    metadata.iter().copied().chain([(NUMBER, number)]).collect::<Vec<(&'static str, &str)>>()
                };
                let begin = Instant::now();
                let unary = client.unary(PATH, b"one", &metadata(&numbers[0])).await;
                assert_eq!(unary, expected(&[b"one"]), "{side:?}");
                let streamed = client.streaming(PATH, &MESSAGES, &metadata(&numbers[1])).await;
                assert_eq!(streamed, expected(&MESSAGES), "{side:?}");
                // Two delays of 40 ms. The native filter's timers may be early, see `pair::SHORTEST`.
                let earliest = Duration::from_millis(if side == Side::Native { 60 } else { 80 });
                let took = begin.elapsed();
                assert!(!delayed || took >= earliest, "{side:?} {took:?}");
                for entry in stage.log(side).entries_from(first, 2).await {
                    assert_eq!(entry.faults(side), (delayed, status.is_some()), "{side:?}");
                }
            }
            pair.end().await;
        })
    })
}
