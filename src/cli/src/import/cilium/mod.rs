//! Cilium's `l7proto: chaos`: rules for its Go parser that never left its pull request.
//!
//! A rule draws when it looks at a request, and the rules are gone through once more, with new draws, for the response.

mod rule;
mod table;

pub use table::FIELDS;

use super::findings::Findings;
use super::manifest::{Manifest, Wanted, experiment};
use super::names::Names;
use super::place::{Node, Place};
use super::pods::Pods;
use super::rule::Rule;
use super::settle::finish_with;
use super::sources::Sources;
use super::{Imported, Rejected};
use crate::document::DocumentFile;
use brownout_core::decode::diagnostic::Code;
use rule::Manner;

const WANTED: Wanted = Wanted {
    group: "cilium.io",
    kinds: &["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"],
    version: "cilium.io/v2",
    tool: "Cilium",
};

/// How often a response is touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Draws {
    /// With the square of the probability, as Cilium does.
    #[default]
    Twice,
    /// With the probability, as people mean it.
    Once,
}

/// What the policies leave open.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// Whether what cannot be imported is left out with a note, instead of being a mistake.
    pub partial: bool,
    /// How often responses are touched.
    pub draws: Draws,
    /// Whether to add the headers with which Cilium says what it did.
    pub headers: bool,
    /// Whether pods are chosen by the rules, by what a proxy says about itself.
    pub select_pods: bool,
}

/// Imports files with policies, or with the `rules` of a port.
///
/// # Errors
/// What is wrong with them, or cannot be imported.
pub fn import(files: Vec<DocumentFile>, choices: &Choices) -> Result<Imported, Rejected> {
    let sources = Sources::read(files)?;
    let mut findings = Findings::new(choices.partial);
    let bare = |node: &Node<'_>| node.field("l7proto").is_some() || node.field("rules").is_some();
    let nodes = sources.nodes();
    let manner = Manner { draws: choices.draws, headers: choices.headers };
    let mut rules = Vec::new();
    let mut manifests = Vec::new();
    if nodes.iter().all(bare) {
        for node in &nodes {
            let inner = node.field("rules").unwrap_or_else(|| node.clone());
            rules.extend(port_rules(&inner, "chaos", manner, &mut findings));
        }
    } else {
        manifests = Manifest::all(&sources, WANTED, &mut findings);
        for manifest in &manifests {
            let single = manifest.node.field("spec");
            let several = manifest.node.field("specs").map(|specs| findings.list(&specs)).unwrap_or_default();
            for spec in single.into_iter().chain(several) {
                rules.extend(policy(manifest, &spec, manner, choices.select_pods, &mut findings));
            }
        }
    }
    if rules.is_empty() && findings.is_good() && findings.losses() == 0 {
        let label = "expected a policy with `l7proto: chaos`, or the `rules` of one";
        findings.wrong(&Place::default(), Code::MissingField, "no fault to import", label);
    }
    note_new_search(&rules, &mut findings);
    let mut names = Names::default();
    let rules = rules.into_iter().map(|rule| rule.built(&mut names)).collect();
    finish_with(&sources, findings, experiment(&sources, &manifests), rules)
}

fn note_new_search(rules: &[Rule], findings: &mut Findings) {
    let touches = |rule: &&Rule| rule.fields.iter().any(|(name, _)| name == "response");
    if rules.len() < 2 {
        return;
    }
    for rule in rules.iter().filter(touches) {
        let note = "for the response Cilium goes through its rules anew, and looks neither at the path nor at the method; here the \
            rule that took the request is the one for the response too";
        findings.note(&rule.place, note);
    }
}

fn policy(
    manifest: &Manifest<'_>,
    spec: &Node<'_>,
    manner: Manner,
    select_pods: bool,
    findings: &mut Findings,
) -> Vec<Rule> {
    let mut rules = Vec::new();
    for direction in ["ingress", "egress"] {
        for entry in spec.field(direction).map(|node| findings.list(&node)).unwrap_or_default() {
            for port in entry.field("to_ports").map(|node| findings.list(&node)).unwrap_or_default() {
                let Some(inner) = port.field("rules") else { continue };
                let found = port_rules(&inner, manifest.name, manner, findings);
                if !found.is_empty() {
                    note_place(&entry, &port, direction, findings);
                }
                rules.extend(found);
            }
        }
    }
    if let Some(selector) = spec.field("endpoint_selector")
        && !rules.is_empty()
    {
        let condition = pods(manifest, &selector, findings).condition(select_pods, findings);
        rules.iter_mut().for_each(|rule| {
            rule.condition = std::mem::take(&mut rule.condition).and(condition.clone());
        });
    }
    rules
}

/// Who talks to whom, and through which port: what is not the document's business.
fn note_place(entry: &Node<'_>, port: &Node<'_>, direction: &str, findings: &mut Findings) {
    for (name, node) in entry.entries() {
        if (name.starts_with("from") || name.starts_with("to")) && name != "toPorts" {
            findings.note(&node.place, "left out: who may talk to whom stays with the policy");
        }
    }
    if let Some(ports) = port.field("ports") {
        let side = if direction == "ingress" { "before the service" } else { "on its way out" };
        let note =
            format!("left out: a document has no ports: put the filter on the listener of this one, {side}");
        findings.note(&ports.place, note);
    }
}

fn pods(manifest: &Manifest<'_>, selector: &Node<'_>, findings: &mut Findings) -> Pods {
    let mut labels =
        selector.field("match_labels").map(|node| Pods::labels(&node, findings)).unwrap_or_default();
    for (name, _) in &mut labels {
        let plain = name.strip_prefix("k8s:").or_else(|| name.strip_prefix("any:")).map(str::to_owned);
        *name = plain.unwrap_or_else(|| name.clone());
    }
    if let Some(expressions) = selector.field("match_expressions") {
        findings.note(
            &expressions.place,
            "left out: a document does not choose pods: give it to those that this selects",
        );
    }
    Pods::new(&selector.place, manifest.namespace.map(str::to_owned).into_iter().collect(), labels)
}

/// The rules of a port, if they are about chaos.
fn port_rules(node: &Node<'_>, name: &str, manner: Manner, findings: &mut Findings) -> Vec<Rule> {
    if node.field("l7proto").and_then(|proto| proto.text()) != Some("chaos") {
        findings.note(&node.place, "left out: rules of another kind than `l7proto: chaos`");
        return Vec::new();
    }
    let rules = node.field("l7").map(|list| findings.list(&list)).unwrap_or_default();
    rules.iter().filter_map(|node| rule::read(node, name, manner, findings)).collect()
}
