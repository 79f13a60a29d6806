//! Envoy's configuration: the files in `envoy/`, which users can also read and run themselves, filled in with the
//! addresses and paths of this run.

use super::requests;
use super::upstream::Upstream;
use crate::document::yaml;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

const BOOTSTRAP: &str = include_str!("../../../../envoy/bootstrap.yaml");
const RESOURCE: &str = include_str!("../../../../envoy/xds/brownout.yaml");

/// The node metadata field with the seed for the module's random draws.
const SEED: &str = "BROWNOUT_SEED";

const LISTENER: &str = "/static_resources/listeners/0";
const HTTP: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const CLUSTER: &str = "/static_resources/clusters/0";
const OPTIONS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// The settings of one run.
#[derive(Debug, Clone)]
pub struct Setting<'a> {
    pub listen: SocketAddr,
    /// The address of Envoy's admin interface.
    pub admin: SocketAddr,
    pub upstream: &'a Upstream,
    /// The service for gRPC, if it is a different one.
    pub grpc: Option<&'a Upstream>,
    /// True if services get `Host` as the client sent it.
    pub keep_host: bool,
    /// The seed for the module's random draws, if they should be repeatable.
    pub seed: Option<u64>,
    /// The file that [`resource`] goes into.
    pub resource: &'a Path,
    /// The file for the access log.
    pub access_log: &'a Path,
    /// The certificate authorities to trust.
    pub authorities: Option<&'a Path>,
}

pub fn bootstrap(setting: &Setting<'_>) -> Value {
    let Setting { listen, admin, upstream, resource, authorities, .. } = *setting;
    let mut tree = tree(BOOTSTRAP);
    set(&mut tree, "/admin/address/socket_address", socket_address(&admin.ip().to_string(), admin.port()));
    set(
        &mut tree,
        &format!("{LISTENER}/address/socket_address"),
        socket_address(&listen.ip().to_string(), listen.port()),
    );
    if let Some(seed) = setting.seed {
        insert(&mut tree, "/node", "metadata", json!({ SEED: seed.to_string() }));
    }
    insert(&mut tree, HTTP, "access_log", json!([requests::access_log(setting.access_log)]));
    if let Some(grpc) = setting.grpc {
        add_grpc(&mut tree, grpc, authorities);
    }
    let services = [Some(upstream), setting.grpc].into_iter().flatten().rev();
    for (service, number) in services.zip(0..) {
        let route = format!("{HTTP}/route_config/virtual_hosts/0/routes/{number}/route");
        match setting.keep_host {
            true => remove(&mut tree, &route, "host_rewrite_literal"),
            false => set(&mut tree, &format!("{route}/host_rewrite_literal"), json!(service.authority())),
        }
    }
    let source = format!("{HTTP}/http_filters/0/config_discovery/config_source/path_config_source");
    set(&mut tree, &format!("{source}/path"), json!(resource));
    set(&mut tree, &format!("{source}/watched_directory/path"), json!(resource.parent()));
    let endpoint =
        format!("{CLUSTER}/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address");
    set(&mut tree, &endpoint, socket_address(&upstream.host, upstream.port));
    if upstream.tls {
        set(&mut tree, &format!("{CLUSTER}{OPTIONS}"), tls_options());
        insert(&mut tree, CLUSTER, "transport_socket", transport_socket(authorities));
    }
    tree
}

/// Adds a separate gRPC service: its route goes before the other route, its cluster after the other cluster.
fn add_grpc(tree: &mut Value, grpc: &Upstream, authorities: Option<&Path>) {
    let routes = format!("{HTTP}/route_config/virtual_hosts/0/routes");
    let mut route = tree.pointer(&format!("{routes}/0")).cloned().unwrap_or_default();
    route["name"] = json!("grpc");
    route["match"]["grpc"] = json!({});
    route["route"]["cluster"] = json!("grpc");
    list(tree, &routes).insert(0, route);
    let mut cluster = tree.pointer(CLUSTER).cloned().unwrap_or_default();
    cluster["name"] = json!("grpc");
    cluster["load_assignment"]["cluster_name"] = json!("grpc");
    cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]["socket_address"] =
        socket_address(&grpc.host, grpc.port);
    if grpc.tls {
        cluster["transport_socket"] = transport_socket(authorities);
        *cluster.pointer_mut(OPTIONS).unwrap_or(&mut Value::Null) = tls_options();
    }
    list(tree, "/static_resources/clusters").push(cluster);
}

/// Returns the resource with the module and its document, at a version.
pub fn resource(module: &Path, document: &str, version: u64) -> Value {
    let config = "/resources/0/typed_config/config";
    let mut tree = tree(RESOURCE);
    set(&mut tree, "/version_info", json!(version.to_string()));
    set(&mut tree, &format!("{config}/vm_config/code/local/filename"), json!(module));
    set(&mut tree, &format!("{config}/configuration/value"), json!(document));
    tree
}

fn socket_address(host: &str, port: u16) -> Value {
    json!({ "address": host, "port_value": port })
}

/// Returns options that negotiate HTTP/1.1 or HTTP/2 and check the certificate against the name of the service.
fn tls_options() -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "auto_config": {},
        "upstream_http_protocol_options": { "auto_sni": true, "auto_san_validation": true },
    })
}

fn transport_socket(authorities: Option<&Path>) -> Value {
    json!({
        "name": "envoy.transport_sockets.tls",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
            "common_tls_context": { "validation_context": { "trusted_ca": { "filename": authorities } } },
        },
    })
}

