//! The manifests that people apply: their Envoy configuration, as transformed by the mesh, runs in a real Envoy and
//! injects faults.
//!
//! They are the output of `brownout render`, as the command's own tests check. No control plane runs here: [`istio`]
//! and [`cilium`] reproduce what theirs are known to do to the parts that reach Envoy.

mod cilium;
mod gate;
mod istio;
mod plain;

use serde_json::Value;
use std::fs;
use std::time::{Duration, Instant};
use support::client::{Connection, Protocol, Reply, Request};
use support::envoy::Envoy;

/// The message that holds the module.
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

fn text(path: &str) -> String {
    fs::read_to_string(support::repository::root().join(path)).expect(path)
}

fn manifest(path: &str) -> Value {
    serde_saphyr::from_str(&text(path)).expect(path)
}

/// Every object in a value, the value itself among them.
fn objects(value: &Value) -> Vec<&Value> {
    let inner: Vec<&Value> = match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(fields) => fields.values().collect(),
        _ => Vec::new(),
    };
    let this = value.is_object().then_some(value);
    this.into_iter().chain(inner.into_iter().flat_map(objects)).collect()
}

/// Does something to every object in a value.
fn each_object(value: &mut Value, change: &impl Fn(&mut Value)) {
    if value.is_object() {
        change(value);
    }
    match value {
        Value::Array(list) => list.iter_mut().for_each(|inner| each_object(inner, change)),
        Value::Object(fields) => fields.values_mut().for_each(|inner| each_object(inner, change)),
        _ => {}
    }
}

/// Points every module to the local file, as an agent or a volume provides it to the proxy.
fn with_the_module(value: &mut Value) {
    let module = support::repository::module();
    each_object(value, &|object| {
        // A message without a configuration names no module: a route uses one to enable the filter.
        if object["@type"] == WASM && object.get("config").is_some() {
            assert_eq!(object["config"]["failure_policy"], "FAIL_OPEN");
            object["config"]["vm_config"]["code"] = serde_json::json!({ "local": { "filename": module } });
        }
    });
}

async fn reply(envoy: &Envoy, listener: &str, request: Request) -> Reply {
    let mut connection = Connection::open(Protocol::Http1, envoy.address(listener)).await;
    connection.send(request).await.expect("a reply")
}

async fn status(envoy: &Envoy, listener: &str, request: Request) -> u16 {
    reply(envoy, listener, request).await.status.as_u16()
}

/// The time after a reply within which Envoy may still write earlier log lines.
const LOGGED: Duration = Duration::from_millis(300);

/// Returns the statuses of requests, and whether each entered the module, according to Envoy's log.
async fn entered<const N: usize>(envoy: &Envoy, listener: &str, requests: [Request; N]) -> [(u16, bool); N] {
    envoy.log_level("wasm", "trace").await;
    let calls = || envoy.log().matches("proxy_on_request_headers").count();
    let mut found = [(0, false); N];
    for (request, found) in requests.into_iter().zip(&mut found) {
        let before = calls();
        let status = status(envoy, listener, request).await;
        // Envoy may write its log only after the reply.
        let end = Instant::now() + LOGGED;
        while calls() == before && Instant::now() < end {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        *found = (status, calls() > before);
    }
    found
}
