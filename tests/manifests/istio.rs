//! A stand-in for Istio's control plane, limited to the parts that reach Envoy.

use super::{entered, manifest, reply, status, with_the_module};
use serde_json::{Value, json};
use std::path::Path;
use support::client::Request;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;
use tempfile::TempDir;

const SERVICE: &str = "reviews.demo.svc.cluster.local";

/// A proxy with one listener, one table of routes and one cluster, and the patches of EnvoyFilters.
struct Proxy {
    listener: Listener,
    cluster: Cluster,
    host: Value,
    /// The directory with the resources that Istio would push.
    pushed: TempDir,
}

impl Proxy {
    /// A sidecar with a listener for inbound requests, or for outbound calls to the service.
    fn new(inbound: bool, upstream: &Upstream) -> Self {
        let name = if inbound { "inbound|http|8080".into() } else { format!("{SERVICE}:8080") };
        let route = |name: &str, prefix: &str| {
            let action = json!({ "cluster": Cluster::USUAL, "timeout": "0s" });
            json!({ "name": name, "match": { "prefix": prefix }, "route": action })
        };
        let routes = [route("canary", "/canary"), route("default", "/")];
        let direction = if inbound { "INBOUND" } else { "OUTBOUND" };
        Self {
            listener: Listener::named("demo").listener_field("traffic_direction", direction.into()),
            cluster: Cluster::of(upstream),
            host: json!({ "name": name, "domains": ["*"], "routes": routes }),
            pushed: tempfile::tempdir().expect("a temporary directory"),
        }
    }

    /// Applies an EnvoyFilter. Istio silently skips a patch that matches nothing; this panics.
    fn apply(mut self, filter: &Value) -> Self {
        for patch in filter["spec"]["configPatches"].as_array().expect("patches") {
            let (found, operation) = (&patch["match"], &patch["patch"]["operation"]);
            let mut value = patch["patch"]["value"].clone();
            with_the_module(&mut value);
            self =
                match (patch["applyTo"].as_str().expect("a kind"), operation.as_str().expect("an operation"))
                {
                    ("EXTENSION_CONFIG", "ADD") => self.push(value),
                    ("HTTP_FILTER", "INSERT_BEFORE") => self.insert_before_the_router(found, value),
                    ("HTTP_ROUTE", "MERGE") => self.merge_route(found, &value),
                    ("CLUSTER", "MERGE") => self.merge_cluster(found, value),
                    ("NETWORK_FILTER", "MERGE") => self.merge_manager(&value),
                    other => panic!("{other:?} is not what Istio does"),
                };
        }
        self
    }

    fn resource(&self, name: &str) -> std::path::PathBuf {
        self.pushed.path().join(format!("{name}.json"))
    }

    fn push(self, mut resource: Value) -> Self {
        let path = self.resource(resource["name"].as_str().expect("a name"));
        resource["@type"] = json!("type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig");
        std::fs::write(path, json!({ "resources": [resource] }).to_string()).expect("room on the disk");
        self
    }

    /// Replaces Istio's discovery with files.
    fn with_files(&self, mut filter: Value) -> Value {
        let path = self.resource(filter["name"].as_str().expect("a name"));
        assert!(path.is_file(), "nothing is pushed under the name {}", filter["name"]);
        let discovery = &mut filter["config_discovery"];
        assert_eq!(discovery["config_source"]["ads"], json!({}));
        discovery["config_source"] =
            json!({ "resource_api_version": "V3", "path_config_source": { "path": path } });
        filter
    }

    fn insert_before_the_router(mut self, found: &Value, filter: Value) -> Self {
        let place = &found["listener"]["filterChain"]["filter"];
        assert_eq!(place["name"], "envoy.filters.network.http_connection_manager");
        assert_eq!(place["subFilter"]["name"], "envoy.filters.http.router");
        let types = filter["config_discovery"]["type_urls"].as_array().expect("types");
        // The agent may send an RBAC filter instead of a module.
        let is_rbac = |name: &Value| name.as_str().is_some_and(|name| name.ends_with("RBAC"));
        assert!(types.iter().any(is_rbac), "{types:?}");
        let filter = Filter::verbatim(self.with_files(filter));
        self.listener = self.listener.filter(filter);
        self
    }

    fn merge_route(mut self, found: &Value, value: &Value) -> Self {
        let wanted = &found["routeConfiguration"]["vhost"];
        assert_eq!(wanted["name"], self.host["name"]);
        let routes = self.host["routes"].as_array_mut().expect("routes");
        let named = routes.iter_mut().find(|route| route["name"] == wanted["route"]["name"]);
        let route = named.expect("a route of that name");
        for (field, value) in value.as_object().expect("a route") {
            route[field] = value.clone();
        }
        self
    }

    /// Merges into the cluster: values under the same map key are replaced as a whole.
    fn merge_cluster(mut self, found: &Value, mut value: Value) -> Self {
        assert_eq!(found["cluster"], json!({ "service": SERVICE, "portNumber": 8080 }));
        let options = &mut value["typed_extension_protocol_options"];
        let filter =
            &mut options["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"]["http_filters"][0];
        *filter = self.with_files(filter.clone());
        self.cluster = self.cluster.field("typed_extension_protocol_options", options.clone());
        self
    }

    fn merge_manager(mut self, value: &Value) -> Self {
        for (name, value) in value["typed_config"].as_object().expect("a message") {
            if name != "@type" {
                self.listener = self.listener.field(name, value.clone());
            }
        }
        self
    }

