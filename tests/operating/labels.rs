//! The labels that `envoy/stats_tags.yaml` gives.

use crate::prometheus::Scrape;
use crate::stage::Stage;
use std::collections::BTreeMap;

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_has_the_rule_and_the_kind_of_fault_as_labels() {
    let stage = Stage::start(|listener| listener).await;
    stage.exercise().await;
    let scrape = Scrape::of(&stage.envoy).await;
    let expected = [
        (r#"brownout_rule_matched{rule="a.slow-rule_1.matched"}"#, 2.0),
        (r#"brownout_rule_injected{rule="a.slow-rule_1.matched"}"#, 2.0),
        (r#"brownout_rule_injected{fault="delay",rule="a.slow-rule_1.matched"}"#, 2.0),
        (r#"brownout_rule_matched{rule="bad"}"#, 1.0),
        (r#"brownout_rule_injected{rule="bad"}"#, 1.0),
        (r#"brownout_rule_injected{fault="abort",rule="bad"}"#, 1.0),
        (r#"brownout_rule_matched{rule="both"}"#, 1.0),
        (r#"brownout_rule_injected{rule="both"}"#, 1.0),
        (r#"brownout_rule_injected{fault="abort",rule="both"}"#, 1.0),
        (r#"brownout_rule_injected{fault="delay",rule="both"}"#, 1.0),
        (r#"brownout_rule_matched{rule="shadow"}"#, 1.0),
        (r#"brownout_rule_shadowed{rule="shadow"}"#, 1.0),
    ];
    assert_eq!(scrape.counted("brownout_rule_"), BTreeMap::from(expected));
    let injected = [
        ("brownout_injected{}", 4.0),
        (r#"brownout_injected{fault="abort"}"#, 2.0),
        (r#"brownout_injected{fault="delay"}"#, 3.0),
    ];
    assert_eq!(scrape.counted("brownout_injected"), BTreeMap::from(injected));
    assert!(!scrape.counted("brownout_config_rejected{}").is_empty());
    assert!(!scrape.counted("brownout_document_refused{}").is_empty());
    // Envoy's own metrics keep their labels.
    assert!(scrape.has("envoy_cluster_upstream_rq_total"));
}
