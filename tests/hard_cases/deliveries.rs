//! Documents that arrive while requests are under way, and documents that must not take effect.

use crate::stage::{Stage, document};
use serde_json::{Value, json};
use std::time::Duration;
use support::client::{Connection, Protocol, Request};
use support::deadline::until_equal;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

fn always(name: &str, faults: Value) -> Value {
    let mut rule = json!({ "name": name, "percentage": 100 });
    rule.as_object_mut().expect("an object").extend(faults.as_object().cloned().expect("an object"));
    json!([rule])
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_on_hold_finish_under_the_document_that_held_them() {
    const HOLD: Duration = Duration::from_millis(1500);
    let held = |name: &str, status: u16| {
        always(name, json!({ "delay": { "fixed_delay": "1.5s" }, "abort": { "http_status": status } }))
    };
    let stage = Stage::with(held("first", 501)).await;
    let mut open = Connection::open(Protocol::Http1, stage.address()).await;
    let mut waiting = Vec::new();
    for (name, status) in [("first", 501), ("second", 502), ("third", 503)] {
        if name != "first" {
            stage.follow(held(name, status)).await;
        }
        let mut connection = Connection::open(Protocol::Http2, stage.address()).await;
        let sending = tokio::spawn(async move { connection.send_at_once(vec![Request::get("/"); 20]).await });
        waiting.push((name, status, sending));
        stage.until_active(20 * waiting.len() as u64).await;
    }
    stage.follow(always("last", json!({ "abort": { "http_status": 429 } }))).await;
    let reply = open.send(Request::get("/")).await.expect("a reply");
    assert_eq!((reply.status.as_u16(), reply.header("x-brownout").as_deref()), (429, Some("last; abort")));
    for (name, status, sending) in waiting {
        for reply in sending.await.expect("sending does not panic") {
            let reply = reply.expect("a reply");
            let evidence = format!("{name}; delay; abort");
            assert_eq!((reply.status.as_u16(), reply.header("x-brownout")), (status, Some(evidence)));
            assert!(reply.headers_after >= HOLD, "early, after {:?}", reply.headers_after);
        }
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_connection_follows_the_new_document_at_once() {
    let stage = Stage::with(json!([])).await;
    let mut connections = [
        Connection::open(Protocol::Http1, stage.address()).await,
        Connection::open(Protocol::Http2, stage.address()).await,
    ];
    for connection in &mut connections {
        assert_eq!(connection.send(Request::get("/")).await.expect("a reply").status, 200);
    }
    for status in [501, 502, 503] {
        stage.follow(always("now", json!({ "abort": { "http_status": status } }))).await;
        for connection in &mut connections {
            assert_eq!(connection.send(Request::get("/")).await.expect("a reply").status, status);
        }
    }
    stage.follow(json!([])).await;
    for connection in &mut connections {
        assert_eq!(connection.send(Request::get("/")).await.expect("a reply").status, 200);
    }
    stage.is_sound().await;
}

/// Waits until the gauge of refused documents shows `plugins`.
async fn refused_documents(stage: &Stage, plugins: u64) {
    until_equal("plugins whose document cannot be read", plugins, async || {
        stage.envoy.stats().await.value("document_refused")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_with_mistakes_injects_nothing_until_a_good_one_comes() {
    let stage = Stage::with(always("good", json!({ "abort": { "http_status": 503 } }))).await;
    let mut connection = Connection::open(Protocol::Http1, stage.address()).await;
    let bad = json!({ "rules": [
        { "name": "one", "percentage": 100, "abort": { "http_status": 700 } },
        { "name": "two", "delay": { "fixed_delay": "fast" } },
    ] });
    let refused = stage.push(&Configuration::document(&bad)).await.expect_err("it has mistakes");
    for mistake in ["rules[0].abort.http_status: ", "rules[1]: missing", "rules[1].delay.fixed_delay: "] {
        let lines = refused.log.matches(mistake).count();
        assert_eq!(lines, 1, "`{mistake}` is said by one thread:\n{}", refused.log);
    }
    let reply = connection.send(Request::get("/")).await.expect("a reply");
    assert_eq!((reply.status.as_u16(), reply.header("x-brownout")), (200, None));
    // One for the worker, and one for the main thread.
    refused_documents(&stage, 2).await;
    assert_eq!(stage.envoy.stats().await.value("mode"), 0);

    stage.follow(always("better", json!({ "abort": { "http_status": 418 } }))).await;
    assert_eq!(connection.send(Request::get("/")).await.expect("a reply").status, 418);
    refused_documents(&stage, 0).await;
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_envoy_starts_with_a_document_that_has_mistakes_and_lets_requests_pass() {
    let upstream = Upstream::start().await;
    let bad = Configuration::document(&json!({ "rules": [{ "name": "no percentage" }] }));
    let listener = Listener::named("main").filter(Filter::brownout(&bad));
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let mut connection = Connection::open(Protocol::Http1, envoy.address("main")).await;
    assert_eq!(connection.send(Request::get("/")).await.expect("a reply").status, 200);
    until_equal("the gauge", true, async || envoy.stats().await.value("document_refused") > 0).await;
}

/// Envoy keeps a refused configuration as the latest one, and rejects every later update of a listener that names it.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_with_mistakes_does_not_keep_other_changes_from_landing() {
    let upstream = Upstream::start().await;
    let good = document(always("good", json!({ "abort": { "http_status": 503 } })));
    let listener = Listener::named("main").filter(Filter::discovered("brownout", good)).discovered_routes();
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let bad = Configuration::document(&json!({ "rules": [{ "name": "no percentage" }] }));
    envoy.configure("brownout", &bad).await.expect_err("it has mistakes");
    let page = envoy.stats_named("update_rejected$").await;
    assert_eq!(page.sum(|_| true), 0, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_sent_as_a_struct_works_and_the_log_says_what_to_send() {
    let stage = Stage::with(always("good", json!({ "abort": { "http_status": 503 } }))).await;
    let Configuration::Text(text) = document(always("struct", json!({ "abort": { "http_status": 429 } })))
    else {
        panic!("a document is text");
    };
    let sent = serde_json::from_str(&text).expect("JSON");
    stage.push(&Configuration::Struct(sent)).await.expect("it is taken");
    let reply = stage.ask(Request::get("/")).await;
    let said = (reply.status.as_u16(), reply.header("x-brownout"));
    assert_eq!(said, (429, Some("struct; abort".into())));
    assert!(stage.envoy.log().contains("send a StringValue with the document as JSON text"));
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_stands_in_the_bootstrap_works_without_discovery() {
    let upstream = Upstream::start().await;
    let filter = Filter::brownout(&document(always("static", json!({ "abort": { "http_status": 503 } }))));
    let listener = Listener::named("main").filter(filter);
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let mut connection = Connection::open(Protocol::Http1, envoy.address("main")).await;
    let reply = connection.send(Request::get("/")).await.expect("a reply");
    assert_eq!((reply.status.as_u16(), reply.header("x-brownout").as_deref()), (503, Some("static; abort")));
}
