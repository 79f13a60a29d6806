//! Shares of requests in a real Envoy, with the module's own entropy: they stay within statistical bounds.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use support::binomial::believable;
use support::client::{Connection, Protocol, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

const MAIN: &str = "main";
const REQUESTS: usize = 4000;
const AT_ONCE: usize = 100;

/// Starts an Envoy with two workers that itself answers the requests that we let through.
async fn envoy(rules: Value) -> (Upstream, Envoy) {
    let upstream = Upstream::start().await;
    let filter = Filter::discovered(MAIN, document(&rules));
    let answer = json!({ "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
    let listener = Listener::named(MAIN).filter(filter).routes(vec![answer]);
    let envoy =
        Envoy::start(Bootstrap::new().concurrency(2).cluster(Cluster::of(&upstream)).listener(listener))
            .await;
    (upstream, envoy)
}

fn document(rules: &Value) -> Configuration {
    Configuration::document(&json!({ "rules": rules }))
}

/// Returns the evidence of `requests` replies, in order; empty for requests that passed.
async fn evidence(connection: &mut Connection, requests: usize) -> Vec<String> {
    let mut all = Vec::new();
    for _ in 0..requests / AT_ONCE {
        for reply in connection.send_at_once(vec![Request::get("/"); AT_ONCE]).await {
            all.push(reply.expect("a reply").header("x-brownout").unwrap_or_default());
        }
    }
    all
}

/// Counts each evidence in [`REQUESTS`] requests, half of them on each worker.
async fn tally(envoy: &Envoy) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut connections = [
        Connection::open(Protocol::Http2, envoy.address(MAIN)).await,
        Connection::open(Protocol::Http2, envoy.address(MAIN)).await,
    ];
    for connection in &mut connections {
        for evidence in evidence(connection, REQUESTS / 2).await {
            *counts.entry(evidence).or_default() += 1;
        }
    }
    counts
}

/// Asserts that exactly the expected evidence occurs, each as often as its probability allows.
fn assert_believable(counts: &BTreeMap<String, usize>, expected: &[(&str, f64)]) {
    let known: Vec<_> = expected.iter().map(|(evidence, _)| *evidence).collect();
    assert!(counts.keys().all(|evidence| known.contains(&evidence.as_str())), "{counts:?}");
    for (evidence, probability) in expected {
        let count = counts.get(*evidence).copied().unwrap_or(0);
        let range = believable(REQUESTS, *probability);
        assert!(range.contains(&count), "`{evidence}`: {count} of {REQUESTS}, expected {range:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_takes_a_fifth_of_the_requests() {
    let (_upstream, envoy) = envoy(json!([
        { "name": "fifth", "percentage": 20, "abort": { "http_status": 503 } },
    ]))
    .await;
    let counts = tally(&envoy).await;
    assert_believable(&counts, &[("fifth; abort", 0.2), ("", 0.8)]);
    let stats = envoy.stats().await;
    assert_eq!(stats.value("rule.fifth.matched"), REQUESTS as u64);
    assert_eq!(stats.value("rule.fifth.injected"), counts["fifth; abort"] as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn small_shares_are_not_rounded() {
    let (_upstream, envoy) = envoy(json!([
        { "name": "one", "percentage": 0.5, "abort": { "http_status": 501 } },
        { "name": "two", "percentage": { "numerator": 150, "denominator": "TEN_THOUSAND" }, "abort": { "http_status": 502 } },
    ]))
    .await;
    let expected = [("one; abort", 0.005), ("two; abort", 0.995 * 0.015), ("", 0.995 * 0.985)];
    assert_believable(&tally(&envoy).await, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_rule_takes_its_share_of_what_is_left() {
    let (_upstream, envoy) = envoy(json!([
        { "name": "first", "percentage": 50, "abort": { "http_status": 501 } },
        { "name": "second", "percentage": 50, "abort": { "http_status": 502 } },
    ]))
    .await;
    assert_believable(&tally(&envoy).await, &[("first; abort", 0.5), ("second; abort", 0.25), ("", 0.25)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_faults_of_a_rule_are_drawn_independently() {
    let (_upstream, envoy) = envoy(json!([{
        "name": "mixed",
        "percentage": 50,
        "delay": { "fixed_delay": "1ms", "percentage": 40 },
        "abort": { "http_status": 503, "percentage": 10 },
    }]))
    .await;
    let expected = [
        ("mixed; delay", 0.5 * 0.4 * 0.9),
        ("mixed; abort", 0.5 * 0.6 * 0.1),
        ("mixed; delay; abort", 0.5 * 0.4 * 0.1),
        ("", 0.5 + 0.5 * 0.6 * 0.9),
    ];
    assert_believable(&tally(&envoy).await, &expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_and_documents_draw_each_for_itself() {
    let rules = |name: &str| json!([{ "name": name, "percentage": 50, "abort": { "http_status": 503 } }]);
    let (_upstream, envoy) = envoy(rules("coin")).await;
    // Envoy balances connections exactly: one on either worker.
    let mut connections = [
        Connection::open(Protocol::Http1, envoy.address(MAIN)).await,
        Connection::open(Protocol::Http1, envoy.address(MAIN)).await,
    ];
    let mut sequences = Vec::new();
    for name in ["second-coin", "third-coin"] {
        envoy.configure(MAIN, &document(&rules(name))).await.expect("a document without mistakes");
        for connection in &mut connections {
            let mut draws = Vec::new();
            for _ in 0..100 {
                let reply = connection.send(Request::get("/")).await.expect("a reply");
                draws.push(reply.status == 503);
            }
            assert!(!sequences.contains(&draws), "the same hundred draws twice");
            sequences.push(draws);
        }
    }
}
