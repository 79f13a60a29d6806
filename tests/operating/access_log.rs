//! The access log configuration in `envoy/access_log.yaml`.

use crate::stage::Stage;
use serde_json::{Value, json};
use support::deadline::until;

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_says_which_rule_took_an_exchange_and_what_it_did() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let path = folder.path().join("access.log");
    let mut entry: Value = serde_saphyr::from_str(brownout_cli::evidence::ACCESS_LOG).expect("YAML");
    // The same format in a file, since the test cannot read Envoy's standard output.
    entry["name"] = json!("envoy.access_loggers.file");
    entry["typed_config"]["@type"] =
        json!("type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog");
    entry["typed_config"]["path"] = json!(path);
    let stage = Stage::start(|listener| listener.field("access_log", json!([entry]))).await;
    stage.get("/both").await;
    stage.get("/none?a=b").await;
    let lines = until("two lines", async || {
        let text = std::fs::read_to_string(&path).ok()?;
        let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (lines.len() == 2).then_some(lines)
    })
    .await;
    let seen: Vec<Value> = lines
        .into_iter()
        .map(|mut line| {
            for changing in ["time", "duration_ms", "authority"] {
                assert!(!line[changing].is_null(), "{line}");
                line.as_object_mut().expect("an object").remove(changing);
            }
            line
        })
        .collect();
    let both = json!({ "method": "GET", "path": "/both", "status": 503, "details": "brownout_abort", "flags": "-",
        "rule": "both", "faults": "delay; abort", "delay_ms": "1" });
    let none = json!({ "method": "GET", "path": "/none?a=b", "status": 200, "details": "via_upstream", "flags": "-",
        "rule": null, "faults": null, "delay_ms": null });
    assert_eq!(seen, [both, none]);
}
