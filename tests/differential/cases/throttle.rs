//! Throttled responses. This suite does not test how evenly they flow.

use super::{abort, always, delay, get};
use crate::expected::Expected::{self, Aborted, Delayed, Passes};
use crate::pair::{Counts, Pair};
use crate::seen::Side;
use crate::stage::Setup;
use crate::trial::Plan;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::upstream::{Answer, Stream};

/// A body length that takes a tenth of a second at [`RATE`].
const LENGTH: usize = 10 * 1024;
/// The rate of the throttle, in KiB a second.
const RATE: u64 = 100;
const TIME: Duration = Duration::from_millis(100);
/// The native filter sends the first 50 ms worth at once, and its timers are a little early.
const SHORTEST: [Duration; 2] = [Duration::from_millis(40), TIME];

pub fn all() -> Vec<Plan> {
    vec![
        throttle(
            "throttle_takes_its_time",
            throttled(always()),
            vec![
                (asking(get()), Passes, true),
                (asking(Request::post("/up", "body")), Passes, true),
                (asking(Request::get("/other")), Passes, true),
            ],
        ),
        throttle(
            "throttle_percentage_of_0",
            throttled(json!({ "numerator": 0 })),
            vec![(asking(get()), Passes, false)],
        ),
        throttle(
            "throttle_with_a_delay",
            json!({ "response_rate_limit": limit(always()), "delay": delay() }),
            vec![(asking(get()), Delayed, true)],
        ),
        throttle("throttle_holds_trailers", throttled(always()), vec![(with_trailers(), Passes, true)]),
        throttle("header_throttle", by_header(), by_header_rows()),
        uncounted(
            "throttle_of_an_abort",
            json!({ "response_rate_limit": limit(always()), "abort": abort(503) }),
            vec![(asking(get()), Aborted(503))],
        ),
        uncounted(
            "throttle_of_no_body",
            throttled(always()),
            vec![(asking(Request::new(Method::HEAD, "/up")), Passes)],
        ),
        overflow(),
        flow(),
        client_that_leaves(),
    ]
}

fn limit(percentage: Value) -> Value {
    json!({ "fixed_limit": { "limit_kbps": RATE }, "percentage": percentage })
}

fn throttled(percentage: Value) -> Value {
    json!({ "response_rate_limit": limit(percentage) })
}

fn by_header() -> Value {
    json!({ "response_rate_limit": { "header_limit": {}, "percentage": always() } })
}

fn asking(request: Request) -> Request {
    let answer = Answer { length: Some(LENGTH), echo: true, ..Answer::default() };
    request.header(Answer::HEADER, answer.to_header())
}

fn with_trailers() -> Request {
    let stream = Some(Stream { pieces: 4, bytes: LENGTH / 4, every_ms: 0 });
    let trailers = [("x-end".to_owned(), "1".to_owned())].into();
    let answer = Answer { stream, trailers, echo: true, ..Answer::default() };
    Request::get("/other").header(Answer::HEADER, answer.to_header())
}

fn by_header_rows() -> Vec<(Request, Expected, bool)> {
    let rate = |value: &str| asking(get()).header("x-envoy-fault-throughput-response", value);
    let share = |value: &str| rate("100").header("x-envoy-fault-throughput-response-percentage", value);
    vec![
        (asking(get()), Passes, false),
        (rate("100"), Passes, true),
        (rate("0"), Passes, false),
        (rate("fast"), Passes, false),
        (rate(""), Passes, false),
        (share("0"), Passes, false),
        (share("100"), Passes, true),
        (share("some"), Passes, true),
    ]
}

/// A case in which both filters throttle some of the requests, and both count it.
fn throttle(name: &'static str, fault: Value, rows: Vec<(Request, Expected, bool)>) -> Plan {
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let mut slow = 0;
            for (request, expected, slows) in rows {
                for protocol in super::PROTOCOLS {
                    let both = pair.same(&request, protocol, expected).await;
                    let right = |(took, shortest): (Duration, Duration)| !slows || took >= shortest;
                    assert!(both.took.into_iter().zip(SHORTEST).all(right), "{}: {:?}", both.what, both.took);
                    slow += u64::from(slows);
                    assert_eq!(pair.throttles().await, [slow, slow], "{}", both.what);
                }
            }
            pair.end().await;
        })
    })
}

/// A case of requests that the native filter counts as throttled and ours does not.
fn uncounted(name: &'static str, fault: Value, rows: Vec<(Request, Expected)>) -> Plan {
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for (request, expected) in &rows {
                for protocol in super::PROTOCOLS {
                    pair.same(request, protocol, *expected).await;
                }
            }
            assert_eq!(pair.throttles().await, [2, 0]);
            pair.end().await;
        })
    })
    .asserts("throttles_of_nothing")
}

fn overflow() -> Plan {
    let name = "throttle_without_a_place";
    let fault = json!({ "max_active_faults": 0, "response_rate_limit": limit(always()) });
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            pair.same(&asking(get()), Protocol::Http1, Passes).await;
            assert_eq!(pair.end().await, Counts { delays: 0, aborts: 0, overflow: 1 });
            assert_eq!(pair.throttles().await, [0, 0]);
        })
    })
}

/// A body that has arrived in full: the native filter sends it bit by bit, ours all at once when its time is up.
fn flow() -> Plan {
    let name = "throttle_flow";
    // Slow enough to tell apart from lateness on a busy machine.
    const WHOLE: Duration = Duration::from_secs(2);
    let mut fault = throttled(always());
    fault["response_rate_limit"]["fixed_limit"]["limit_kbps"] = json!(LENGTH as u64 / 1024 / WHOLE.as_secs());
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let mut first = Vec::new();
            for side in Side::BOTH {
                let mut connection = Connection::open(Protocol::Http1, pair.address(side)).await;
                let reply = connection.send(asking(get())).await.expect("a reply");
                first.push(reply.pieces[0].after - reply.headers_after);
            }
            // The headers of both leave at once.
            assert!(first[0] < WHOLE / 2 && first[1] > WHOLE / 2, "{first:?}");
            pair.end().await;
        })
    })
    .asserts("flow_of_throttles")
}

/// A throttled response keeps its place until it ends, and frees it when the client leaves.
fn client_that_leaves() -> Plan {
    let name = "client_that_leaves_a_throttled_response";
    let fault = json!({ "max_active_faults": 1, "response_rate_limit": limit(always()) });
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for protocol in super::PROTOCOLS {
                let mut held = Vec::new();
                for side in Side::BOTH {
                    held.push(begin(&pair, side, protocol).await);
                }
                until("one at work on each side", async || (pair.active().await == [1, 1]).then_some(()))
                    .await;
                drop(held);
                until("none at work", async || (pair.active().await == [0, 0]).then_some(())).await;
            }
            pair.end().await;
        })
    })
}

async fn begin(pair: &Pair<'_>, side: Side, protocol: Protocol) -> tokio::task::JoinSet<()> {
    let answer = Answer { length: Some(100 * LENGTH), ..Answer::default() };
    let mut connection = Connection::open(protocol, pair.address(side)).await;
    let mut sending = tokio::task::JoinSet::new();
    sending.spawn(async move {
        connection.send(get().header(Answer::HEADER, answer.to_header())).await.ok();
    });
    sending
}
