//! A thousand rules: how long they take to load, and what they cost a request that none of them matches.

use crate::stage::{MAIN, Stage, abort, discovered, rule, rules};
use serde_json::{Value, json};
use std::time::Duration;
use support::client::{Connection, Protocol, Request};
use support::envoy::Listener;

const RULES: usize = 1000;
const REQUESTS: u32 = 500;

/// Rules of every kind that selects faults for a mesh's routes.
fn many(count: usize) -> Value {
    rules((0..count).map(|number| {
        let header = |value: Value| json!({ "headers": [{ "name": format!("x-test-{}", number % 7), "string_match": value }] });
        let condition = match number % 8 {
            0 => json!({ "path": { "exact": format!("/shop/{number}") } }),
            1 => json!({ "path": { "prefix": format!("/api/v{number}/") } }),
            2 => header(json!({ "exact": format!("value-{number}") })),
            3 => json!({ "authority": { "exact": format!("service-{number}.shop.svc") } }),
            4 => json!({ "route": { "exact": format!("route-{number}") }, "methods": ["GET", "POST"] }),
            5 => json!({ "cluster": { "exact": format!("cluster-{number}") } }),
            6 => json!({ "all": [header(json!({ "exact": format!("tenant-{number}") })), { "path": { "safe_regex": "/.*/checkout" } }] }),
            _ => json!({ "path": { "exact": format!("/item/{number}") }, "query_parameters": [{ "name": "id" }] }),
        };
        abort(&format!("rule-{number}"), condition)
    }))
}

async fn stage(document: &Value) -> Stage {
    let route = json!({ "name": "usual", "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
    Stage::of(1, [Listener::named(MAIN).filter(discovered(document)).routes(vec![route])]).await
}

fn worker_time(stage: &Stage) -> Duration {
    let times = stage.envoy.worker_time();
    assert_eq!(times.len(), 1, "one worker");
    times[0]
}

/// The CPU time that the only worker spends to load the document: its whole thread, including Envoy's own work.
/// Other processes do not count.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_rules_are_loaded_within_fifty_milliseconds_of_a_worker() {
    let stage = stage(&many(1)).await;
    let mut spent = Vec::new();
    for round in 0..5 {
        let before = worker_time(&stage);
        // Another document each time: one more rule.
        stage.follow(&many(RULES + round)).await;
        spent.push(worker_time(&stage) - before);
    }
    println!("a worker takes over {RULES} rules in {spent:?}");
    spent.sort();
    assert!(spent[2] < Duration::from_millis(50), "{spent:?}");
    let mut connection = stage.connect().await;
    let reply = stage.answer(&mut connection, Request::get("/shop/992")).await;
    assert_eq!(rule(&reply).as_deref(), Some("rule-992"));
    stage.is_sound().await;
}

/// Returns the CPU time of a request that matches nothing, one of many at once: Envoy's own share is smallest then.
async fn cost(stage: &Stage) -> Duration {
    let mut connection = Connection::open(Protocol::Http2, stage.address()).await;
    let request = Request::get("/nothing/of/that/kind?a=b").authority("nobody.shop.svc");
    let requests = vec![request.header("x-test-3", "no"); REQUESTS as usize];
    let before = worker_time(stage);
    for reply in connection.send_at_once(requests).await {
        assert_eq!(rule(&reply.expect("a reply")), None);
    }
    (worker_time(stage) - before) / REQUESTS
}

/// Walking through a thousand predicates would cost several times Envoy's own work.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_matches_none_of_a_thousand_rules_does_not_walk_them() {
    let stage = stage(&many(7)).await;
    cost(&stage).await;
    // Alternate, and take the minimum of each: other work on the machine only adds to it.
    let (mut few, mut all) = (Vec::new(), Vec::new());
    for round in 0..8 {
        stage.follow(&many(8 + round)).await;
        few.push(cost(&stage).await);
        stage.follow(&many(RULES + round)).await;
        all.push(cost(&stage).await);
    }
    println!("a request costs {few:?} with 8 rules and {all:?} with {RULES}");
    let (few, all) = (few.iter().min().expect("eight"), all.iter().min().expect("eight"));
    assert!(*all < *few * 2, "{all:?} with {RULES} rules, {few:?} with 8");
    stage.is_sound().await;
}
