//! Istio's faults: `fault` in the HTTP routes of `VirtualService`s.
//!
//! A sidecar or gateway picks the `VirtualService` for a request's host and applies only the fault of its first
//! matching entry. Here, an entry with a fault becomes a rule that takes all its requests, and `not` excludes from
//! later rules what entries without a fault take.

mod fault;
mod host;
mod matching;
mod service;
mod table;

pub use table::FIELDS;

use super::condition::Condition;
use super::findings::Findings;
use super::manifest::{Resource, Wanted};
use super::names::Names;
use super::place::Place;
use super::rule::Rule;
use super::settle::finish;
use super::sources::Sources;
use super::{Imported, Rejected};
use crate::document::DocumentFile;
use brownout_core::decode::diagnostic::Code;
use service::{HttpRoute, RoutedService};

/// The gateway name that means all sidecars.
pub const MESH: &str = "mesh";

const WANTED: Wanted = Wanted {
    group: "networking.istio.io",
    kinds: &["VirtualService"],
    version: "networking.istio.io/v1",
    tool: "Istio",
};

/// The options for importing from Istio.
#[derive(Debug, Clone)]
pub struct IstioChoices {
    /// The proxies that the document is for: [`MESH`], or the name of a gateway.
    pub gateway: String,
    /// The namespace of manifests that do not name one.
    pub namespace: String,
    /// True to leave out input that cannot be imported, with a note; false to report a mistake.
    pub partial: bool,
}

impl Default for IstioChoices {
    fn default() -> Self {
        Self { gateway: MESH.into(), namespace: "default".into(), partial: false }
    }
}

/// Imports files with manifests.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn import(files: Vec<DocumentFile>, choices: &IstioChoices) -> Result<Imported, Rejected> {
    let sources = Sources::read(files)?;
    let mut findings = Findings::new(choices.partial);
    let manifests = Resource::all(&sources, WANTED, &mut findings);
    let services: Vec<RoutedService<'_>> = manifests
        .iter()
        .filter_map(|manifest| RoutedService::read(&manifest.node, choices, &mut findings))
        .collect();
    note_equal_hosts(&services, &mut findings);
    let mut names = Names::default();
    let mut rules = Vec::new();
    for service in &services {
        let (requests, away) = service.condition(&services, choices.gateway == MESH);
        for HttpRoute { node, label, condition, passed, faults } in service.entries(choices, &mut findings) {
            let others = Condition::none(passed.into_iter().chain(away.iter().cloned()).collect());
            let condition = requests.clone().and(condition).and(others);
            let rule = Rule { fields: faults, ..Rule::of_all(&node.place, label, condition) };
            rules.push(rule.built(&mut names));
        }
    }
    if rules.is_empty() && findings.is_good() {
        let label = "expected a `VirtualService` whose `http` has a `fault` that applies here";
        findings.wrong(&Place::default(), Code::MissingField, "no fault to import", label);
    }
    finish(&sources, findings, rules)
}

fn note_equal_hosts(services: &[RoutedService<'_>], findings: &mut Findings) {
    for (index, service) in services.iter().enumerate() {
        for (host, node) in &service.hosts {
            let earlier =
                services[..index].iter().find(|other| other.hosts.iter().any(|(its, _)| its == host));
            if let Some(earlier) = earlier {
                let note = format!(
                    "`{}` is for this host too: a sidecar uses only the older of the two, this document tries both",
                    earlier.name
                );
                findings.note(&node.place, note);
            }
        }
    }
}
