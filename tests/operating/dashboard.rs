//! Tests of the dashboard in `envoy/grafana`.

use crate::prometheus::{Prometheus, Scrape, file, metrics, promtool};
use crate::stage::Stage;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::deadline::until;

/// The width of Grafana's grid.
const COLUMNS: u64 = 24;

fn dashboard() -> Value {
    let text = std::fs::read_to_string(file("grafana/brownout.json")).expect("the dashboard");
    serde_json::from_str(&text).expect("JSON")
}

fn panels() -> Vec<Value> {
    dashboard()["panels"].as_array().expect("panels").clone()
}

/// Returns the queries of all panels, with Grafana's variables replaced by numbers and patterns.
fn queries() -> Vec<String> {
    let panels = panels();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let queries = targets.map(|target| target["expr"].as_str().expect("a query"));
    let filled = |query: &str| {
        query.replace("$__rate_interval", "5m").replace("$job", ".*").replace("$instance", ".*")
    };
    queries.map(filled).collect()
}

#[test]
fn panels_have_names_and_a_place_of_their_own() {
    let dashboard = dashboard();
    assert_eq!((&dashboard["uid"], &dashboard["title"]), (&json!("brownout"), &json!("Brownout")));
    assert!(dashboard["schemaVersion"].as_u64() >= Some(30));
    let source = json!({ "type": "prometheus", "uid": "${datasource}" });
    let (mut ids, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for panel in panels() {
        let title = panel["title"].as_str().expect("a title");
        assert!(["stat", "timeseries"].contains(&panel["type"].as_str().expect("a type")), "{title}");
        assert!(ids.insert(panel["id"].as_u64().expect("a number")), "{title}: its id is another's");
        assert_eq!(panel["datasource"], source, "{title}");
        let place = |side: &str| panel["gridPos"][side].as_u64().expect("a place");
        assert!(place("x") + place("w") <= COLUMNS, "{title} is beyond the edge");
        for x in place("x")..place("x") + place("w") {
            for y in place("y")..place("y") + place("h") {
                assert!(taken.insert((x, y)), "{title} lies over another panel");
            }
        }
        let targets = panel["targets"].as_array().expect("targets");
        let letters: BTreeSet<_> = targets.iter().map(|target| target["refId"].to_string()).collect();
        assert!(!targets.is_empty() && letters.len() == targets.len(), "{title}");
        assert!(targets.iter().all(|target| target["datasource"] == source), "{title}");
    }
}

#[test]
fn prometheus_understands_every_query() {
    let rules: Vec<Value> = queries()
        .iter()
        .enumerate()
        .map(|(n, query)| json!({ "record": format!("query:{n}"), "expr": query }))
        .collect();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("queries.json");
    let groups = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    std::fs::write(&path, groups.to_string()).expect("room on the disk");
    promtool(&["check", "rules"], &path);
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_speak_of_metrics_that_a_real_scrape_has() {
    let stage = Stage::start(|listener| listener).await;
    stage.exercise().await;
    let scrape = Scrape::of(&stage.envoy).await;
    for query in queries() {
        let metrics = metrics(&query);
        assert!(!metrics.is_empty(), "{query}");
        for metric in metrics {
            assert!(scrape.has(metric), "no {metric}, of which speaks: {query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_panel_shows_something_in_a_real_prometheus_and_an_alert_fires() {
    let stage = Stage::start(|listener| listener).await;
    // Counters have no rate before they have two values.
    let prometheus = Prometheus::reading(&stage.envoy).await;
    prometheus.ask("count_over_time(brownout_matched[1m]) > 1").await;
    stage.exercise().await;
    prometheus.ask("increase(brownout_rule_injected{rule=\"both\",fault=\"delay\"}[1m]) > 0").await;
    for query in queries() {
        prometheus.ask(&query).await;
    }
    // One bad document was pushed, and nothing else is wrong.
    until("an alert", async || (prometheus.firing().await == ["BrownoutDocumentRefused"]).then_some(()))
        .await;
}
