//! A stand-in for Cilium's agent, limited to the parts that reach Envoy.

use super::{manifest, objects, with_the_module};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Envoy, Listener};
use support::upstream::Upstream;
use tempfile::TempDir;
use tokio::sync::Mutex;

const TYPES: &str = "type.googleapis.com/";

/// The resources that the agent can read: it skips all others with a line in its log.
const RESOURCES: [&str; 5] = [
    "envoy.config.cluster.v3.Cluster",
    "envoy.config.endpoint.v3.ClusterLoadAssignment",
    "envoy.config.listener.v3.Listener",
    "envoy.config.route.v3.RouteConfiguration",
    "envoy.extensions.transport_sockets.tls.v3.Secret",
];

/// The extensions that rendered configurations may need and that Cilium builds into its Envoy. Envoy's own `fault`,
/// `lua`, `composite` and `header_mutation` are not included.
const BUILT_IN: [&str; 6] = [
    "envoy.extensions.filters.http.router.v3.Router",
    "envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec",
    "envoy.extensions.filters.http.wasm.v3.Wasm",
    "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
    "google.protobuf.StringValue",
];

/// The agent's translation of a CiliumEnvoyConfig.
struct Node {
    envoy: Envoy,
    routes: Value,
    pushed: TempDir,
}

impl Node {
    async fn start(path: &str, upstream: &Upstream) -> Self {
        let mut manifest = manifest(path);
        with_the_module(&mut manifest);
        let namespace = manifest["metadata"]["namespace"].as_str().unwrap_or_default();
        let owner = format!("{namespace}/{}", manifest["metadata"]["name"].as_str().expect("a name"));
        let of_type = |name: &str| {
            let kind = format!("{TYPES}envoy.config.{name}");
            let mut all = manifest["spec"]["resources"].as_array().expect("resources").iter();
            all.find(|resource| resource["@type"] == kind.as_str()).expect("a resource of the type").clone()
        };
        let pushed = tempfile::tempdir().expect("a temporary directory");
        let listener = listener(&of_type("listener.v3.Listener"), &owner, pushed.path());
        let cluster = cluster(&of_type("cluster.v3.Cluster"), upstream);
        let routes = qualified(of_type("route.v3.RouteConfiguration"), &owner);
        push(pushed.path(), &routes);
        let envoy = Envoy::start(Bootstrap::new().cluster(cluster).listener(listener)).await;
        Self { envoy, routes, pushed }
    }

    async fn open(&self) -> Connection {
        Connection::open(Protocol::Http1, self.envoy.address("demo")).await
    }
}

/// Prefixes the names of route tables and virtual hosts with the owner's; cluster names with a `/` stay as they are.
fn qualified(mut routes: Value, owner: &str) -> Value {
    let qualify = |name: &mut Value| *name = format!("{owner}/{}", name.as_str().expect("a name")).into();
    qualify(&mut routes["name"]);
    for host in routes["virtual_hosts"].as_array_mut().expect("hosts") {
        qualify(&mut host["name"]);
        for route in host["routes"].as_array().expect("routes") {
            assert_eq!(route["route"]["cluster"], "demo/reviews:8080");
        }
    }
    routes
}

fn push(folder: &Path, routes: &Value) {
    let new = folder.join("new.json");
    std::fs::write(&new, json!({ "resources": [routes] }).to_string()).expect("room on the disk");
    std::fs::rename(new, folder.join("routes.json")).expect("a folder of our own");
}

/// Returns the listener with an address, and with its routes from the agent.
fn listener(resource: &Value, owner: &str, pushed: &Path) -> Listener {
    let mut chains = resource["filter_chains"].clone();
    let manager = &mut chains[0]["filters"][0]["typed_config"];
    let last = manager["http_filters"].as_array().and_then(|filters| filters.last()).expect("filters");
    assert_eq!(last["name"], "envoy.filters.http.router", "Cilium puts its own filter before this name");
    let table = manager["rds"]["route_config_name"].as_str().expect("a name");
    let source =
        json!({ "resource_api_version": "V3", "path_config_source": { "path": pushed.join("routes.json") } });
    manager["rds"] = json!({ "route_config_name": format!("{owner}/{table}"), "config_source": source });
    Listener::named("demo").listener_field("filter_chains", chains)
}

/// Returns the cluster with its endpoints from the agent.
fn cluster(resource: &Value, upstream: &Upstream) -> Cluster {
    assert_eq!(resource["type"], "EDS");
    let options = resource["typed_extension_protocol_options"].clone();
    Cluster::named(resource["name"].as_str().expect("a name"), upstream.address())
        .field("typed_extension_protocol_options", options)
}

