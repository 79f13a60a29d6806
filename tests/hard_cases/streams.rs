//! Exchanges that something other than a fault ends or prolongs.

use crate::stage::{IMPATIENCE, IMPATIENT, LATENESS, MAIN, Stage, document};
use serde_json::json;
use std::time::Duration;
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Entry, Envoy, Filter, Listener};
use support::upstream::{Answer, Stream, Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_that_envoys_idle_timeout_cuts_short() {
    let stage = Stage::with(json!([{
        "name": "endless",
        "match": { "path": { "exact": "/endless" } },
        "percentage": 100,
        "delay": { "fixed_delay": "60s" },
        "abort": { "http_status": 503 },
    }]))
    .await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = Connection::open(protocol, stage.envoy.address(IMPATIENT)).await;
        let reply = connection.send(Request::get("/endless")).await.expect("a reply");
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (504, "stream timeout"));
        assert_eq!(reply.header("x-brownout").as_deref(), Some("endless; delay"));
        // Envoy's own timer may be a little early.
        let limits = IMPATIENCE / 2..IMPATIENCE + LATENESS;
        assert!(limits.contains(&reply.headers_after), "{:?}", reply.headers_after);
    }
    stage.until_active(0).await;
    let stats = stage.envoy.stats().await;
    assert_eq!((stats.value("delays_injected"), stats.value("aborts_injected")), (2, 0));
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_streams_for_longer_than_the_next_delay() {
    let stage = Stage::with(json!([
        { "name": "slow", "percentage": 100, "delay": { "fixed_delay": "100ms" } },
    ]))
    .await;
    let answer = Answer {
        stream: Some(Stream { pieces: 10, bytes: 1000, every_ms: 40 }),
        trailers: [("grpc-status".into(), "0".into())].into(),
        ..Answer::default()
    };
    let request = Request::get("/").header(Answer::HEADER, answer.to_header());
    let mut connection = Connection::open(Protocol::Http2, stage.address()).await;
    for reply in connection.send_at_once(vec![request; 5]).await {
        let reply = reply.expect("a reply");
        assert_eq!((reply.status.as_u16(), reply.body.len()), (200, 10_000));
        assert_eq!(reply.trailers["grpc-status"], "0");
        assert_eq!(reply.header("x-brownout").as_deref(), Some("slow; delay"));
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_says_who_answered() {
    let stage = Stage::with(json!([
        { "name": "broken", "percentage": 100, "abort": { "http_status": 503 } },
    ]))
    .await;
    stage.ask(Request::get("/x")).await;
    let entry = until("the access log", async || stage.envoy.access_log(MAIN).pop()).await;
    let expected = Entry {
        path: Some("/x".into()),
        status: 503,
        flags: "-".into(),
        details: Some("brownout_abort".into()),
        rule: Some("broken".into()),
        faults: Some("abort".into()),
        delay_ms: None,
    };
    assert_eq!(entry, expected);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_ends_cleanly_with_requests_on_hold() {
    let (stage, sending) = Stage::holding_a_hundred().await;
    let status = stage.envoy.terminate().await;
    assert!(status.success(), "{status}\n{}", stage.envoy.log());
    for reply in sending.await.expect("sending does not panic") {
        reply.expect_err("the connection ends with Envoy");
    }
}

/// Envoy gives plugins of the same code one VM in each worker.
#[tokio::test(flavor = "multi_thread")]
async fn two_plugins_in_one_chain_keep_apart() {
    const BOTH: Duration = Duration::from_millis(150);
    let rules = |name: &str, delay: &str| {
        document(json!([
            { "name": name, "match": { "path": { "exact": "/slow" } }, "percentage": 100, "delay": { "fixed_delay": delay } },
        ]))
    };
    let upstream = Upstream::start().await;
    let listener = Listener::named(MAIN)
        .filter(Filter::brownout(&rules("outer", "50ms")))
        .filter(Filter::discovered("inner", rules("inner", "100ms")));
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let mut connection = Connection::open(Protocol::Http2, envoy.address(MAIN)).await;
    for reply in connection.send_at_once(vec![Request::get("/slow"); 20]).await {
        let reply = reply.expect("a reply");
        let evidence: Vec<_> = reply.headers.get_all("x-brownout").iter().collect();
        assert_eq!(evidence, ["inner; delay", "outer; delay"]);
        assert!((BOTH..BOTH + LATENESS).contains(&reply.headers_after), "{:?}", reply.headers_after);
    }
    let stats = envoy.stats().await;
    let each = ["rule.outer.delays_injected", "rule.inner.delays_injected", "active_faults", "host_errors"];
    assert_eq!(each.map(|name| stats.value(name)), [20, 20, 0, 0]);
}
