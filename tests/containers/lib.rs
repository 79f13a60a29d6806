//! Envoy in a container, using testcontainers, for suites of `brownout-tests`.

use brownout_cli::envoy::Admin;
use serde_json::{Value, json};
use std::any::Any;
use std::collections::BTreeMap;
use std::env;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use support::deadline::until;
use support::envoy::{Place, Started};
use support::repository;
use testcontainers::core::{ContainerPort, Host, IntoContainerPort, Mount};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};

/// The image that is used unless `BROWNOUT_ENVOY_IMAGE` names another.
pub const DEFAULT_IMAGE: &str = "envoyproxy/envoy:v1.40.0";

/// The name under which a container finds this machine.
const THIS_MACHINE: &str = "host.docker.internal";
const ADMIN: u16 = 9901;
/// The port of the first listener; the others follow.
const FIRST: u16 = 10000;

/// The image with Envoy, by name and tag.
pub fn image() -> String {
    env::var("BROWNOUT_ENVOY_IMAGE").unwrap_or_else(|_| DEFAULT_IMAGE.into())
}

/// Runs Envoy in a Docker container of [`image`].
#[derive(Debug, Default)]
pub struct Docker;

impl Place for Docker {
    async fn start(&self, mut bootstrap: Value, directory: &Path, arguments: &[String]) -> Started {
        let ports = fit(&mut bootstrap);
        let config = directory.join("bootstrap.json");
        std::fs::write(&config, bootstrap.to_string()).expect("room on the disk");
        let mut command = vec!["envoy".to_owned(), "-c".into(), config.display().to_string()];
        command.extend_from_slice(arguments);
        let container = run(command, directory, ports.values().copied()).await;
        let admin = Admin::new(published(&container, ADMIN).await);
        let asking = admin.clone();
        until("an Envoy that serves", async || asking.ready().ok()?.then_some(())).await;
        let mut addresses = BTreeMap::new();
        for (listener, port) in ports {
            addresses.insert(listener, published(&container, port).await);
        }
        let running: Box<dyn Any + Send + Sync> = Box::new(container);
        Started { admin, addresses, running }
    }
}

/// Moves listeners to ports that can be published, and points upstreams to the host machine. Returns the listeners'
/// ports.
fn fit(bootstrap: &mut Value) -> BTreeMap<String, u16> {
    let everywhere = |port: u16| json!({ "socket_address": { "address": "0.0.0.0", "port_value": port } });
    bootstrap["admin"]["address"] = everywhere(ADMIN);
    let resources = &mut bootstrap["static_resources"];
    let mut ports = BTreeMap::new();
    let listeners = resources["listeners"].as_array_mut().expect("listeners");
    for (listener, port) in listeners.iter_mut().zip(FIRST..) {
        listener["address"] = everywhere(port);
        ports.insert(listener["name"].as_str().expect("a name").to_owned(), port);
    }
    for cluster in resources["clusters"].as_array_mut().expect("clusters") {
        cluster["type"] = json!("STRICT_DNS");
        cluster["dns_lookup_family"] = json!("V4_ONLY");
        let address = "/load_assignment/endpoints/0/lb_endpoints/0/endpoint/address/socket_address/address";
        *cluster.pointer_mut(address).expect("an endpoint") = json!(THIS_MACHINE);
    }
    ports
}

async fn run(
    command: Vec<String>,
    directory: &Path,
    listeners: impl Iterator<Item = u16>,
) -> ContainerAsync<GenericImage> {
    let named = image();
    let (name, tag) = named.rsplit_once(':').expect("BROWNOUT_ENVOY_IMAGE has a tag");
    let mut image = GenericImage::new(name, tag);
    for port in listeners.chain([ADMIN]) {
        image = image.with_exposed_port(port.tcp());
    }
    let here = |path: &Path| Mount::bind_mount(path.display().to_string(), path.display().to_string());
    let module = repository::module();
    // Only our user can read the files. The image's Envoy runs as the user that it is told to.
    let user = directory.metadata().expect("a directory of ours").uid();
    image
        .with_cmd(command)
        .with_env_var("ENVOY_UID", user.to_string())
        .with_host(THIS_MACHINE, Host::HostGateway)
        .with_mount(here(directory))
        .with_mount(here(module.parent().expect("a folder")))
        .start()
        .await
        .unwrap_or_else(|error| {
            panic!("no container of `{named}`: {error}; `make test-docker` prepares the image")
        })
}

async fn published(container: &ContainerAsync<GenericImage>, port: u16) -> SocketAddr {
    let port = container.get_host_port_ipv4(ContainerPort::Tcp(port)).await.expect("a published port");
    (Ipv4Addr::LOCALHOST, port).into()
}
