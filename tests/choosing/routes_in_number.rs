//! Many documents in route tables: their cost stays bounded.

use crate::stage::{MAIN, Stage, abort, discovered, rule, rules};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::client::{Connection, Request};
use support::envoy::Listener;

const TEXTS: usize = 10_000;
/// The number of texts in a route table at a time.
const TABLE: usize = 1000;
const MIB: u64 = 1024 * 1024;

/// Returns a unique text: a named rule, with a condition that takes some memory once compiled.
fn text(number: usize) -> String {
    let pattern = format!("(tenant|customer|user)-{number}-[a-f0-9]{{8}}");
    let guard =
        json!({ "not": { "headers": [{ "name": "x-tenant", "string_match": { "safe_regex": pattern } }] } });
    rules([abort(&format!("tenant-{number}"), guard)]).to_string()
}

fn table(numbers: std::ops::Range<usize>, text: impl Fn(usize) -> String) -> Vec<Value> {
    numbers
        .map(|number| {
            json!({
                "match": { "path": format!("/{number}") },
                "direct_response": { "status": 200 },
                "metadata": { "filter_metadata": { "brownout": { "json": text(number) } } },
            })
        })
        .collect()
}

async fn stage() -> Stage {
    let document = json!({ "rules": [], "per_route": true });
    let listener = Listener::named(MAIN).filter(discovered(&document)).discovered_routes();
    Stage::of(1, [listener]).await
}

async fn ask(stage: &Stage, connection: &mut Connection, number: usize) -> Option<String> {
    rule(&stage.answer(connection, Request::get(&format!("/{number}"))).await)
}

/// The names of the rules that have counters.
async fn counted(stage: &Stage) -> BTreeSet<String> {
    let stats = stage.envoy.stats().await.to_string();
    let rules = stats.lines().filter_map(|line| line.strip_prefix("rule.")?.split('.').next());
    rules.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_texts_do_not_grow_memory_nor_the_number_of_counters_without_bound() {
    let stage = stage().await;
    let mut connection = stage.connect().await;
    let mut memory = Vec::new();
    for first in (0..TEXTS).step_by(TABLE) {
        stage.envoy.route(MAIN, &table(first..first + TABLE, text)).await.expect("routes");
        for number in first..first + TABLE {
            assert_eq!(ask(&stage, &mut connection, number).await, Some(format!("tenant-{number}")));
        }
        memory.push(stage.envoy.memory() / MIB);
    }
    // The cache is full after two tables.
    let (early, late) = (memory[2], memory[TEXTS / TABLE - 1]);
    println!("MiB after each {TABLE} texts: {memory:?}");
    assert!(late < early + 24, "MiB after each {TABLE} texts: {memory:?}");
    let counted = counted(&stage).await.len();
    assert!((900..=1000).contains(&counted), "{counted} rules have counters");
    // Rules without their own counters are included in the totals.
    assert_eq!(stage.envoy.stats().await.value("aborts_injected"), TEXTS as u64);
    // Evicted texts are parsed again.
    stage.envoy.route(MAIN, &table(0..2, text)).await.expect("routes");
    assert_eq!(ask(&stage, &mut connection, 1).await.as_deref(), Some("tenant-1"));
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_texts_in_number_are_logged_once_each() {
    let wrong = |number: usize| format!(r#"{{"rules":[{{"name":"x{number}","percentage":200}}]}}"#);
    let stage = stage().await;
    let mut connection = stage.connect().await;
    stage.envoy.route(MAIN, &table(0..TABLE, wrong)).await.expect("routes");
    for _ in 0..2 {
        for number in 0..TABLE {
            assert_eq!(ask(&stage, &mut connection, number).await, None);
        }
    }
    let stats = stage.envoy.stats().await;
    assert_eq!(stats.value("route_config_rejected"), 2 * TABLE as u64);
    let lines = stage.envoy.log().matches("document of a route refused: rules[0].percentage").count();
    assert_eq!(lines, TABLE);
    stage.is_sound().await;
}
