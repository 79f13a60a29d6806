//! Limits on active faults, and the counters of both filters.

use super::{abort, always, get, same};
use crate::expected::Expected::{Delayed, Passes};
use crate::pair::{Counts, Pair};
use crate::seen::Side;
use crate::stage::Setup;
use crate::trial::Plan;
use serde_json::{Value, json};
use support::client::{Connection, Protocol, Reply, Request};
use support::deadline::until;
use support::upstream::{Answer, Stream};

pub fn all() -> Vec<Plan> {
    vec![
        overflow_of_all(
            "max_active_0_means_never",
            json!({ "max_active_faults": 0, "abort": abort(503) }),
            2,
        ),
        overflow_of_all(
            "max_active_0_means_never_for_delays",
            json!({ "max_active_faults": 0, "delay": super::delay() }),
            2,
        ),
        twice_over(),
        same(
            "max_active_is_not_asked_when_nothing_is_drawn",
            json!({
                "max_active_faults": 0,
                "delay": { "fixed_delay": "1s", "percentage": { "numerator": 0 } },
                "abort": { "http_status": 503, "percentage": { "numerator": 0 } },
            }),
            vec![(get(), Passes)],
        ),
        consecutive(),
        parallel(),
        released_after_the_delay(),
        places_come_back(),
    ]
}

fn held(max: u64) -> Value {
    json!({
        "max_active_faults": max,
        "delay": { "header_delay": {}, "percentage": always() },
    })
}

fn asking(milliseconds: u64) -> Request {
    get().header("x-envoy-fault-delay-request", milliseconds.to_string())
}

/// Everything passes, and is counted as overflow.
fn overflow_of_all(name: &'static str, fault: Value, sent: u64) -> Plan {
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for _ in 0..sent {
                pair.same(&get(), Protocol::Http1, Passes).await;
            }
            assert_eq!(pair.end().await, Counts { delays: 0, aborts: 0, overflow: sent });
        })
    })
}

/// The native filter asks for a place for the delay and, if there was none, again for the abort; ours asks once.
fn twice_over() -> Plan {
    let name = "overflow_of_a_delay_and_an_abort";
    let fault = json!({ "max_active_faults": 0, "delay": super::delay(), "abort": abort(503) });
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            pair.same(&get(), Protocol::Http1, Passes).await;
            let counts = |overflow| Counts { delays: 0, aborts: 0, overflow };
            assert_eq!(pair.counts().await, [counts(2), counts(1)]);
        })
    })
    .asserts("overflow_of_two_faults")
}

/// A second request is delayed once the first has waited.
fn consecutive() -> Plan {
    let name = "consecutive_delays_within_a_limit_of_1";
    Plan::new(name, vec![Setup::new(name, held(1))], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for _ in 0..2 {
                pair.same(&asking(40), Protocol::Http1, Delayed).await;
            }
            assert_eq!(pair.end().await, Counts { delays: 2, aborts: 0, overflow: 0 });
        })
    })
}

async fn send(pair: &Pair<'_>, side: Side, requests: Vec<Request>) -> Vec<Reply> {
    let mut connection = Connection::open(Protocol::Http2, pair.address(side)).await;
    let replies = connection.send_at_once(requests).await;
    replies.into_iter().map(|reply| reply.expect("a reply")).collect()
}

/// Of concurrent requests, as many wait as there are places, and all pass in the end.
fn parallel() -> Plan {
    let name = "requests_over_the_limit_pass";
    Plan::new(name, vec![Setup::new(name, held(3))], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for side in Side::BOTH {
                let replies = send(&pair, side, vec![asking(1500); 10]).await;
                let waited = replies.iter().filter(|reply| reply.headers_after.as_millis() >= 1490).count();
                assert_eq!(waited, 3, "{side:?}");
                assert!(replies.iter().all(|reply| reply.status == 200), "{side:?}");
            }
            assert_eq!(pair.end().await, Counts { delays: 3, aborts: 0, overflow: 7 });
        })
    })
}

/// An exchange that continues for a long time after its delay no longer takes a place.
fn released_after_the_delay() -> Plan {
    let name = "exchange_is_active_only_while_it_waits";
    Plan::new(name, vec![Setup::new(name, held(1))], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let stream = Stream { pieces: 200, bytes: 10, every_ms: 100 };
            let long = Answer { stream: Some(stream), ..Answer::default() };
            for side in Side::BOTH {
                let first = asking(40).header(Answer::HEADER, long.to_header());
                let mut connection = Connection::open(Protocol::Http1, pair.address(side)).await;
                let streaming = tokio::spawn(async move { connection.send(first).await });
                let counted = async || pair.counts().await[side as usize].delays == 1;
                until("the first delay", async || counted().await.then_some(())).await;
                until("its end", async || (pair.active().await == [0, 0]).then_some(())).await;
                let second = send(&pair, side, vec![asking(40)]).await;
                assert!(second[0].headers_after.as_millis() >= 35, "{side:?}");
                assert!(!streaming.is_finished(), "{side:?}: the first exchange goes on");
                streaming.abort();
            }
            assert_eq!(pair.end().await, Counts { delays: 2, aborts: 0, overflow: 0 });
        })
    })
}

/// After clients left with all places taken, there are places again.
fn places_come_back() -> Plan {
    let name = "places_come_back_when_clients_leave";
    Plan::new(name, vec![Setup::new(name, held(2))], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for round in 1..=3 {
                for side in Side::BOTH {
                    let mut connection = Connection::open(Protocol::Http2, pair.address(side)).await;
                    let leaving =
                        tokio::spawn(
                            async move { connection.send_at_once(vec![asking(60_000); 2]).await.len() },
                        );
                    let counted = async || pair.counts().await[side as usize].delays == 2 * round;
                    until("two delays", async || counted().await.then_some(())).await;
                    leaving.abort();
                    until("their end", async || (pair.active().await == [0, 0]).then_some(())).await;
                }
            }
            assert_eq!(pair.end().await, Counts { delays: 6, aborts: 0, overflow: 0 });
            pair.same(&asking(40), Protocol::Http1, Delayed).await;
        })
    })
}
