//! Envoy's configuration: the files in `envoy/`, which people can read and start themselves, with the addresses and
//! paths of this run in them.

use super::upstream::Upstream;
use crate::document::yaml;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;

const BOOTSTRAP: &str = include_str!("../../../../envoy/bootstrap.yaml");
const RESOURCE: &str = include_str!("../../../../envoy/xds/brownout.yaml");

const LISTENER: &str = "/static_resources/listeners/0";
const HTTP: &str = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
const CLUSTER: &str = "/static_resources/clusters/0";
const OPTIONS: &str =
    "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// Envoy's bootstrap. `resource` is the file that [`resource`] goes into.
pub fn bootstrap(
    listen: SocketAddr,
    admin: SocketAddr,
    upstream: &Upstream,
    resource: &Path,
    authorities: Option<&Path>,
) -> Value {
    let mut tree = tree(BOOTSTRAP);
    set(&mut tree, "/admin/address/socket_address", socket_address(&admin.ip().to_string(), admin.port()));
    set(
        &mut tree,
        &format!("{LISTENER}/address/socket_address"),
        socket_address(&listen.ip().to_string(), listen.port()),
    );
    let route = format!("{HTTP}/route_config/virtual_hosts/0/routes/0/route/host_rewrite_literal");
    set(&mut tree, &route, json!(upstream.authority()));
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

/// The resource with the module and its document, at a version.
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

/// HTTP/1.1 or HTTP/2, as the service chooses, and a certificate that fits its name.
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

/// The files are part of this program, so what is expected of them holds: the tests below read them all.
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

#[cfg(test)]
mod tests {
    use super::{CLUSTER, HTTP, LISTENER, bootstrap, resource};
    use serde_json::json;
    use std::path::Path;

    #[test]
    fn the_addresses_of_this_run_replace_those_of_the_file() {
        let listen = "127.0.0.1:1".parse().expect("an address");
        let admin = "[::1]:2".parse().expect("an address");
        let upstream = "http://shop.test:3".parse().expect("a URL");
        let tree = bootstrap(listen, admin, &upstream, Path::new("/run/a/b.json"), None);
        let at = |pointer: &str| tree.pointer(pointer).cloned();
        assert_eq!(at("/admin/address/socket_address"), Some(json!({"address": "::1", "port_value": 2})));
        let address = format!("{LISTENER}/address/socket_address");
        assert_eq!(at(&address), Some(json!({"address": "127.0.0.1", "port_value": 1})));
        let source = format!("{HTTP}/http_filters/0/config_discovery/config_source/path_config_source");
        let expected = json!({"path": "/run/a/b.json", "watched_directory": {"path": "/run/a"}});
        assert_eq!(at(&source), Some(expected));
        let route = format!("{HTTP}/route_config/virtual_hosts/0/routes/0/route/host_rewrite_literal");
        assert_eq!(at(&route), Some(json!("shop.test:3")));
        assert_eq!(at(&format!("{CLUSTER}/transport_socket")), None);
    }

    #[test]
    fn a_service_with_tls_is_spoken_to_with_tls_and_its_certificate_checked() {
        let address = "127.0.0.1:1".parse().expect("an address");
        let upstream = "https://shop.test".parse().expect("a URL");
        let authorities = Path::new("/etc/authorities.pem");
        let tree = bootstrap(address, address, &upstream, Path::new("/a/b.json"), Some(authorities));
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
