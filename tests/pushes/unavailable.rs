//! What happens to traffic when the module is unavailable: one row for each way of delivering it.
//!
//! `failure_policy: FAIL_OPEN` applies to a module that fails, or that does not arrive over the network. To Envoy, a
//! missing file, or a file that is not a module, is invalid configuration, which it refuses.

use crate::config_map::ConfigMap;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener, accepts, filter_resource};
use support::upstream::Upstream;
use tempfile::NamedTempFile;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// A filter that lets everything through as long as it has no rules.
const PASS: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const FILE: &str = "ecds.json";

/// The effect on traffic, as a client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Traffic {
    /// Envoy does not start with it.
    NoEnvoy,
    /// Envoy answers itself, with this status.
    Refused(u16),
    /// Every request reaches the upstream.
    Flows,
    /// The last good document stays in force.
    Faulted,
}

use Traffic::{Faulted, Flows, NoEnvoy, Refused};

/// The effect of one broken configuration on traffic, for each way in which it can arrive.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    bootstrap: Traffic,
    /// As the first configuration of a discovered filter.
    first: Traffic,
    /// The same, with a filter that passes everything as the default.
    first_with_default: Traffic,
    /// As a replacement for a good one.
    later: Traffic,
}

struct Rig {
    upstream: Upstream,
}

impl Rig {
    async fn row(configuration: &Value) -> Row {
        let rig = Self { upstream: Upstream::start().await };
        let (first, later) = rig.discovered(configuration, false).await;
        let (first_with_default, later_with_default) = rig.discovered(configuration, true).await;
        assert_eq!(later, later_with_default, "a default is for the beginning only");
        Row { bootstrap: rig.bootstrap(configuration).await, first, first_with_default, later }
    }

    async fn bootstrap(&self, configuration: &Value) -> Traffic {
        let message = WASM.strip_prefix("type.googleapis.com/").expect("a type URL");
        let bootstrap = self.envoy(Filter::typed("brownout", message, configuration.clone()));
        if accepts(&bootstrap) { traffic(&Envoy::start(bootstrap).await).await } else { NoEnvoy }
    }

    /// Returns the traffic when the configuration arrives first, and when it arrives later.
    async fn discovered(&self, configuration: &Value, has_default: bool) -> (Traffic, Traffic) {
        let map = ConfigMap::mount(&[(FILE, &resource(configuration))]);
        let mut discovery = json!({ "config_source": map.source(FILE) });
        if has_default {
            discovery["default_config"] = json!({ "@type": PASS });
            discovery["type_urls"] = json!([WASM, PASS]);
        }
        let envoy = Envoy::start(self.envoy(Filter::fetched("brownout", discovery))).await;
        let first = traffic(&envoy).await;
        map.swap(&[(FILE, &resource(&good()))]);
        until("the good one in force", async || (traffic(&envoy).await == Faulted).then_some(())).await;
        let before = deliveries(&envoy).await;
        map.swap(&[(FILE, &resource(configuration))]);
        until("it is taken or refused", async || (deliveries(&envoy).await > before).then_some(())).await;
        (first, traffic(&envoy).await)
    }

    fn envoy(&self, filter: Filter) -> Bootstrap {
        let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        Bootstrap::new()
            .cluster(Cluster::of(&self.upstream))
            .cluster(Cluster::named("modules", self.upstream.address()))
            .cluster(Cluster::named("nobody", nobody))
            .listener(Listener::named("main").filter(filter))
    }
}

/// Returns how often something has been taken or refused.
async fn deliveries(envoy: &Envoy) -> u64 {
    let names = r"^extension_config_discovery\.http_filter\.brownout\.(config_reload|update_rejected)$";
    envoy.stats_named(names).await.sum(|_| true)
}

async fn traffic(envoy: &Envoy) -> Traffic {
    let mut connection = Connection::open(Protocol::Http1, envoy.address("main")).await;
    let reply = connection.send(Request::get("/")).await.expect("a reply");
    match reply.status.as_u16() {
        200 if reply.text() == "upstream" => Flows,
        418 => Faulted,
        status => Refused(status),
    }
}

fn document() -> Configuration {
    Configuration::document(&json!({ "rules": [
        { "name": "always", "percentage": 100, "abort": { "http_status": 418 } },
    ] }))
}

/// The `Wasm` message with the module as it should be.
fn good() -> Value {
    filter_resource("brownout", &document())["typed_config"].clone()
}

fn resource(configuration: &Value) -> Value {
    let mut resource = filter_resource("brownout", &document());
    resource["typed_config"] = configuration.clone();
    resource
}

/// The same with its code from elsewhere.
fn with_code(code: &Value) -> Value {
    let mut configuration = good();
    configuration["config"]["vm_config"]["code"] = code.clone();
    configuration
}

fn from_network(cluster: &str) -> Value {
    with_code(&json!({ "remote": {
        "http_uri": { "uri": "http://modules.example/brownout.wasm", "cluster": cluster, "timeout": "1s" },
        "sha256": "0".repeat(64),
        "retry_policy": { "num_retries": 1 },
    } }))
}

/// The row of a configuration that Envoy treats as invalid.
const WRONG: Row = Row { bootstrap: NoEnvoy, first: Refused(500), first_with_default: Flows, later: Faulted };
/// The row of a mistake that only the module can find: it then injects nothing.
const MISTAKEN: Row = Row { bootstrap: Flows, first: Flows, first_with_default: Flows, later: Flows };
/// The row of a module that, to Envoy, has not arrived yet.
const AWAY: Row = Row { bootstrap: Flows, first: Flows, first_with_default: Flows, later: Flows };

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_there_stops_nothing_that_runs() {
    let missing = json!({ "local": { "filename": "/nowhere/brownout.wasm" } });
    assert_eq!(Rig::row(&with_code(&missing)).await, WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_module_stops_nothing_that_runs() {
    let file = NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), "\0asm\u{1}\0\0\0 and then nothing sensible").expect("room on the disk");
    assert_eq!(Rig::row(&with_code(&json!({ "local": { "filename": file.path() } }))).await, WRONG);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_with_mistakes_harms_nobody_however_it_arrives() {
    let mut configuration = good();
    configuration["config"]["configuration"]["value"] = json!(r#"{"rules": [{}]}"#);
    assert_eq!(Rig::row(&configuration).await, MISTAKEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_nobody_serves_lets_traffic_flow() {
    assert_eq!(Rig::row(&from_network("nobody")).await, AWAY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_with_another_checksum_lets_traffic_flow() {
    assert_eq!(Rig::row(&from_network("modules")).await, AWAY);
}
