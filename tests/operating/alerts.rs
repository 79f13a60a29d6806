//! Tests of the alerts in `envoy/prometheus`.

use crate::prometheus::{Scrape, file, metrics, promtool};
use crate::stage::Stage;
use serde_json::Value;

#[test]
fn prometheus_takes_the_alerts_and_each_fires_when_it_should_and_not_before() {
    promtool(&["check", "rules"], &file("prometheus/alerts.yaml"));
    promtool(&["test", "rules"], &file("prometheus/alerts_test.yaml"));
    promtool(&["check", "config"], &file("prometheus/prometheus.yaml"));
}

#[test]
fn every_alert_is_tested_and_stands_in_the_docs() {
    let docs = support::repository::root().join("docs/operating.md");
    let docs = std::fs::read_to_string(docs).expect("the docs");
    let tests = std::fs::read_to_string(file("prometheus/alerts_test.yaml")).expect("the tests");
    for rule in rules() {
        let name = rule["alert"].as_str().expect("a name").to_owned();
        assert!(docs.contains(&format!("| `{name}` |")), "docs/operating.md has no row for {name}");
        assert!(tests.contains(&format!("alertname: {name}\n")), "alerts_test.yaml has no {name} that fires");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_speak_of_metrics_that_a_real_scrape_has() {
    let stage = Stage::start(|listener| listener).await;
    stage.exercise().await;
    let scrape = Scrape::of(&stage.envoy).await;
    for rule in rules() {
        for metric in metrics(rule["expr"].as_str().expect("an expression")) {
            assert!(scrape.has(metric), "{}: no {metric}", rule["alert"]);
        }
    }
}

fn rules() -> Vec<Value> {
    let text = std::fs::read_to_string(file("prometheus/alerts.yaml")).expect("the alerts");
    let alerts: Value = serde_saphyr::from_str(&text).expect("YAML");
    alerts["groups"][0]["rules"].as_array().expect("rules").clone()
}
