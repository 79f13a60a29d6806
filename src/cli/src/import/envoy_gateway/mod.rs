//! The faults of Envoy Gateway's `BackendTrafficPolicy`.
//!
//! Envoy Gateway turns it into an `HTTPFault` on the routes that it targets; a policy for a route overrides the policy
//! for its gateway.

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

const WANTED: Wanted = Wanted {
    group: "gateway.envoyproxy.io",
    kinds: &["BackendTrafficPolicy"],
    version: "gateway.envoyproxy.io/v1alpha1",
    tool: "Envoy Gateway",
};

struct Policy {
    place: Place,
    name: String,
    /// Its routes; empty if it targets a gateway.
    routes: Vec<Condition>,
    /// True if one of its targets is a gateway.
    gateway: bool,
    /// True if it replaces the gateway's policy, false if it merges with it.
    replaces: bool,
    faults: Vec<(String, Built)>,
}

/// Imports files with policies.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn import(files: Vec<DocumentFile>, partial: bool) -> Result<Imported, Rejected> {
    let sources = Sources::read(files)?;
    let mut findings = Findings::new(partial);
    let manifests = Resource::all(&sources, WANTED, &mut findings);
    let policies: Vec<Policy> =
        manifests.iter().filter_map(|manifest| policy(manifest, &mut findings)).collect();
    let away: Vec<Condition> = policies
        .iter()
        .filter(|policy| policy.replaces || !policy.faults.is_empty())
        .flat_map(|policy| policy.routes.clone())
        .collect();
    let mut rules = Vec::new();
    for policy in &policies {
        if policy.faults.is_empty() {
            continue;
        }
        let routes = Condition::any(policy.routes.clone());
        if let Some(condition) = routes {
            rules.push((0, rule(policy, policy.name.clone(), condition)));
        }
        if policy.gateway {
            rules.push((1, rule(policy, policy.name.clone(), Condition::none(away.clone()))));
        }
    }
    if rules.is_empty() && findings.is_good() && findings.losses() == 0 {
        let label = "expected a `BackendTrafficPolicy` with `faultInjection`";
        findings.wrong(&Place::default(), Code::MissingField, "no fault to import", label);
    }
    rules.sort_by_key(|(level, _)| *level);
    let mut names = Names::default();
    let rules = rules.into_iter().map(|(_, rule)| rule.built(&mut names)).collect();
    finish_with(&sources, findings, experiment(&sources, &manifests), rules)
}

fn rule(policy: &Policy, name: String, condition: Condition) -> Rule {
    Rule { fields: policy.faults.clone(), ..Rule::of_all(&policy.place, name, condition) }
}

fn policy(manifest: &Resource<'_>, findings: &mut Findings) -> Option<Policy> {
    let spec = manifest.spec(findings)?;
    // Ignore the policy's other fields.
    let ours = |name: &str| FIELDS.fields_of("").any(|(known, _)| known == name);
    let entries = spec.entries().into_iter().filter(|(name, _)| ours(name)).collect();
    let fields = Fields::new(findings.take(entries, &FIELDS, &[""]));
    let faults = fields.find("faultInjection").map(|node| fault::faults(node, findings)).unwrap_or_default();
    let losses = findings.losses();
    let (mut routes, mut gateway) = (Vec::new(), false);
    let targets = fields.find("targetRefs").map(|node| findings.list(node)).unwrap_or_default();
    for target in targets.into_iter().chain(fields.find("targetRef").cloned()) {
        match self::target(&target, manifest.namespace.unwrap_or("default"), findings) {
            Some(Attached::Route(condition)) => routes.push(condition),
            Some(Attached::Gateway) => gateway = true,
            None => {}
        }
    }
    if routes.is_empty()
        && !gateway
        && findings.losses() == losses
        && findings.is_good()
        && !faults.is_empty()
    {
        findings.wrong(
            &spec.place,
            Code::MissingField,
            "missing field `targetRefs`",
            "expected the targets of the policy",
        );
    }
    let condition = Condition::any(routes.clone()).unwrap_or_default();
    let faults =
        if faults.is_empty() { faults } else { runnable(&condition, faults, findings).unwrap_or_default() };
    let replaces = spec.field("merge_type").is_none();
    Some(Policy { place: spec.place, name: manifest.name.into(), routes, gateway, replaces, faults })
}

enum Attached {
    Gateway,
    Route(Condition),
}

fn target(node: &Node<'_>, namespace: &str, findings: &mut Findings) -> Option<Attached> {
    let fields = Fields::new(findings.open(node, &FIELDS, "targetRefs[]")?);
    let (Some(kind), Some(name)) = (fields.find("kind"), fields.find("name")) else {
        findings.wrong(&node.place, Code::MissingField, "incomplete target", "expected `kind` and `name`");
        return None;
    };
    let name = findings.text(name)?;
    let section = fields.find("sectionName");
    let route = match findings.text(kind)? {
        "Gateway" => {
            if let Some(section) = section {
                findings.note(&section.place, "put the filter on this listener of the gateway");
            } else {
                findings.note(&node.place, format!("put the filter on the gateway `{name}`"));
            }
            return Some(Attached::Gateway);
        }
        "HTTPRoute" => "httproute",
        "GRPCRoute" => "grpcroute",
        other => {
            let why = "a document applies only to HTTP routes and gRPC routes";
            findings.refuse(&kind.place, &format!("a `{other}` as the target"), why);
            return None;
        }
    };
    if let Some(section) = section {
        let why = "Envoy Gateway numbers the rules of a route and does not name them: give the rule a route of its own";
        findings.refuse(&section.place, "one rule of a route as the target", why);
        return None;
    }
    let prefix = Built::text(format!("{route}/{namespace}/{name}/rule/"));
    Some(Attached::Route(Condition::new("route", Built::object([("prefix", prefix)]).from(&node.place))))
}
