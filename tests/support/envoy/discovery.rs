//! The files from which Envoy loads what can change while it runs.

use super::configuration::Configuration;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Something that Envoy loads from one of our files.
#[derive(Debug, Clone)]
pub(super) struct Discovered {
    file: String,
    /// The prefix of the counters that show whether Envoy accepted the file.
    pub(super) counters: String,
}

impl Discovered {
    /// The configuration of a filter, by the filter's name.
    pub(super) fn filter(name: &str) -> Self {
        Self {
            file: format!("filter-{name}.json"),
            counters: format!("extension_config_discovery.http_filter.{name}."),
        }
    }

    /// The routes of a listener, by the listener's name.
    pub(super) fn routes(listener: &str) -> Self {
        Self { file: format!("routes-{listener}.json"), counters: format!("http.{listener}.rds.{listener}.") }
    }

    /// The `ConfigSource` that names the file.
    pub(super) fn source(&self, directory: &Path) -> Value {
        json!({ "resource_api_version": "V3", "path_config_source": { "path": self.path(directory) } })
    }

    /// Writes the file so that Envoy sees either the old one or the new one: it watches for renames.
    pub(super) fn write(&self, directory: &Path, resource: &Value) {
        let response = json!({ "resources": [resource] });
        let mut file = tempfile::NamedTempFile::new_in(directory).expect("a temporary file");
        file.write_all(response.to_string().as_bytes()).expect("room on the disk");
        file.persist(self.path(directory)).expect("a directory of our own");
    }

    fn path(&self, directory: &Path) -> PathBuf {
        directory.join(&self.file)
    }
}

/// The resource that configures a filter.
pub fn filter_resource(name: &str, configuration: &Configuration) -> Value {
    json!({
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": name,
        "typed_config": configuration.to_wasm(),
    })
}

/// The resource that holds a listener's routes.
pub fn routes_resource(listener: &str, hosts: &[Value]) -> Value {
    let mut resource = route_configuration(listener, hosts);
    resource["@type"] = json!("type.googleapis.com/envoy.config.route.v3.RouteConfiguration");
    resource
}

/// A `RouteConfiguration` with these virtual hosts.
pub(super) fn route_configuration(listener: &str, hosts: &[Value]) -> Value {
    json!({ "name": listener, "virtual_hosts": hosts })
}

/// A virtual host for all domains.
pub fn only_host(routes: &[Value]) -> Value {
    json!({ "name": "all", "domains": ["*"], "routes": routes })
}

/// The number of times that Envoy has accepted and refused something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deliveries {
    pub taken: u64,
    /// Refused: the last good one stays.
    pub refused: u64,
}