    async fn start(self) -> (Envoy, TempDir) {
        let listener = self.listener.hosts(vec![self.host]);
        (Envoy::start(Bootstrap::new().cluster(self.cluster).listener(listener)).await, self.pushed)
    }
}

/// Istio prints the document as JSON, its keys sorted, into a string.
async fn plugin(path: &str, plugin: &Value) {
    assert_eq!(
        (&plugin["failStrategy"], &plugin["pluginName"]),
        (&"FAIL_OPEN".into(), &"brownout".into()),
        "{path}"
    );
    let configuration = Configuration::document(&plugin["pluginConfig"]);
    let upstream = Upstream::start().await;
    let listener = Listener::named("demo").filter(Filter::discovered("demo.brownout", configuration));
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let faulted = reply(&envoy, "demo", Request::get("/").header("x-tester", "alice")).await;
    assert_eq!(faulted.status, 503, "{path}");
    assert_eq!(faulted.header("x-brownout").as_deref(), Some("failing-reviews; abort"), "{path}");
    assert_eq!(upstream.count(), 0, "{path}");
    assert_eq!(status(&envoy, "demo", Request::get("/").header("x-tester", "bob")).await, 200, "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plugin_and_the_extension_abort_what_they_say() {
    plugin("wasmplugin", &manifest("istio/wasmplugin.yaml")["spec"]).await;
    plugin("trafficextension", &manifest("istio/trafficextension.yaml")["spec"]["wasm"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envoy_filter_aborts_what_arrives() {
    let upstream = Upstream::start().await;
    let proxy = Proxy::new(true, &upstream).apply(&manifest("istio/envoyfilter.yaml"));
    let (envoy, _pushed) = proxy.start().await;
    assert_eq!(status(&envoy, "demo", Request::get("/").header("x-tester", "alice")).await, 503);
    assert_eq!(upstream.count(), 0);
    assert_eq!(status(&envoy, "demo", Request::get("/").header("x-tester", "bob")).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envoy_filter_for_routes_faults_its_route_and_no_other() {
    let upstream = Upstream::start().await;
    let proxy = Proxy::new(false, &upstream).apply(&manifest("istio/envoyfilter-routes.yaml"));
    let (envoy, _pushed) = proxy.start().await;
    let alice = |path: &str| Request::get(path).header("x-tester", "alice");
    assert_eq!(status(&envoy, "demo", alice("/any")).await, 503);
    assert_eq!(status(&envoy, "demo", alice("/canary")).await, 200);
    assert_eq!(upstream.count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_only_no_request_of_another_route_enters_the_module() {
    let upstream = Upstream::start().await;
    let filter = manifest("src/cli/tests/render/istio/envoyfilter-only.yaml");
    let (envoy, _pushed) = Proxy::new(false, &upstream).apply(&filter).start().await;
    let tester = |path: &str| Request::get(path).header("x-tester", "off");
    let ours = ["/canary", "/canary/1"].map(tester);
    let others = ["/", "/reviews", "/other"].map(tester);
    assert_eq!(entered(&envoy, "demo", others).await, [(200, false); 3]);
    assert_eq!(entered(&envoy, "demo", ours).await, [(403, true); 2]);
    assert_eq!(envoy.stats().await.value("rule.failing.matched"), 2);
}

/// Envoy accepts everything that the command's tests expect for Istio, whatever its purpose.
#[tokio::test(flavor = "multi_thread")]
async fn envoy_takes_every_envoy_filter_that_is_rendered() {
    let folder = Path::new("src/cli/tests/render/istio");
    for (name, inbound) in [("inbound", true), ("waypoint", true), ("outbound", false), ("routes", false)] {
        let upstream = Upstream::start().await;
        let path = folder.join(format!("envoyfilter-{name}.yaml"));
        let filter = manifest(path.to_str().expect("plain characters"));
        let (envoy, _pushed) = Proxy::new(inbound, &upstream).apply(&filter).start().await;
        assert_eq!(status(&envoy, "demo", Request::get("/").header("x-tester", "off")).await, 403, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envoy_filter_with_a_gate_lets_in_what_its_rules_need() {
    let upstream = Upstream::start().await;
    let filter = manifest("src/cli/tests/render/istio/envoyfilter-gated.yaml");
    let (envoy, _pushed) = Proxy::new(true, &upstream).apply(&filter).start().await;
    assert_eq!(status(&envoy, "demo", Request::get("/").header("x-tester", "alice")).await, 503);
    assert_eq!(upstream.count(), 0);
    assert_eq!(status(&envoy, "demo", Request::get("/").header("x-tester", "bob")).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_envoy_filter_for_a_cluster_aborts_in_the_place_of_the_answer() {
    let upstream = Upstream::start().await;
    let filter = manifest("src/cli/tests/render/istio/envoyfilter-upstream.yaml");
    let (envoy, _pushed) = Proxy::new(false, &upstream).apply(&filter).start().await;
    let faulted = reply(&envoy, "demo", Request::get("/reviews/1")).await;
    assert_eq!(faulted.status, 503);
    assert_eq!(faulted.header("x-brownout").as_deref(), Some("failing-tries; abort"));
    assert_eq!(upstream.count(), 1);
    assert_eq!(status(&envoy, "demo", Request::get("/ratings")).await, 200);
}
