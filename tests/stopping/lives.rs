//! A document that was replaced and comes back is a new one, however soon.

use crate::stage::{FAULT, Stage, abort, document, faulted};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::client::{Connection, Protocol, Request};
use support::deadline::until_equal;
use support::envoy::Configuration;
use support::upstream::Answer;
use tokio::task::JoinSet;

/// Within this time of its first arrival, a document that was not replaced in between would continue its life.
const SOON: Duration = Duration::from_secs(5);
const MANY: usize = 10;

fn failing() -> Request {
    Request::get("/").header(Answer::HEADER, Answer { status: 500, ..Answer::default() }.to_header())
}

/// Pushes a document, stops it, pushes what `between` does, and the document again. Returns the time all of it took.
async fn again(stage: &Stage, first: &Value, between: impl AsyncFn()) -> Duration {
    let began = Instant::now();
    stage.follow(first).await;
    assert!(stage.injects().await);
    stage.send(&failing(), MANY).await;
    stage.until_stopped(1).await;
    between().await;
    stage.follow(first).await;
    let took = began.elapsed();
    until_equal("stopped", 0, async || stage.stopped().await).await;
    for _ in 0..8 {
        assert!(stage.injects().await, "after {took:?}\n{}", stage.envoy.log());
    }
    took
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_stopped_and_was_replaced_injects_again_at_once() {
    let first = document(Duration::from_secs(3600), MANY, &abort());
    let other = json!({ "rules": [{ "name": "other", "percentage": 0, "abort": { "http_status": 418 } }] });
    let stage = Stage::with(&json!({})).await;
    let replaced = again(&stage, &first, async || stage.follow(&other).await).await;
    stage.follow(&other).await;
    let refused = again(&stage, &first, async || {
        let wrong = Configuration::Text("{\"rules\": 1}".into());
        let told = stage.envoy.configure("brownout", &wrong).await;
        assert!(told.is_err(), "a document with mistakes");
    })
    .await;
    assert!(replaced < SOON && refused < SOON, "too slow to show anything: {replaced:?}, {refused:?}");
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_comes_back_begins_its_counts_anew() {
    let mut first = document(Duration::from_secs(3600), MANY, &abort());
    first["rules"][0]["limits"] = json!({ "max_faults": 3 });
    let stage = Stage::with(&json!({})).await;
    let began = Instant::now();
    for _ in 0..2 {
        stage.follow(&first).await;
        let replies = stage.send(&faulted(), 12).await;
        let faults = replies.iter().flatten().filter(|reply| reply.header("x-brownout").is_some()).count();
        assert_eq!(faults, 3, "{FAULT}");
        stage.follow(&json!({})).await;
    }
    assert!(began.elapsed() < SOON, "too slow to show anything");
    stage.is_sound().await;
}

/// Envoy keeps the plugin of a document as long as one of its requests is in flight, and takes it up again.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_comes_back_while_its_requests_are_held_goes_on() {
    let mut first = document(Duration::from_secs(3600), MANY, &abort());
    first["rules"][0]["limits"] = json!({ "max_faults": 3 });
    let held = json!({
        "name": "held", "match": { "path": { "exact": "/held" } }, "percentage": 100, "hang": { "max": "20s" },
    });
    first["rules"].as_array_mut().expect("rules").push(held);
    let stage = Stage::with(&json!({})).await;
    stage.follow(&first).await;
    // Some on every worker.
    let mut holding = JoinSet::new();
    for _ in 0..64 {
        let address = stage.address();
        holding.spawn(async move {
            let mut connection = Connection::open(Protocol::Http1, address).await;
            connection.send(Request::get("/held")).await.ok()
        });
    }
    until_equal("held", 64, async || stage.value("active_faults").await).await;
    let count = async || {
        let replies = stage.send(&faulted(), 12).await;
        replies.iter().flatten().filter(|reply| reply.header("x-brownout").is_some()).count()
    };
    assert_eq!(count().await, 3);
    stage.follow(&json!({})).await;
    stage.follow(&first).await;
    assert_eq!(count().await, 0);
    holding.abort_all();
    stage.is_sound().await;
}
