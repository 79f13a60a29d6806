//! Kuma's `MeshFaultInjection`.
//!
//! Each entry of `default.http` becomes a fault filter of Envoy's, with a header matcher for the caller's tags.

mod fault;
mod table;

pub use table::FIELDS;

use super::built::Built;
use super::condition::Condition;
use super::fields::Fields;
use super::findings::Findings;
use super::manifest::{Resource, Wanted, experiment};
use super::names::Names;
use super::place::{Node, Place};
use super::rule::Rule;
use super::settle::{finish_with, runnable};
use super::sources::Sources;
use super::{Imported, Rejected};
use crate::document::DocumentFile;
use brownout_core::decode::diagnostic::Code;

const WANTED: Wanted =
    Wanted { group: "kuma.io", kinds: &["MeshFaultInjection"], version: "kuma.io/v1alpha1", tool: "Kuma" };

/// The header in which Kuma's proxies send the caller's tags.
const TAGS: &str = "x-kuma-tags";

/// Imports files with policies, in Kubernetes's format or Kuma's own.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn import(files: Vec<DocumentFile>, partial: bool) -> Result<Imported, Rejected> {
    let sources = Sources::read(files)?;
    let mut findings = Findings::new(partial);
    let manifests = Resource::all(&sources, WANTED, &mut findings);
    let rules: Vec<Rule> = manifests.iter().flat_map(|manifest| policy(manifest, &mut findings)).collect();
    if rules.is_empty() && findings.is_good() && findings.losses() == 0 {
        let label = "expected a `MeshFaultInjection` with `http`";
        findings.wrong(&Place::default(), Code::MissingField, "no fault to import", label);
    }
    let mut names = Names::default();
    let rules = rules.into_iter().map(|rule| rule.built(&mut names)).collect();
    finish_with(&sources, findings, experiment(&sources, &manifests), rules)
}

fn policy(manifest: &Resource<'_>, findings: &mut Findings) -> Vec<Rule> {
    let Some(spec) = manifest.spec(findings) else { return Vec::new() };
    let fields = Fields::new(findings.open(&spec, &FIELDS, "").unwrap_or_default());
    let mut list = |name: &str| fields.find(name).map(|node| findings.list(node)).unwrap_or_default();
    let (mut from, to, rules) = (list("from"), list("to"), list("rules"));
    // Kuma applies the last one that matches.
    from.reverse();
    let mut made = Vec::new();
    let mut earlier: Vec<Condition> = Vec::new();
    for node in &from {
        let fields = Fields::new(findings.open(node, &FIELDS, "from[]").unwrap_or_default());
        let condition = match fields.find("targetRef") {
            Some(target) => sender(target, findings),
            None => Some(Condition::default()),
        };
        let Some(condition) = condition else { continue };
        if earlier.iter().any(Condition::is_always) {
            findings.note(&node.place, "left out: a later entry applies to every request and overrides it");
            continue;
        }
        let whole = condition.clone().and(Condition::none(earlier.clone()));
        made.extend(entry(manifest, &fields, whole, findings));
        earlier.push(condition);
    }
    for node in &to {
        let fields = Fields::new(findings.open(node, &FIELDS, "to[]").unwrap_or_default());
        made.extend(entry(manifest, &fields, Condition::default(), findings));
    }
    for (index, node) in rules.iter().enumerate() {
        let fields = Fields::new(findings.open(node, &FIELDS, "rules[]").unwrap_or_default());
        let losses = findings.losses();
        let matches = fields.find("matches").map(|node| findings.list(node)).unwrap_or_default();
        let conditions: Vec<_> = matches.iter().filter_map(|node| principal(node, findings)).collect();
        if findings.losses() != losses {
            continue;
        }
        if index > 0 {
            findings.note(&node.place, "here, it does nothing to a request that an earlier entry takes");
        }
        made.extend(entry(manifest, &fields, Condition::any(conditions).unwrap_or_default(), findings));
    }
    made
}

fn entry(
    manifest: &Resource<'_>,
    fields: &Fields<'_>,
    condition: Condition,
    findings: &mut Findings,
) -> Vec<Rule> {
    let Some(default) = fields.find("default") else { return Vec::new() };
    let mut rules = Vec::new();
    for part in fault::parts(default, findings) {
        let Some(faults) = runnable(&condition, part.faults, findings) else { continue };
        let rule = Rule::of_all(&part.place, manifest.name, condition.clone());
        rules.push(Rule { share: part.share, fields: faults, ..rule });
    }
    rules
}

/// Returns a condition on the caller's tags in the header, with the expression that Kuma itself uses.
fn sender(node: &Node<'_>, findings: &mut Findings) -> Option<Condition> {
    let fields = Fields::new(findings.open(node, &FIELDS, "from[].targetRef")?);
    let mut tags = Vec::new();
    for (name, value) in fields.find("tags").map(|node| findings.map(node)).unwrap_or_default() {
        tags.push((name.to_owned(), findings.text(&value)?.to_owned()));
    }
    match fields.then("kind", |node| findings.text(node)).unwrap_or("Mesh") {
        "Mesh" => return Some(Condition::default()),
        "MeshSubset" => {}
        "MeshService" | "MeshServiceSubset" => {
            let name = fields.then("name", |node| findings.text(node))?;
            tags.push(("kuma.io/service".to_owned(), name.to_owned()));
        }
        other => {
            let why = "use `Mesh`, `MeshSubset` or `MeshService`";
            findings.refuse(&node.place, &format!("requests from a `{other}`"), why);
            return None;
        }
    }
    if tags.is_empty() {
        return Some(Condition::default());
    }
    tags.sort();
    let tag = |(name, value): &(String, String)| match value.as_str() {
        "*" => format!("&{name}=.*"),
        value => format!("&{name}=[^&]*{}[,&].*", value.replace('.', "\\.")),
    };
    let regex = format!(".*{}", tags.iter().map(tag).collect::<String>());
    let matcher =
        [("name", Built::text(TAGS)), ("string_match", Built::object([("safe_regex", Built::text(regex))]))];
    Some(Condition::new("headers", Built::list(vec![Built::object(matcher)]).from(&node.place)))
}

fn principal(node: &Node<'_>, findings: &mut Findings) -> Option<Condition> {
    let fields = Fields::new(findings.open(node, &FIELDS, "rules[].matches[]")?);
    let id = fields.find("spiffeID")?;
    let fields = Fields::new(findings.open(id, &FIELDS, "rules[].matches[].spiffeID")?);
    let value = fields.then("value", |node| Some(Built::text(findings.text(node)?).from(&node.place)));
    let kind = match fields.then("type", |node| findings.text(node)).unwrap_or("Exact") {
        "Exact" => "exact",
        "Prefix" => "prefix",
        other => {
            let label = format!("found `{other}`, expected `Exact` or `Prefix`");
            findings.wrong(&id.place, Code::InvalidValue, "invalid type of match", label);
            return None;
        }
    };
    let Some(value) = value else {
        findings.wrong(&id.place, Code::MissingField, "missing field `value`", "expected a SPIFFE ID");
        return None;
    };
    let principal = Built::object([(kind, value)]);
    Some(Condition::new("source", Built::object([("principal", principal)]).from(&id.place)))
}
