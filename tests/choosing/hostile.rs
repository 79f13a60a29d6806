//! Requests and patterns that are designed to waste CPU time.

use crate::stage::{FILTER, MAIN, Stage, abort, discovered, rule, rules};
use serde_json::{Value, json};
use std::time::Duration;
use support::client::Request;
use support::envoy::{Configuration, Listener};

/// Envoy takes 60 KiB of headers unless told otherwise.
const LONG: usize = 50_000;

/// Starts an Envoy that answers directly: it accepts longer headers than most upstreams do.
async fn stage(document: &Value) -> Stage {
    let route = json!({ "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
    Stage::of(1, [Listener::named(MAIN).filter(discovered(document)).routes(vec![route])]).await
}

/// The classic patterns that make backtracking engines take forever, each with an input that triggers it.
#[tokio::test(flavor = "multi_thread")]
async fn no_pattern_and_no_value_takes_a_worker_away() {
    let patterns =
        ["(a+)+b", "(a|aa)+b", "(a|a?)+b", "([a-z]+)*=", "(.*a){12}b", "(?:(?:a*)*)*b", "a*a*a*a*a*a*a*a*b"];
    let document = rules(patterns.iter().enumerate().map(|(number, pattern)| {
        let matcher = json!({ "name": "x-value", "string_match": { "safe_regex": pattern } });
        abort(&format!("pattern-{number}"), json!({ "headers": [matcher] }))
    }));
    let stage = stage(&document).await;
    let mut connection = stage.connect().await;
    let before = stage.envoy.worker_time()[0];
    for value in ["a".repeat(LONG), "a".repeat(LONG - 1) + "!", "ab".repeat(LONG / 2) + "c"] {
        let reply = stage.answer(&mut connection, Request::get("/").header("x-value", &value)).await;
        assert_eq!((reply.status.as_u16(), rule(&reply)), (200, None));
    }
    let spent = stage.envoy.worker_time()[0] - before;
    println!("3 values of {LONG} bytes against {} patterns: {spent:?}", patterns.len());
    assert!(spent < 3 * MOST, "{spent:?}");
    assert_eq!(stage.envoy.stats().await.value("matches_given_up"), 3);
    // And the patterns still match what they should.
    let reply =
        stage.answer(&mut connection, Request::get("/").header("x-value", "a".repeat(5_000) + "b")).await;
    assert_eq!(rule(&reply).as_deref(), Some("pattern-0"));
    stage.is_sound().await;
}

/// The CPU time that a request may cost, including Envoy's own work for 50 KB of headers, on a busy machine.
const MOST: Duration = Duration::from_millis(20);

/// The more patterns there are, the more a long value costs, if nothing bounds it: 5 s for these.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_patterns_and_a_long_header_cost_no_more_than_one() {
    let document = rules((0..1000).map(|number| {
        let matcher =
            json!({ "name": "x-value", "string_match": { "safe_regex": format!("(.*a)*{number}b") } });
        abort(&format!("pattern-{number}"), json!({ "headers": [matcher] }))
    }));
    let stage = stage(&document).await;
    let mut connection = stage.connect().await;
    let before = stage.envoy.worker_time()[0];
    for _ in 0..10 {
        let request = Request::get("/").header("x-value", "a".repeat(LONG));
        let reply = stage.answer(&mut connection, request).await;
        assert_eq!((reply.status.as_u16(), rule(&reply)), (200, None));
    }
    let spent = stage.envoy.worker_time()[0] - before;
    println!("10 values of {LONG} bytes against 1,000 patterns: {spent:?}");
    assert!(spent < 10 * MOST, "{spent:?}");
    assert_eq!(stage.envoy.stats().await.value("matches_given_up"), 10);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pattern_that_is_too_large_is_refused_and_nothing_is_injected() {
    let good = rules([abort("good", json!({}))]);
    let stage = stage(&good).await;
    for pattern in ["((a{100}){100}){100}", "(?:(.*a){500}){20}", "[a-z]{1000000}"] {
        let bad = rules([abort("bad", json!({ "path": { "safe_regex": pattern } }))]);
        let refused = stage.envoy.configure(FILTER, &Configuration::document(&bad)).await;
        let log = refused.expect_err("it is too large").log;
        assert!(log.contains("rules[0].match.path.safe_regex: "), "{log}");
        assert_eq!(stage.rule_for(MAIN, Request::get("/")).await, None);
    }
    stage.is_sound().await;
}

/// Many cookies, parameters and headers, and very long runs of percent signs.
#[tokio::test(flavor = "multi_thread")]
async fn headers_cookies_and_parameters_without_end_cost_little() {
    let pair = |name: &str| json!([{ "name": name, "string_match": { "exact": "x" } }]);
    let document = rules((0..100).map(|number| {
        let name = format!("n{number}");
        abort(&name, json!({ "any": [{ "cookies": pair(&name) }, { "query_parameters": pair(&name) }] }))
    }));
    let stage = stage(&document).await;
    let mut connection = stage.connect().await;
    let cookies: String = (0..5000).map(|number| format!("c{}=1; ", number % 10)).collect();
    let before = stage.envoy.worker_time()[0];
    for (path, cookies) in [
        (format!("/?{}", "%".repeat(40_000)), String::new()),
        (format!("/?{}", "%25&".repeat(10_000)), String::new()),
        ("/".to_owned(), cookies),
    ] {
        let reply = stage.answer(&mut connection, Request::get(&path).header("cookie", cookies)).await;
        assert_eq!((reply.status.as_u16(), rule(&reply)), (200, None), "{}", path.len());
    }
    let spent = stage.envoy.worker_time()[0] - before;
    println!("three long requests past 100 rules: {spent:?}");
    assert!(spent < Duration::from_secs(1), "{spent:?}");
    stage.is_sound().await;
}
