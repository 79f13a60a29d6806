//! Manifests that carry documents: what Kubernetes, a mesh or Envoy takes, with a document of ours somewhere inside.
//!
//! [`carried`] finds the documents in a file, and what the manifest round them does that is legal and wrong. How a control
//! plane hands each kind on stands beside the code that reads it.

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

/// What a document is for.
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
    /// Where in the file it stands.
    pub path: Path,
    /// What it is for.
    pub role: Role,
    /// The JSON text that the module gets.
    pub json: String,
    /// The way from what is said about it to the file.
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
    /// How many rules it has.
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

/// A file that carries documents.
#[derive(Debug, Default)]
pub struct Manifest {
    /// The documents, in the order of the file.
    pub documents: Vec<Carried>,
    /// What is wrong with the manifest round them.
    pub traps: Vec<Mistake>,
    /// Plugins that are not ours, by name.
    pub others: Vec<String>,
}

/// The documents in a file, unless the file is a document itself.
///
/// # Errors
/// Why the file is neither JSON nor YAML.
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
        others => format!("of other plugins, there is `{}`", others.join("`, `")),
    };
    mistake(Code::NoDocument, "a manifest without a document", &label, 0..0)
}

/// Whether this is something that a document stands in, rather than a document.
fn is_manifest(json: &Json) -> bool {
    let Json::Object(fields) = json else { return false };
    let has = |name: &str| fields.iter().any(|(field, _)| brownout_core::decode::snake(field) == name);
    let is_kubernetes = has("api_version") && has("kind");
    // `rules` is a field of ours and of others; what Envoy reads has none of ours.
    is_kubernetes || (ENVOY.iter().any(|field| has(field)) && !has_our_fields(json))
}

/// Whether an object has a field that only documents have.
fn has_our_fields(json: &Json) -> bool {
    let Json::Object(fields) = json else { return false };
    fields
        .iter()
        .any(|(name, _)| document::Document::FIELDS.contains(&brownout_core::decode::snake(name).as_str()))
}

/// A value as the text that a control plane makes of it.
fn printed(json: &Json) -> String {
    text::json(json)
}

/// A text in a manifest that is YAML, and the values in it.
type Nested = (Rc<Excerpt>, Vec<(Json, Places)>);

/// The values in a YAML string that stands in a manifest, with their text.
fn nested(spot: &Spot<'_>) -> Option<Nested> {
    let excerpt = spot.string()?;
    let values = crate::document::yaml::read_all(excerpt.text()).ok()?;
    Some((excerpt, values.into_iter().map(|value| (value.json, value.places)).collect()))
}
