//! The patches of an EnvoyFilter.

use super::super::filter;
use super::super::given::Gated;
use super::super::yaml::Map;

/// Istio's `context`: the part of a proxy's listeners, routes and clusters that a patch is for.
pub type Context = &'static str;

fn patch(kind: &str, found: Map, operation: &str, value: Map) -> Map {
    let patch = Map::new().field("operation", operation).field("value", value);
    Map::new().field("applyTo", kind).field("match", found).field("patch", patch)
}

/// The module and its document as a resource of their own.
pub fn extension_config(context: Context, name: &str, config: Map) -> Map {
    let value = Map::new().field("name", name).field("typed_config", config);
    patch("EXTENSION_CONFIG", Map::new().field("context", context), "ADD", value)
}

/// Returns the filter's configuration source: that resource.
fn pushed() -> Map {
    let source = Map::new().field("ads", Map::new()).field("initial_fetch_timeout", "0s");
    source.field("resource_api_version", "V3")
}

/// The connection managers of a context, those of one port if there is one.
fn http(context: Context, port: Option<u16>, filter: Map) -> Map {
    let inbound = context == "SIDECAR_INBOUND";
    // What arrives at a sidecar arrives at one listener, whose chains tell the ports apart.
    let chain = Map::new().maybe("destinationPort", port.filter(|_| inbound)).field("filter", filter);
    let listener = Map::new().maybe("portNumber", port.filter(|_| !inbound)).field("filterChain", chain);
    Map::new().field("context", context).field("listener", listener)
}

/// Returns the filter before the router; `by_route` if only routes that enable it use it.
pub fn http_filter(context: Context, port: Option<u16>, name: &str, gated: Gated, by_route: bool) -> Map {
    let router = Map::new().field("name", "envoy.filters.http.router");
    let found = http(context, port, Map::new().field("name", filter::HTTP.0).field("subFilter", router));
    let filter = filter::discovered(name, pushed(), gated);
    let filter = if by_route {
        filter
            .comment("Only routes that enable it have it: requests of the others never enter the module.")
            .field("disabled", true)
    } else {
        filter
    };
    let patch = Map::new()
        .comment("Not ADD: that puts a filter behind the router, and the proxy refuses the listener.")
        .field("operation", "INSERT_BEFORE")
        .field("value", filter);
    Map::new().field("applyTo", "HTTP_FILTER").field("match", found).field("patch", patch)
}

/// Makes clients notice a reset soon, see [`filter::DELAYED_CLOSE`].
pub fn closed_soon(context: Context, port: Option<u16>) -> Map {
    let manager =
        Map::new().field("@type", filter::HTTP.1).field("delayed_close_timeout", filter::DELAYED_CLOSE);
    let found = http(context, port, Map::new().field("name", filter::HTTP.0));
    patch("NETWORK_FILTER", found, "MERGE", Map::new().field("typed_config", manager))
}

/// Adds to the route that Istio generates.
pub fn route(context: Context, table: Option<&str>, host: &str, route: Map, value: Map) -> Map {
    let host = Map::new().field("name", host).field("route", route);
    let table = Map::new().maybe("name", table).field("vhost", host);
    let found = Map::new().field("context", context).field("routeConfiguration", table);
    patch("HTTP_ROUTE", found, "MERGE", value)
}

/// Returns the patch that puts the filter in the path of every attempt to a service.
pub fn cluster(context: Context, host: &str, port: u16, name: &str) -> Map {
    let found = Map::new()
        .field("context", context)
        .field("cluster", Map::new().field("service", host).field("portNumber", port));
    let options =
        filter::upstream_options(filter::discovered_upstream(name, pushed()), filter::as_downstream());
    let value = Map::new()
        .comment("This replaces how Istio talks to the service: decide whether the client's HTTP version is right,\nor write `explicit_http_config` here. Idle timeouts of a DestinationRule are lost too.")
        .field("typed_extension_protocol_options", options);
    patch("CLUSTER", found, "MERGE", value)
}
