//! Cilium's `l7proto: chaos`: rules for its Go parser that never left its pull request.
//!
//! A rule draws when it sees a request; for the response, all rules are evaluated again, with new draws.

mod rule;
mod table;

pub use table::FIELDS;

use super::findings::Findings;
use super::manifest::{Resource, Wanted, experiment};
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

/// The probability that a response is affected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Draws {
    /// The square of the rule's probability, as in Cilium.
    #[default]
    Twice,
    /// The rule's probability, as people intend it.
    Once,
}

/// The options for importing from Cilium.
#[derive(Debug, Clone, Default)]
pub struct CiliumChoices {
    /// True to leave out input that cannot be imported, with a note; false to report a mistake.
    pub partial: bool,
    pub draws: Draws,
    /// True to add the headers in which Cilium reports what it did.
    pub headers: bool,
    /// True to match the selected pods by the namespace and labels that their proxies report.
    pub select_pods: bool,
}

/// Imports files with policies, or with the `rules` of a port.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn import(files: Vec<DocumentFile>, choices: &CiliumChoices) -> Result<Imported, Rejected> {
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
        manifests = Resource::all(&sources, WANTED, &mut findings);
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
        let note = "for the response, Cilium evaluates its rules again, without the path and the method; here, the rule that \
            took the request also handles the response";
        findings.note(&rule.place, note);
    }
}

fn policy(
    manifest: &Resource<'_>,
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

/// Adds notes on peers and ports, which a document does not control.
fn note_place(entry: &Node<'_>, port: &Node<'_>, direction: &str, findings: &mut Findings) {
    for (name, node) in entry.entries() {
        if (name.starts_with("from") || name.starts_with("to")) && name != "toPorts" {
            findings.note(&node.place, "left out: the policy still decides who may talk to whom");
        }
    }
    if let Some(ports) = port.field("ports") {
        let side = if direction == "ingress" { "before the service" } else { "on its way out" };
        let note =
            format!("left out: a document has no ports: put the filter on the listener of this one, {side}");
        findings.note(&ports.place, note);
    }
}

fn pods(manifest: &Resource<'_>, selector: &Node<'_>, findings: &mut Findings) -> Pods {
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
        findings.note(&node.place, "left out: rules other than `l7proto: chaos`");
        return Vec::new();
    }
    let rules = node.field("l7").map(|list| findings.list(&list)).unwrap_or_default();
    rules.iter().filter_map(|node| rule::read(node, name, manner, findings)).collect()
}
