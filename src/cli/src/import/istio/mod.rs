//! Istio's faults: `fault` in the HTTP routes of `VirtualService`s.
//!
//! A sidecar or gateway takes the `VirtualService` of the host that a request asks for, and of that the first entry that
//! matches; the fault of that entry is the only one. Here an entry with a fault is a rule that takes all its requests, and
//! what entries without a fault take is kept from later rules by `not`.

mod fault;
mod host;
mod matching;
mod service;
mod table;

pub use table::FIELDS;

use super::built::Built;
use super::condition::Condition;
use super::findings::Findings;
use super::names::Names;
use super::place::{Node, Place};
use super::settle::finish;
use super::sources::Sources;
use super::{Imported, Rejected};
use crate::document::Document;
use brownout_core::diagnostic::Code;
use service::{Entry, Service};

/// The gateway that stands for all sidecars.
pub const MESH: &str = "mesh";

/// What the manifests leave open.
#[derive(Debug, Clone)]
pub struct Choices {
    /// Whose proxy the document is for: [`MESH`], or the name of a gateway.
    pub gateway: String,
    /// The namespace of manifests that do not say theirs.
    pub namespace: String,
    /// Whether what cannot be imported is left out with a note, instead of being a mistake.
    pub partial: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self { gateway: MESH.into(), namespace: "default".into(), partial: false }
    }
}

/// Imports files with manifests.
///
/// # Errors
/// What is wrong with them, or cannot be imported.
pub fn import(files: Vec<Document>, choices: &Choices) -> Result<Imported, Rejected> {
    let sources = Sources::read(files)?;
    let mut findings = Findings::new(choices.partial);
    let manifests = sources.nodes().into_iter().flat_map(items).collect::<Vec<_>>();
    let mut services = Vec::new();
    for manifest in &manifests {
        if is_virtual_service(manifest, &mut findings) {
            services.extend(Service::read(manifest, choices, &mut findings));
        }
    }
    note_equal_hosts(&services, &mut findings);
    let mut names = Names::default();
    let mut rules = Vec::new();
    for service in &services {
        let (requests, away) = service.condition(&services, choices.gateway == MESH);
        for Entry { node, label, condition, passed, faults } in service.entries(choices, &mut findings) {
            let others = Condition::none(passed.into_iter().chain(away.iter().cloned()).collect());
            let condition = requests.clone().and(condition).and(others);
            let name = [("name".to_owned(), Built::text(names.new_name(&label)))];
            let percentage = [("percentage".to_owned(), Built::number(100))];
            let fields = name.into_iter().chain(condition.field(&node.place)).chain(percentage).chain(faults);
            rules.push(Built::object(fields).from(&node.place));
        }
    }
    if rules.is_empty() && findings.is_good() {
        let label = "expected a `VirtualService` whose `http` has a `fault` that applies here";
        findings.wrong(&Place::default(), Code::MissingField, "no fault to import", label);
    }
    finish(&sources, findings, rules)
}

/// The manifests in a list of them, as `kubectl get` prints it.
fn items(node: Node<'_>) -> Vec<Node<'_>> {
    match node.field("items") {
        Some(items) => items.elements(),
        None => vec![node],
    }
}

fn is_virtual_service(manifest: &Node<'_>, findings: &mut Findings) -> bool {
    let text = |name: &str| manifest.field(name).and_then(|node| node.text());
    let group = text("api_version").and_then(|version| version.split_once('/')).map(|(group, _)| group);
    match (group, text("kind")) {
        (Some("networking.istio.io"), Some("VirtualService")) => true,
        (_, Some(kind)) => {
            findings.note(&manifest.place, format!("left out: a `{kind}` has no faults that Istio injects"));
            false
        }
        (_, None) => {
            let label = "expected `apiVersion: networking.istio.io/v1` and `kind: VirtualService`";
            findings.wrong(&manifest.place, Code::MissingField, "not a manifest", label);
            false
        }
    }
}

fn note_equal_hosts(services: &[Service<'_>], findings: &mut Findings) {
    for (index, service) in services.iter().enumerate() {
        for (host, node) in &service.hosts {
            let earlier =
                services[..index].iter().find(|other| other.hosts.iter().any(|(its, _)| its == host));
            if let Some(earlier) = earlier {
                let note = format!(
                    "`{}` is for this host too: a sidecar takes only the older of the two, this document tries both",
                    earlier.name
                );
                findings.note(&node.place, note);
            }
        }
    }
}