/// Parses a template. The files are part of this program, so the `expect`s hold: the tests below read them all.
fn tree(template: &str) -> Value {
    let value = yaml::read(template).expect("the file in `envoy/` is YAML").expect("it is not empty");
    serde_json::from_str(&value.text()).expect("a JSON value prints as JSON")
}

fn set(tree: &mut Value, pointer: &str, value: Value) {
    *tree.pointer_mut(pointer).expect("the file in `envoy/` has this field") = value;
}

fn insert(tree: &mut Value, pointer: &str, field: &str, value: Value) {
    let object = tree.pointer_mut(pointer).and_then(Value::as_object_mut);
    object.expect("the file in `envoy/` has this object").insert(field.into(), value);
}

fn remove(tree: &mut Value, pointer: &str, field: &str) {
    let object = tree.pointer_mut(pointer).and_then(Value::as_object_mut);
    object.expect("the file in `envoy/` has this object").remove(field);
}

fn list<'a>(tree: &'a mut Value, pointer: &str) -> &'a mut Vec<Value> {
    let list = tree.pointer_mut(pointer).and_then(Value::as_array_mut);
    list.expect("the file in `envoy/` has this list")
}

#[cfg(test)]
mod tests {
    use super::{CLUSTER, HTTP, LISTENER, Setting, bootstrap, resource};
    use crate::run::upstream::Upstream;
    use serde_json::json;
    use std::path::Path;

    fn setting(upstream: &Upstream) -> Setting<'_> {
        Setting {
            listen: "127.0.0.1:1".parse().expect("an address"),
            admin: "[::1]:2".parse().expect("an address"),
            upstream,
            grpc: None,
            keep_host: false,
            seed: None,
            resource: Path::new("/run/a/b.json"),
            access_log: Path::new("/run/a/access.log"),
            authorities: Some(Path::new("/etc/authorities.pem")),
        }
    }

    #[test]
    fn the_addresses_of_this_run_replace_those_of_the_file() {
        let upstream = "http://shop.test:3".parse().expect("a URL");
        let tree = bootstrap(&setting(&upstream));
        let at = |pointer: &str| tree.pointer(pointer).cloned();
        assert_eq!(at("/admin/address/socket_address"), Some(json!({"address": "::1", "port_value": 2})));
        let address = format!("{LISTENER}/address/socket_address");
        assert_eq!(at(&address), Some(json!({"address": "127.0.0.1", "port_value": 1})));
        let source = format!("{HTTP}/http_filters/0/config_discovery/config_source/path_config_source");
        let expected = json!({"path": "/run/a/b.json", "watched_directory": {"path": "/run/a"}});
        assert_eq!(at(&source), Some(expected));
        assert_eq!(at(&format!("{HTTP}/access_log/0/typed_config/path")), Some(json!("/run/a/access.log")));
        let route = format!("{HTTP}/route_config/virtual_hosts/0/routes/0/route/host_rewrite_literal");
        assert_eq!(at(&route), Some(json!("shop.test:3")));
        assert_eq!(at(&format!("{CLUSTER}/transport_socket")), None);
        assert_eq!(at("/node/metadata"), None);
    }

    #[test]
    fn a_service_of_its_own_for_grpc_has_a_route_before_the_other_ones() {
        let upstream = "http://shop.test:3".parse().expect("a URL");
        let grpc = "https://calls.test:4".parse().expect("a URL");
        let tree = bootstrap(&Setting { grpc: Some(&grpc), seed: Some(7), ..setting(&upstream) });
        let routes = tree.pointer(&format!("{HTTP}/route_config/virtual_hosts/0/routes")).expect("routes");
        let found: Vec<_> = routes
            .as_array()
            .expect("a list")
            .iter()
            .map(|route| {
                (&route["match"]["grpc"], &route["route"]["cluster"], &route["route"]["host_rewrite_literal"])
            })
            .collect();
        let (any, none) = (json!({}), json!(null));
        let expected = [
            (&any, &json!("grpc"), &json!("calls.test:4")),
            (&none, &json!("service"), &json!("shop.test:3")),
        ];
        assert_eq!(found, expected);
        let cluster = &tree["static_resources"]["clusters"][1];
        assert_eq!((&cluster["name"], cluster["transport_socket"].is_object()), (&json!("grpc"), true));
        assert_eq!(tree["node"]["metadata"]["BROWNOUT_SEED"], "7");
    }

    #[test]
    fn a_service_may_get_the_host_that_the_client_sent() {
        let upstream = "http://shop.test:3".parse().expect("a URL");
        let tree = bootstrap(&Setting { keep_host: true, ..setting(&upstream) });
        let route = format!("{HTTP}/route_config/virtual_hosts/0/routes/0/route");
        assert_eq!(tree.pointer(&route), Some(&json!({"cluster": "service", "timeout": "0s"})));
    }

    #[test]
    fn a_service_with_tls_is_spoken_to_with_tls_and_its_certificate_checked() {
        let upstream = "https://shop.test".parse().expect("a URL");
        let tree = bootstrap(&setting(&upstream));
        let trusted = format!(
            "{CLUSTER}/transport_socket/typed_config/common_tls_context/validation_context/trusted_ca"
        );
        assert_eq!(tree.pointer(&trusted), Some(&json!({"filename": "/etc/authorities.pem"})));
    }

    #[test]
    fn a_document_survives_as_it_is() {
        let document = "{\"rules\": [{\"name\": \"a: 'b' \\u00e9\"}]}\n";
        let tree = resource(Path::new("/m.wasm"), document, 7);
        assert_eq!(tree["version_info"], json!("7"));
        assert_eq!(tree["resources"][0]["typed_config"]["config"]["configuration"]["value"], json!(document));
    }
}
