//! The manifests that people apply: their documents are good, and what stands in them for Envoy runs in a real one,
//! after what the mesh makes of it.

use brownout_core::Plan;
use serde_json::{Value, json};
use std::fs;
use support::client::{Connection, Protocol, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

const WASM: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

fn manifest(path: &str) -> Value {
    let text = fs::read_to_string(support::repository::root().join(path)).expect(path);
    serde_saphyr::from_str(&text).expect(path)
}

/// The filter of a manifest, with the module from here.
fn filter(name: &str, mut typed_config: Value) -> Filter {
    let module = support::repository::module();
    let local = typed_config.pointer_mut("/config/vm_config/code/local").expect("a module in a file");
    *local = json!({ "filename": module });
    let fields = typed_config.as_object_mut().expect("a message");
    assert_eq!(fields.remove("@type"), Some(format!("type.googleapis.com/{WASM}").into()));
    assert_eq!(fields["config"]["failure_policy"], "FAIL_OPEN");
    Filter::typed(name, WASM, typed_config)
}

async fn started(listener: Listener) -> (Upstream, Envoy) {
    let upstream = Upstream::start().await;
    let cluster = Cluster::named("demo/reviews:8080", upstream.address());
    let usual = Cluster::of(&upstream);
    let envoy = Envoy::start(Bootstrap::new().cluster(usual).cluster(cluster).listener(listener)).await;
    (upstream, envoy)
}

async fn status(envoy: &Envoy, request: Request) -> u16 {
    let mut connection = Connection::open(Protocol::Http1, envoy.address("demo")).await;
    connection.send(request).await.expect("a reply").status.as_u16()
}

/// Istio's control plane prints the document as JSON into a StringValue.
#[tokio::test(flavor = "multi_thread")]
async fn the_wasm_plugin_delays_what_it_says() {
    let manifest = manifest("istio/wasmplugin.yaml");
    let spec = &manifest["spec"];
    assert_eq!((&spec["failStrategy"], &spec["match"][0]["mode"]), (&"FAIL_OPEN".into(), &"SERVER".into()));
    let mut document = spec["pluginConfig"].clone();
    Plan::from_json(document.to_string().as_bytes()).expect("a good document");
    document["rules"][0]["percentage"] = 100.into();
    let configuration = Configuration::document(&document);
    let listener = Listener::named("demo").filter(Filter::brownout(&configuration));
    let (upstream, envoy) = started(listener).await;
    let mut connection = Connection::open(Protocol::Http1, envoy.address("demo")).await;
    let reply = connection.send(Request::get("/reviews/1")).await.expect("a reply");
    assert_eq!(reply.header("x-brownout").as_deref(), Some("slow-reviews; delay"));
    assert!(reply.headers_after.as_millis() >= 500, "{:?}", reply.headers_after);
    assert_eq!(upstream.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envoy_filter_aborts_what_it_says() {
    let manifest = manifest("istio/envoyfilter.yaml");
    let patches = &manifest["spec"]["configPatches"];
    let (resource, place) = (&patches[0]["patch"]["value"], &patches[1]["patch"]);
    assert_eq!((&resource["name"], &place["operation"]), (&place["value"]["name"], &"INSERT_BEFORE".into()));
    assert_eq!(place["value"]["config_discovery"]["type_urls"][0], resource["typed_config"]["@type"]);
    let filter = filter("demo.brownout", resource["typed_config"].clone());
    let (upstream, envoy) = started(Listener::named("demo").filter(filter)).await;
    assert_eq!(status(&envoy, Request::get("/").header("x-tester", "alice")).await, 503);
    assert_eq!(upstream.count(), 0);
    assert_eq!(status(&envoy, Request::get("/").header("x-tester", "bob")).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cilium_envoy_config_aborts_on_its_route_and_nowhere_else() {
    let manifest = manifest("cilium/ciliumenvoyconfig.yaml");
    let resources = &manifest["spec"]["resources"];
    let hcm = &resources[0]["filter_chains"][0]["filters"][0]["typed_config"];
    let (ours, router) = (&hcm["http_filters"][0], &hcm["http_filters"][1]);
    assert_eq!(router["name"], "envoy.filters.http.router", "Cilium puts its own filter before this name");
    assert_eq!(hcm["rds"]["route_config_name"], resources[1]["name"]);
    let mut routes = resources[1]["virtual_hosts"][0]["routes"].as_array().expect("routes").clone();
    let document = routes[0].pointer_mut("/metadata/filter_metadata/brownout/json").expect("a document");
    let mut rules: Value = serde_json::from_str(document.as_str().expect("a string")).expect("JSON");
    rules["rules"][0]["percentage"] = 100.into();
    *document = rules.to_string().into();
    let filter = filter("envoy.filters.http.wasm", ours["typed_config"].clone());
    let (upstream, envoy) = started(Listener::named("demo").filter(filter).routes(routes)).await;
    assert_eq!(status(&envoy, Request::get("/ratings/1")).await, 503);
    assert_eq!(upstream.count(), 0);
    assert_eq!(status(&envoy, Request::get("/reviews/1")).await, 200);
    assert_eq!(envoy.stat("wasmcustom.brownout.rule.failing-ratings.aborts_injected").await, 1);
}
