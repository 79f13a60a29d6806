//! Shares by count: over all workers together, starting when the document arrives.

use crate::stage::{FILTER, MAIN, Stage, crowd, rules, taken};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::client::Request;
use support::envoy::{Configuration, Filter, Listener};

const WORKERS: usize = 4;
const CLIENTS: usize = 32;
const EACH: usize = 20;

fn counted(name: &str, sample: Value) -> Value {
    json!({
        "name": name,
        "match": { "path": { "exact": format!("/{name}") } },
        "percentage": 100,
        "sample": sample,
        "abort": { "http_status": 503 },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workers_count_together() {
    let document = rules([
        counted("every-tenth", json!({ "every": 10 })),
        counted("first-seven", json!({ "first": 7 })),
        counted("three-of-ten", json!({ "first": 3, "of": 10 })),
    ]);
    let stage = Stage::with(WORKERS, &document).await;
    for (name, expected) in [("every-tenth", 64), ("first-seven", 7), ("three-of-ten", 192)] {
        let replies = crowd(stage.address(), CLIENTS, EACH, &Request::get(&format!("/{name}"))).await;
        assert_eq!((replies.len(), taken(&replies)), (CLIENTS * EACH, expected), "{name}");
    }
    // The first worker logs for all.
    assert_eq!(stage.envoy.log().matches("document in force").count(), 1, "{}", stage.envoy.log());
    stage.is_sound().await;
}

/// A count lasts as long as the document is in force: it starts over when the document comes back after another one.
#[tokio::test(flavor = "multi_thread")]
async fn a_count_begins_anew_with_another_document_and_with_the_same_one_again_later() {
    // Workers that load a document within this time share its count.
    const TAKEOVER: Duration = Duration::from_secs(5);
    let count = |first: u32| rules([counted("first", json!({ "first": first }))]);
    let request = Request::get("/first");
    let stage = Stage::with(WORKERS, &count(5)).await;
    let begin = Instant::now();
    let first_of = async |expected: usize| {
        let replies = crowd(stage.address(), CLIENTS, 2, &request).await;
        assert_eq!(taken(&replies), expected);
    };
    first_of(5).await;
    first_of(0).await;
    stage.follow(&count(6)).await;
    first_of(6).await;
    first_of(0).await;
    tokio::time::sleep(TAKEOVER.saturating_sub(begin.elapsed())).await;
    stage.follow(&count(5)).await;
    first_of(5).await;
    first_of(0).await;
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn listeners_with_documents_of_their_own_do_not_count_together() {
    let listener = |name: &str, first: u32| {
        let document = rules([counted("some", json!({ "first": first }))]);
        Listener::named(name).filter(Filter::brownout(&Configuration::document(&document)))
    };
    let stage = Stage::of(WORKERS, [listener("three", 3), listener("eight", 8)]).await;
    let request = Request::get("/some");
    for (name, expected) in [("three", 3), ("eight", 8), ("three", 0), ("eight", 0)] {
        let replies = crowd(stage.envoy.address(name), CLIENTS, 2, &request).await;
        assert_eq!(taken(&replies), expected, "{name}");
    }
    stage.is_sound().await;
}

/// Rules of routes count like those of the document.
#[tokio::test(flavor = "multi_thread")]
async fn the_workers_count_together_for_a_route() {
    let text = rules([counted("of-route", json!({ "first": 7 }))]).to_string();
    let route = json!({
        "match": { "prefix": "/" },
        "direct_response": { "status": 200 },
        "metadata": { "filter_metadata": { "brownout": { "json": text } } },
    });
    let document = Configuration::document(&json!({ "rules": [], "per_route": true }));
    let listener = Listener::named(MAIN).filter(Filter::discovered(FILTER, document)).routes(vec![route]);
    let stage = Stage::of(WORKERS, [listener]).await;
    let replies = crowd(stage.address(), CLIENTS, EACH, &Request::get("/of-route")).await;
    assert_eq!(taken(&replies), 7);
    stage.is_sound().await;
}
