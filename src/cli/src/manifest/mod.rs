//! Manifests for Kubernetes, a mesh or Envoy that contain a document of ours.
//!
//! [`carried`] finds the documents in a file, and anything in the manifest around them that is legal but wrong. How a
//! control plane passes each kind on is explained next to the code that reads it.

mod one;
mod search;
mod spot;
mod trap;

use crate::document::{Body, DocumentFile, Excerpt, Mistake, Places, mistake, text};
use brownout_core::decode::diagnostic::{Code, Diagnostic};
use brownout_core::decode::json::Json;
use brownout_core::decode::path::Path;
use brownout_core::document;
use brownout_core::plan::Plan;
use brownout_core::plan::route;
pub use one::One;
use search::Search;
use spot::Spot;
use std::rc::Rc;

/// Fields at the top of an Envoy bootstrap, and of what Envoy reads by xDS.
const ENVOY: [&str; 10] = [
    "static_resources",
    "dynamic_resources",
    "resources",
    "typed_config",
    "virtual_hosts",
    "filter_chains",
    "http_filters",
    "listeners",
    "@type",
    "configs",
];

/// The role of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The configuration of the module.
    Plugin,
    /// The rules of a route or virtual host.
    Route,
}

/// A document in a manifest.
#[derive(Debug)]
pub struct Carried {
    /// The manifest: `WasmPlugin demo/brownout`; empty if it has no kind.
    pub manifest: String,
    /// Its path in the file.
    pub path: Path,
    pub role: Role,
    /// The JSON text that the module gets.
    pub json: String,
    /// Maps messages about it to places in the file.
    pub body: Body,
}

/// A document that has no mistakes.
#[derive(Debug)]
pub enum Read {
    /// The configuration of the module.
    Plugin(Box<Plan>),
    /// The rules of a route.
    Route(document::RouteDocument),
}

impl Read {
    /// Returns the number of its rules.
    pub fn rules(&self) -> usize {
        match self {
            Self::Plugin(plan) => plan.rules().len(),
            Self::Route(document) => document.rules.as_slice().len(),
        }
    }
}

impl Carried {
    /// Reads it as the module would.
    ///
    /// # Errors
    /// Every mistake, in the order of the text.
    pub fn read(&self) -> Result<Read, Vec<Diagnostic>> {
        match self.role {
            Role::Plugin => Plan::from_json(self.json.as_bytes()).map(|plan| Read::Plugin(Box::new(plan))),
            Role::Route => route::read(self.json.as_bytes()).map(Read::Route),
        }
    }
}

/// A file that contains documents.
#[derive(Debug, Default)]
pub struct Manifest {
    /// The documents, in the order of the file.
    pub documents: Vec<Carried>,
    /// Mistakes in the manifest around the documents.
    pub traps: Vec<Mistake>,
    /// Plugins that are not ours, by name.
    pub others: Vec<String>,
}

/// Returns the documents in a manifest, or `None` if the file is a document itself.
///
/// # Errors
/// When the file is neither JSON nor YAML, or contains no document.
pub fn carried(file: &DocumentFile) -> Result<Option<Manifest>, Box<Mistake>> {
    let values = file.values()?;
    if !values.iter().any(|(json, _)| is_manifest(json)) {
        return Ok(None);
    }
    let excerpt = Rc::new(Excerpt::whole(file.source()));
    let mut manifest = Manifest::default();
    for (json, places) in &values {
        let spot = Spot { json, places, excerpt: &excerpt, path: Path::default() };
        Search::new(&mut manifest).visit(&spot);
    }
    let manifest = trap::between_documents(manifest);
    if manifest.documents.is_empty() && manifest.traps.is_empty() {
        return Err(Box::new(nothing(&manifest.others)));
    }
    Ok(Some(manifest))
}

fn nothing(others: &[String]) -> Mistake {
    let label = match others {
        [] => "no Wasm plugin, and no route metadata under `brownout`".to_owned(),
        others => format!("found only other plugins: `{}`", others.join("`, `")),
    };
    mistake(Code::NoDocument, "a manifest without a document", &label, 0..0)
}

/// Returns whether this is a manifest, rather than a document.
fn is_manifest(json: &Json) -> bool {
    let Json::Object(fields) = json else { return false };
    let has = |name: &str| fields.iter().any(|(field, _)| brownout_core::decode::snake(field) == name);
    let is_kubernetes = has("api_version") && has("kind");
    // `rules` is a field of ours and of others; Envoy's own messages have none of our fields.
    is_kubernetes || (ENVOY.iter().any(|field| has(field)) && !has_our_fields(json))
}

/// Returns whether an object has a field that only documents have.
fn has_our_fields(json: &Json) -> bool {
    let Json::Object(fields) = json else { return false };
    fields
        .iter()
        .any(|(name, _)| document::Document::FIELDS.contains(&brownout_core::decode::snake(name).as_str()))
}

/// Prints a value as a control plane does.
fn printed(json: &Json) -> String {
    text::json(json)
}

/// A YAML text in a manifest, and the values in it.
type Nested = (Rc<Excerpt>, Vec<(Json, Places)>);

/// Returns the values in a YAML string in a manifest, with its text.
fn nested(spot: &Spot<'_>) -> Option<Nested> {
    let excerpt = spot.string()?;
    let values = crate::document::yaml::read_all(excerpt.text()).ok()?;
    Some((excerpt, values.into_iter().map(|value| (value.json, value.places)).collect()))
}