fn alice(path: &str) -> Request {
    Request::get(path).header("x-tester", "alice")
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_injected_on_the_paths_that_were_named_and_nowhere_else() {
    let upstream = Upstream::start().await;
    let node = Node::start("cilium/ciliumenvoyconfig.yaml", &upstream).await;
    let mut connection = node.open().await;
    let faulted = connection.send(alice("/ratings/1")).await.expect("a reply");
    assert_eq!(faulted.header("x-brownout").as_deref(), Some("slow-for-alice; delay"));
    assert!(faulted.headers_after.as_millis() >= 200, "{:?}", faulted.headers_after);
    let other = connection.send(alice("/reviews/1")).await.expect("a reply");
    assert_eq!((other.status.as_u16(), other.header("x-brownout")), (200, None));
    assert_eq!(node.envoy.stat("wasmcustom.brownout.rule.slow-for-alice.delays_injected").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_of_the_rules_reaches_an_open_connection() {
    let upstream = Upstream::start().await;
    let mut node = Node::start("cilium/ciliumclusterwideenvoyconfig.yaml", &upstream).await;
    let mut connection = node.open().await;
    let faulted = connection.send(alice("/")).await.expect("a reply");
    assert_eq!(faulted.header("x-brownout").as_deref(), Some("slow-for-alice; delay"));
    let routes = &mut node.routes["virtual_hosts"][0]["routes"];
    routes[0]["metadata"]["filter_metadata"]["brownout"]["json"] = r#"{"rules": []}"#.into();
    push(node.pushed.path(), &node.routes);
    let connection = Mutex::new(connection);
    until("a request that passes, on the same connection", async || {
        let reply = connection.lock().await.send(alice("/")).await.expect("the connection stays open");
        reply.header("x-brownout").is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_of_the_placement_upstream_takes_the_place_of_the_answer() {
    let upstream = Upstream::start().await;
    let node = Node::start("src/cli/tests/render/cilium/upstream.yaml", &upstream).await;
    let mut connection = node.open().await;
    let faulted = connection.send(Request::get("/reviews/1")).await.expect("a reply");
    assert_eq!(faulted.status, 503);
    assert_eq!(faulted.header("x-brownout").as_deref(), Some("failing-tries; abort"));
    assert_eq!(upstream.count(), 1);
    let other = connection.send(Request::get("/ratings")).await.expect("a reply");
    assert_eq!((other.status.as_u16(), other.header("x-brownout")), (200, None));
}

/// The manifests to apply, and those that the command's tests expect.
const ALL: [&str; 5] = [
    "cilium/ciliumclusterwideenvoyconfig.yaml",
    "cilium/ciliumenvoyconfig.yaml",
    "src/cli/tests/render/cilium/ciliumenvoyconfig.yaml",
    "src/cli/tests/render/cilium/clusterwide.yaml",
    "src/cli/tests/render/cilium/upstream.yaml",
];

#[test]
fn they_need_nothing_that_ciliums_envoy_lacks() {
    for path in ALL {
        let manifest = manifest(path);
        let resources = manifest["spec"]["resources"].as_array().expect("resources");
        let name = |object: &Value| object["@type"].as_str().map(|kind| kind.replace(TYPES, ""));
        let top: BTreeSet<String> = resources.iter().filter_map(name).collect();
        let others: BTreeSet<String> =
            resources.iter().flat_map(objects).filter_map(name).filter(|name| !top.contains(name)).collect();
        let lacking = |names: &BTreeSet<String>, known: &[&str]| -> Vec<String> {
            names.iter().filter(|name| !known.contains(&name.as_str())).cloned().collect()
        };
        assert_eq!(lacking(&top, &RESOURCES), Vec::<String>::new(), "{path}");
        assert_eq!(lacking(&others, &BUILT_IN), Vec::<String>::new(), "{path}");
        let discovered =
            resources.iter().flat_map(objects).any(|object| object.get("config_discovery").is_some());
        assert!(!discovered, "{path}: Cilium's agent serves no filter configurations of their own");
    }
}

#[test]
fn no_module_is_fetched_by_envoy_itself() {
    for path in ALL {
        let manifest = manifest(path);
        let codes: Vec<&Value> =
            objects(&manifest).into_iter().filter_map(|object| object.get("code")).collect();
        assert!(
            !codes.is_empty() && codes.iter().all(|code| code.get("local").is_some()),
            "{path}: {codes:?}"
        );
    }
}
