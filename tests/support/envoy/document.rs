//! The file from which Envoy takes the configuration of a discovered filter.

use super::configuration::Configuration;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes a filter's configuration so that Envoy sees either the old file or the new one: it watches for renames.
pub(super) fn write(directory: &Path, filter: &str, configuration: &Configuration) {
    let discovery = json!({ "resources": [{
        "@type": "type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig",
        "name": filter,
        "typed_config": configuration.to_wasm(),
    }] });
    let mut file = tempfile::NamedTempFile::new_in(directory).expect("a temporary file");
    file.write_all(discovery.to_string().as_bytes()).expect("room on the disk");
    file.persist(path(directory, filter)).expect("a directory of our own");
}

/// Where the file is.
pub(super) fn path(directory: &Path, filter: &str) -> PathBuf {
    directory.join(format!("filter-{filter}.json"))
}

/// How often Envoy has taken and refused a filter's configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Deliveries {
    /// Taken.
    pub taken: u64,
    /// Refused: the last good one stays.
    pub refused: u64,
}
