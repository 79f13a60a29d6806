//! Faults that the request asks for by headers.

use super::{always, delay, get, grpc, same};
use crate::expected::Expected::{self, Aborted, Delayed, DelayedAborted, Grpc, Passes};
use crate::stage::Setup;
use crate::trial::Plan;
use serde_json::{Value, json};
use support::client::{Protocol, Request};

const DELAY: &str = "x-envoy-fault-delay-request";
const DELAY_PERCENTAGE: &str = "x-envoy-fault-delay-request-percentage";
const ABORT: &str = "x-envoy-fault-abort-request";
const ABORT_GRPC: &str = "x-envoy-fault-abort-grpc-request";
const ABORT_PERCENTAGE: &str = "x-envoy-fault-abort-request-percentage";

fn by_header() -> Value {
    json!({
        "delay": { "header_delay": {}, "percentage": always() },
        "abort": { "header_abort": {}, "percentage": always() },
    })
}

fn values(name: &str, rows: &[(&str, Expected)]) -> Vec<(Request, Expected)> {
    rows.iter().map(|(value, expected)| (get().header(name, value), *expected)).collect()
}

pub fn all() -> Vec<Plan> {
    vec![
        same("header_configuration_and_no_headers", by_header(), vec![(get(), Passes), (grpc(), Passes)]),
        same("header_delay", by_header(), vec![(get().header(DELAY, "40"), Delayed)]),
        same("header_abort", by_header(), vec![(get().header(ABORT, "429"), Aborted(429))]),
        same(
            "header_delay_and_abort",
            by_header(),
            vec![(get().header(DELAY, "40").header(ABORT, "429"), DelayedAborted(429))],
        ),
        same("header_grpc_abort", by_header(), vec![(grpc().header(ABORT_GRPC, "5"), Grpc(5))]),
        same(
            "header_http_status_wins_over_grpc_status",
            by_header(),
            vec![
                (grpc().header(ABORT_GRPC, "5").header(ABORT, "429"), Grpc(14)),
                (get().header(ABORT_GRPC, "5").header(ABORT, "429"), Aborted(429)),
            ],
        ),
        same(
            "header_percentages_of_0",
            by_header(),
            vec![
                (get().header(DELAY, "40").header(DELAY_PERCENTAGE, "0"), Passes),
                (get().header(ABORT, "429").header(ABORT_PERCENTAGE, "0"), Passes),
                (
                    get()
                        .header(DELAY, "40")
                        .header(ABORT, "429")
                        .header(DELAY_PERCENTAGE, "0")
                        .header(ABORT_PERCENTAGE, "0"),
                    Passes,
                ),
                (grpc().header(ABORT_GRPC, "5").header(ABORT_PERCENTAGE, "0"), Passes),
            ],
        ),
        same(
            "header_percentages_of_100",
            by_header(),
            vec![
                (get().header(DELAY, "40").header(DELAY_PERCENTAGE, "100"), Delayed),
                (get().header(ABORT, "429").header(ABORT_PERCENTAGE, "100"), Aborted(429)),
                (grpc().header(ABORT_GRPC, "5").header(ABORT_PERCENTAGE, "1000"), Grpc(5)),
            ],
        ),
        same(
            "header_status_that_is_none_falls_through_to_grpc",
            by_header(),
            ["199", "600", "429.0", "abc", "", "-429", "0x1ad"]
                .into_iter()
                .flat_map(|value| {
                    let request = grpc().header(ABORT, value);
                    [(request.clone(), Passes), (request.header(ABORT_GRPC, "7"), Grpc(7))]
                })
                .collect(),
        ),
        same(
            "header_status_with_a_plus",
            by_header(),
            values(
                ABORT,
                &[("+429", Aborted(429)), ("0429", Aborted(429)), ("4 29", Passes), ("++429", Passes)],
            ),
        ),
        spaces(),
        same(
            "header_delay_that_is_none",
            by_header(),
            values(
                DELAY,
                &[("0", Passes), ("bad", Passes), ("-5", Passes), ("1.5", Passes), ("0050", Delayed)],
            ),
        ),
        same(
            "header_percentage_that_is_none_leaves_the_configured_one",
            by_header(),
            ["abc", "-1", "1.5", "", "100%", "18446744073709551616"]
                .into_iter()
                .flat_map(|value| {
                    [
                        (get().header(ABORT, "429").header(ABORT_PERCENTAGE, value), Aborted(429)),
                        (get().header(DELAY, "40").header(DELAY_PERCENTAGE, value), Delayed),
                    ]
                })
                .collect(),
        ),
        same("header_percentage_cannot_raise_a_configured_0", lowered(json!({ "numerator": 0 })), raised()),
        same("header_percentage_cannot_raise_one_left_out", lowered(Value::Null), raised()),
        same(
            "header_first_value_counts",
            by_header(),
            vec![
                (get().header(ABORT, "429").header(ABORT, "503"), Aborted(429)),
                (get().header(ABORT, "bad").header(ABORT, "503"), Passes),
                (
                    get().header(ABORT, "429").header(ABORT_PERCENTAGE, "0").header(ABORT_PERCENTAGE, "100"),
                    Passes,
                ),
            ],
        ),
        same(
            "headers_without_header_configuration",
            json!({ "delay": delay() }),
            vec![
                (get().header(ABORT, "429"), Delayed),
                (get().header(DELAY, "0").header(DELAY_PERCENTAGE, "0"), Delayed),
            ],
        ),
    ]
}

/// Only in HTTP/1.1: spaces around a value are no part of it there, and forbidden in HTTP/2.
fn spaces() -> Plan {
    let name = "header_status_with_spaces";
    Plan::new(name, vec![Setup::new(name, by_header())], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for value in [" 429", "429 ", " 429 "] {
                pair.same(&get().header(ABORT, value), Protocol::Http1, Aborted(429)).await;
            }
            pair.end().await;
        })
    })
}

fn lowered(percentage: Value) -> Value {
    let mut fault = by_header();
    for kind in ["delay", "abort"] {
        fault[kind]["percentage"] = percentage.clone();
        if percentage.is_null() {
            fault[kind].as_object_mut().expect("an object").remove("percentage");
        }
    }
    fault
}

fn raised() -> Vec<(Request, Expected)> {
    vec![
        (get().header(DELAY, "40").header(DELAY_PERCENTAGE, "100"), Passes),
        (get().header(ABORT, "429").header(ABORT_PERCENTAGE, "100"), Passes),
    ]
}
