//! The filter in Envoy's own words, for the targets that take them.

use super::faults::block;
use super::gate::GATED;
use super::given::Gated;
use super::yaml::{Map, Yaml};
use crate::envoy::capabilities;
use brownout_core::decode::json::Json;

/// The type of the filter's configuration.
pub const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// The connection manager: its filter and its type.
pub const HTTP: (&str, &str) = (
    "envoy.filters.network.http_connection_manager",
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
);
/// Istio's agent also sends this instead of a module that it could not fetch.
const RBAC: &str = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC";
const ROUTER: &str = "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router";
const CODEC: &str = "type.googleapis.com/envoy.extensions.filters.http.upstream_codec.v3.UpstreamCodec";
const OPTIONS: &str = "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The manager's `delayed_close_timeout`: the time after an exchange until Envoy closes an HTTP/1.1 connection that
/// cannot be reused. With Envoy's default, clients notice a reset one second late; without any delay, a client that is
/// still sending when its response arrives may be cut off before it has read it, with or without a fault.
pub const DELAYED_CLOSE: &str = "0.1s";

/// The per-route configuration of any filter.
const PER_ROUTE: &str = "type.googleapis.com/envoy.config.route.v3.FilterConfig";

/// The name of the namespace and of the key in a route's metadata.
const METADATA: (&str, &str) = ("brownout", "json");

/// The location of the module, for Envoy or the agent beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A file, as Envoy sees it.
    File(String),
    /// Something that Istio's agent fetches before Envoy sees it.
    Fetched {
        /// A URL such as `oci://…` or `https://…`.
        url: String,
        /// The digest in 64 hexadecimal digits.
        sha256: String,
    },
}

/// The `Wasm` message: module, document, and what the module may do.
pub fn wasm(name: &str, document: &Json, code: &Code, vm_id: Option<&str>) -> Map {
    let text = Map::new()
        .field("@type", "type.googleapis.com/google.protobuf.StringValue")
        .field("value", block(document));
    let code = match code {
        Code::File(path) => Map::new().field("local", Map::new().field("filename", path)),
        Code::Fetched { url, sha256 } => {
            // Envoy never sees this: the agent replaces it with the file that it fetched. But it must be valid.
            let uri = Map::new().field("uri", url).field("timeout", "30s").field("cluster", "_");
            let remote = Map::new().field("http_uri", uri).field("sha256", Yaml::Quoted(sha256.clone()));
            Map::new().field("remote", remote)
        }
    };
    let vm = Map::new().maybe("vm_id", vm_id).field("runtime", "envoy.wasm.runtime.v8").field("code", code);
    let names = capabilities::allowed().collect();
    let config = Map::new()
        .comment("Limits count what is held under the earlier documents of this name, too.")
        .field("name", name)
        .field("root_id", "brownout")
        .comment("If the module fails, requests pass without faults.")
        .field("failure_policy", "FAIL_OPEN")
        .comment("JSON in a string: Envoy passes any other type as serialized protobuf.")
        .field("configuration", text)
        .field("vm_config", vm)
        .comment("The host calls that this version of the module needs; none of them can open a connection. Render again for\nanother version. Envoy 1.40 prefers this in `vm_config` and says so in its log; older ones know it only here.")
        .field("capability_restriction_config", Map::new().field("allowed_capabilities", Yaml::Names(names)));
    Map::new().field("@type", WASM).field("config", config)
}

/// Returns a filter that discovers its configuration, so that an edit reaches open connections. Until it has a valid
/// one, a filter without rules lets everything pass; otherwise Envoy itself would answer.
pub fn discovered(name: &str, source: Map, gated: Gated) -> Map {
    let ours = if gated.gate { vec![GATED, WASM] } else { vec![WASM] };
    let types = ours.into_iter().chain([RBAC]).map(Yaml::from).collect::<Vec<_>>();
    let discovery = Map::new()
        .field("config_source", source)
        .comment("Lets all requests pass until a valid document arrives, or if the module is missing.")
        .field("default_config", Map::new().field("@type", RBAC))
        .field("type_urls", types);
    Map::new().field("name", name).field("config_discovery", discovery)
}

/// Like [`discovered`], for the chain of a cluster, where older Envoys have no filter that lets everything pass.
pub fn discovered_upstream(name: &str, source: Map) -> Map {
    let types = vec![Yaml::from(WASM)];
    let discovery = Map::new().field("config_source", source).field("type_urls", types);
    Map::new().field("name", name).field("config_discovery", discovery)
}

/// Keeps the filter of that name out of a route.
pub fn disabled(name: &str) -> Map {
    Map::new().field(name, Map::new().field("@type", PER_ROUTE).field("disabled", true))
}

/// Enables the filter of that name, which is disabled elsewhere, for a route. Envoy accepts an empty `config` too, but
/// Istio needs a type, and an empty message of the filter's own type is what all of them accept: for an `Empty`,
/// istiod (golang/protobuf's jsonpb 1.5.4) wants a `value`, which Envoy's loader rejects.
pub fn enabled(name: &str) -> Map {
    let nothing = Map::new().field("@type", WASM);
    let route = Map::new().field("@type", PER_ROUTE).field("is_optional", true).field("config", nothing);
    Map::new().field(name, route)
}

/// The warning for a filter in a cluster.
pub const FAILS_WITHOUT_MODULE: &str = "a cluster has no default filter that lets requests pass: if the module's file is \
    missing, requests to the service fail; make sure that the file is there";

/// Returns the last filter of a listener's chain.
pub fn router() -> Map {
    Map::new()
        .field("name", "envoy.filters.http.router")
        .field("typed_config", Map::new().field("@type", ROUTER))
}

/// Returns the protocol options of a cluster.
pub fn protocol_options(protocol: (&str, Map)) -> Map {
    options(Map::new().field("@type", OPTIONS).field(protocol.0, protocol.1))
}

/// Like [`protocol_options`], with our filter in the path of every attempt.
pub fn upstream_options(filter: Map, protocol: (&str, Map)) -> Map {
    let codec = Map::new()
        .field("name", "envoy.filters.http.upstream_codec")
        .field("typed_config", Map::new().field("@type", CODEC));
    let map = Map::new().field("@type", OPTIONS).field(protocol.0, protocol.1);
    options(
        map.comment("Every attempt passes these, retries too.").field("http_filters", vec![filter, codec]),
    )
}

fn options(options: Map) -> Map {
    Map::new().field("envoy.extensions.upstreams.http.v3.HttpProtocolOptions", options)
}

/// Uses the client's protocol for the service: HTTP/2 for gRPC, HTTP/1.1 for the others.
pub fn as_downstream() -> (&'static str, Map) {
    let protocols =
        Map::new().field("http_protocol_options", Map::new()).field("http2_protocol_options", Map::new());
    ("use_downstream_protocol_config", protocols)
}

/// Returns the rules of a route as its metadata.
pub fn metadata(rules: &Json) -> Map {
    let ours = Map::new().field(METADATA.1, block(rules));
    Map::new().field("filter_metadata", Map::new().field(METADATA.0, ours))
}
