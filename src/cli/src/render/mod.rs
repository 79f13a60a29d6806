//! Documents of ours as what a mesh applies: manifests, and configuration of Envoy's own.
//!
//! One file for each target. What it prints avoids what is known to go wrong there; what cannot be avoided is a
//! warning, and what a person has to decide is a comment.

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

/// What there is to apply.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rendered {
    /// YAML: the same arguments give the same text.
    text: String,
    /// What the author should know before it is applied.
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

/// Why a document or a wish does not fit a target; it says the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
struct Misfit(String);

fn misfit<T>(text: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit(text.into()))
}

/// A Kubernetes resource, with what it is on its first line.
fn resource(about: &str, api: &str, kind: &str, metadata: Map, spec: Map) -> Map {
    let map = Map::new().comment(about).field("apiVersion", api).field("kind", kind);
    map.field("metadata", metadata).field("spec", spec)
}

/// A request's headers that a fault changes make Envoy choose its route anew.
const ROUTE_IS_CHOSEN_ANEW: &str = "a rule changes requests (`request`): Envoy then chooses the route anew, by the \
    changed request; what was decided for the first route, such as an authorization that hangs on it, has been \
    decided already";
