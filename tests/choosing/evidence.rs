//! The evidence that a faulted exchange leaves.

use crate::stage::{MAIN, Stage, rules};
use serde_json::{Value, json};
use support::client::Request;
use support::deadline::until;

fn document(report: Value) -> Value {
    let rule = |name: &str, faults: Value| {
        let mut rule =
            json!({ "name": name, "match": { "path": { "exact": format!("/{name}") } }, "percentage": 100 });
        rule.as_object_mut().expect("an object").extend(faults.as_object().cloned().expect("an object"));
        rule
    };
    let (delay, abort) = (json!({ "fixed_delay": "120ms" }), json!({ "http_status": 503 }));
    let mut document = rules([
        rule("delayed", json!({ "delay": delay })),
        rule("aborted", json!({ "abort": abort })),
        rule("both", json!({ "delay": delay, "abort": abort })),
        rule("shadowed", json!({ "mode": "shadow", "abort": abort })),
    ]);
    document["report"] = report;
    document
}

/// Rule, faults, delay and details in the access log, and the `x-brownout` header of the reply.
type Told = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

async fn told(report: Value) -> Vec<Told> {
    let stage = Stage::with(1, &document(report)).await;
    let mut connection = stage.connect().await;
    let mut headers = Vec::new();
    for path in ["/delayed", "/aborted", "/both", "/shadowed", "/none"] {
        headers.push(stage.answer(&mut connection, Request::get(path)).await.header("x-brownout"));
    }
    let entries = until("the access log", async || {
        let entries = stage.envoy.access_log(MAIN);
        (entries.len() == headers.len()).then_some(entries)
    })
    .await;
    stage.is_sound().await;
    let told = entries.into_iter().zip(headers);
    told.map(|(entry, header)| (entry.rule, entry.faults, entry.delay_ms, entry.details, header)).collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.into())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_access_log_and_the_client_are_told_rule_faults_and_delay() {
    let expected = [
        (some("delayed"), some("delay"), some("120"), some("via_upstream"), some("delayed; delay")),
        (some("aborted"), some("abort"), None, some("brownout_abort"), some("aborted; abort")),
        (some("both"), some("delay; abort"), some("120"), some("brownout_abort"), some("both; delay; abort")),
        (None, None, None, some("via_upstream"), None),
        (None, None, None, some("via_upstream"), None),
    ];
    assert_eq!(told(json!({})).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_who_is_not_to_be() {
    let silent = told(json!({ "response_header": false })).await;
    assert_eq!(silent[2], (some("both"), some("delay; abort"), some("120"), some("brownout_abort"), None));
    assert_eq!(silent[0], (some("delayed"), some("delay"), some("120"), some("via_upstream"), None));
    let unlogged = told(json!({ "filter_state": false })).await;
    assert_eq!(unlogged[2], (None, None, None, some("brownout_abort"), some("both; delay; abort")));
    assert_eq!(unlogged[0], (None, None, None, some("via_upstream"), some("delayed; delay")));
}
