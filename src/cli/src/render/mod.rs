//! Turns documents into what a mesh applies: manifests, and Envoy's own configuration.
//!
//! Each target has one file. Its output avoids the known problems of the target; the unavoidable ones are warnings, and
//! decisions that people must make are comments.

mod cilium;
mod command;
mod envoy;
mod envoy_gateway;
mod faults;
mod filter;
mod gate;
mod given;
mod istio;
mod kuma;
mod yaml;

pub use command::{Arguments, run};

use yaml::Map;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rendered {
    /// YAML: the same arguments give the same text.
    text: String,
    /// Warnings to read before applying it.
    warnings: Vec<String>,
}

impl Rendered {
    fn new(manifest: &Map) -> Self {
        Self { text: yaml::text(manifest), warnings: Vec::new() }
    }

    fn warn(mut self, when: bool, text: impl Into<String>) -> Self {
        if when {
            self.warnings.push(text.into());
        }
        self
    }
}

/// The reason why a document or an option does not fit a target, with the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Misfit(String);

fn misfit<T>(text: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit(text.into()))
}

/// Returns a Kubernetes resource, with a description on its first line.
fn resource(about: &str, api: &str, kind: &str, metadata: Map, spec: Map) -> Map {
    let map = Map::new().comment(about).field("apiVersion", api).field("kind", kind);
    map.field("metadata", metadata).field("spec", spec)
}

/// The warning for faults that change request headers, which makes Envoy choose the route again.
const ROUTE_IS_CHOSEN_ANEW: &str = "a rule changes requests (`request`): Envoy then chooses the route again, based \
    on the changed request; decisions already made for the first route, such as authorization, are not repeated";
