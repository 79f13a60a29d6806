//! Delays: the requests that are held, and for how long.

use super::{abort, always, delay, get, grpc, same};
use crate::expected::Expected::{Delayed, Passes};
use crate::seen::Side;
use crate::stage::Setup;
use crate::trial::Plan;
use serde_json::json;
use std::time::Duration;
use support::client::{Connection, Protocol, Raw, Request};
use support::deadline::until;

pub fn all() -> Vec<Plan> {
    vec![
        same(
            "delay_holds_body_and_trailers",
            json!({ "delay": delay() }),
            vec![
                (get(), Delayed),
                (Request::post("/up", "body"), Delayed),
                (Request::post("/up", vec![b'x'; 300_000]), Delayed),
                (grpc(), Delayed),
                (Request::post("/other", "body"), Delayed),
            ],
        ),
        same(
            "delay_is_not_in_the_route_timeout",
            json!({ "delay": { "fixed_delay": "0.4s", "percentage": always() } }),
            vec![(Request::get("/hurried"), Delayed)],
        ),
        same(
            "delay_of_less_than_half_a_millisecond_is_none",
            json!({ "delay": { "fixed_delay": "0.0004s", "percentage": always() } }),
            vec![(get(), Passes)],
        ),
        same(
            "delay_of_half_a_millisecond_is_none",
            json!({ "delay": { "fixed_delay": "0.0005s", "percentage": always() } }),
            vec![(get(), Passes)],
        ),
        times(),
        client_leaves(),
        client_leaves_before_an_abort(),
    ]
}

/// Both wait as long as they should, and not much longer.
fn times() -> Plan {
    let name = "delay_takes_its_time";
    let fault = json!({ "delay": { "fixed_delay": "0.2s", "percentage": always() } });
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let mut fastest = [Duration::MAX; 2];
            for _ in 0..8 {
                let both = pair.same(&get(), Protocol::Http1, Delayed).await;
                fastest = [0, 1].map(|side| fastest[side].min(both.took[side]));
            }
            // The native filter's timers may be early, see `pair::SHORTEST`.
            let earliest = [190, 200].map(Duration::from_millis);
            for (took, earliest) in fastest.into_iter().zip(earliest) {
                assert!(took >= earliest && took < Duration::from_millis(300), "{fastest:?}");
            }
            pair.end().await;
        })
    })
}

/// Sends a request that is held, and leaves while it is.
fn leaving(name: &'static str, fault: serde_json::Value) -> Plan {
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let reached = stage.upstream.count();
            for side in Side::BOTH {
                let mut http1 = Raw::open(pair.address(side)).await;
                http1.send("POST /up HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n").await;
                let mut http2 = Connection::open(Protocol::Http2, pair.address(side)).await;
                let sending = tokio::spawn(async move { http2.send(Request::get("/up")).await.is_ok() });
                until("two requests that are held", async || {
                    (pair.active().await[side as usize] == 2).then_some(())
                })
                .await;
                http1.leave_abruptly();
                sending.abort();
                until("the end of both", async || (pair.active().await == [0, 0]).then_some(())).await;
            }
            let counted = pair.end().await;
            assert_eq!((counted.delays, counted.aborts, counted.overflow), (2, 0, 0));
            assert_eq!(stage.upstream.count(), reached);
        })
    })
}

fn client_leaves() -> Plan {
    leaving(
        "client_that_leaves_during_a_delay_gives_its_place_back",
        json!({ "delay": { "fixed_delay": "60s", "percentage": always() }, "max_active_faults": 2 }),
    )
}

fn client_leaves_before_an_abort() -> Plan {
    leaving(
        "client_that_leaves_during_a_delay_is_not_aborted",
        json!({ "delay": { "fixed_delay": "60s", "percentage": always() }, "abort": abort(503) }),
    )
}
