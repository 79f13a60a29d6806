//! Configurations that both filters refuse or accept.

use super::{abort, always};
use crate::import;
use crate::trial::Plan;
use serde_json::{Value, json};
use support::envoy::{Bootstrap, Filter, Listener, accepts, version};
use tokio::task::spawn_blocking;

pub fn all() -> Vec<Plan> {
    vec![
        Plan::new("configurations_refused_and_taken", Vec::new(), |_| Box::pin(all_of_them()))
            .asserts("grpc_status_above_16"),
    ]
}

async fn native_takes(fault: &Value) -> bool {
    let listener = Listener::named("fault").filter(Filter::native_fault(fault.clone())).routes(Vec::new());
    spawn_blocking(move || accepts(&Bootstrap::new().listener(listener))).await.expect("no panic")
}

async fn all_of_them() {
    let body_is_known = version() >= (1, 40);
    let rows = [
        (json!({}), true),
        (json!({ "abort": abort(200) }), true),
        (json!({ "abort": abort(599) }), true),
        (json!({ "abort": abort(199) }), false),
        (json!({ "abort": abort(600) }), false),
        (json!({ "abort": { "percentage": always() } }), false),
        (json!({ "abort": {} }), false),
        (json!({ "abort": { "grpc_status": 16, "percentage": always() } }), true),
        (json!({ "abort": { "grpc_status": -1, "percentage": always() } }), false),
        (json!({ "abort": { "http_status": 503, "grpc_status": 5 } }), false),
        (json!({ "abort": { "http_status": 503, "response_body": "x" } }), body_is_known),
        (json!({ "delay": { "fixed_delay": "0s", "percentage": always() } }), false),
        (json!({ "delay": { "fixed_delay": "-1s", "percentage": always() } }), false),
        (json!({ "delay": { "fixed_delay": "0.0005s", "percentage": always() } }), true),
        (json!({ "delay": { "fixed_delay": 3, "percentage": always() } }), false),
        (json!({ "delay": { "percentage": always() } }), false),
        (json!({ "delay": {} }), false),
        (json!({ "delay": { "header_delay": {} } }), true),
        (json!({ "delay": { "fixed_delay": "1s", "percentage": { "denominator": "TENTHS" } } }), false),
        (json!({ "delay": { "fixed_delay": "1s", "percentage": { "numerator": -1 } } }), false),
        (json!({ "delay": { "fixed_delay": "1s", "percentage": { "numerator": 250 } } }), true),
        (json!({ "dealy": { "fixed_delay": "1s" } }), false),
        (json!({ "max_active_faults": 0 }), true),
        (json!({ "max_active_faults": -1 }), false),
        // Envoy's descriptors say otherwise, and so, it seems, does a test of its filter.
        (json!({ "downstream_nodes": [""] }), true),
        (json!({ "downstream_nodes": ["a"] }), true),
        (json!({ "headers": [{ "name": "" }] }), false),
        (
            json!({ "headers": [{ "name": "x-a", "string_match": { "safe_regex": { "regex": "(" } } }] }),
            false,
        ),
        (json!({ "headers": [{ "name": "x-a", "string_match": { "prefix": "" } }] }), false),
        (json!({ "headers": [{ "name": "x-a", "string_match": {} }] }), false),
    ];
    let mut wrong = Vec::new();
    for (fault, good) in rows {
        let native = native_takes(&fault).await;
        let ours = import::document("configuration", &fault).is_ok();
        // Our importer knows what the newest Envoy knows.
        let newer = !body_is_known && fault.to_string().contains("response_body");
        if native != good || ours != (good || newer) {
            wrong.push(format!("{fault}: native {native}, ours {ours}, expected {good}"));
        }
    }
    assert_eq!(wrong, [] as [String; 0]);
    let strange = json!({ "abort": { "grpc_status": 999, "percentage": always() } });
    assert!(native_takes(&strange).await, "a gRPC status that does not exist");
    assert!(import::document("configuration", &strange).is_err(), "a gRPC status that does not exist");
}
