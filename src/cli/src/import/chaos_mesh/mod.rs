//! Chaos Mesh's `HTTPChaos`, alone or in a `Schedule` or a `Workflow`.
//!
//! Its proxy runs in front of the selected pods and applies every matching `HTTPChaos`, one after another. In a
//! document, only the first matching rule applies, so those for the same requests are joined.

mod action;
mod spec;
mod table;
mod wrapper;

pub use table::FIELDS;

use super::findings::Findings;
use super::manifest::{Resource, Wanted, experiment};
use super::names::Names;
use super::place::Place;
use super::rule::Rule;
use super::settle::finish_with;
use super::sources::Sources;
use super::{Choices, Imported, Rejected};
use crate::document::DocumentFile;
use crate::import::built::Built;
use brownout_core::decode::diagnostic::Code;
use spec::Chaos;

const WANTED: Wanted = Wanted {
    group: "chaos-mesh.org",
    kinds: &["HTTPChaos", "Schedule", "Workflow"],
    version: "chaos-mesh.org/v1alpha1",
    tool: "Chaos Mesh",
};

/// The annotation that pauses an experiment.
const PAUSE: &str = "experiment.chaos-mesh.org/pause";

/// Imports files with manifests.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn import(files: Vec<DocumentFile>, choices: &Choices) -> Result<Imported, Rejected> {
    let sources = Sources::read(files)?;
    let mut findings = Findings::new(choices.partial);
    let manifests = Resource::all(&sources, WANTED, &mut findings);
    let mut all: Vec<Chaos> = Vec::new();
    for manifest in &manifests {
        let mut found: Vec<Chaos> = match manifest.kind {
            "Schedule" => {
                wrapper::scheduled(manifest, choices.starting_at, &mut findings).into_iter().collect()
            }
            "Workflow" => wrapper::steps(manifest, choices.starting_at, &mut findings),
            _ => manifest
                .spec(&mut findings)
                .and_then(|spec| Chaos::read(&spec, manifest.name, &mut findings))
                .into_iter()
                .collect(),
        };
        if manifest.annotation(PAUSE).is_some_and(|node| node.text() == Some("true")) {
            found.iter_mut().for_each(|chaos| chaos.rule.fields.push(("mode".into(), Built::text("off"))));
        }
        all.extend(found);
    }
    if all.is_empty() && findings.is_good() {
        let label = "expected an `HTTPChaos`, alone or in a `Schedule` or a `Workflow`";
        findings.wrong(&Place::default(), Code::MissingField, "no fault to import", label);
    }
    let rules = rules(all, choices, &mut findings);
    let mut names = Names::default();
    let rules = rules.into_iter().map(|rule| rule.built(&mut names)).collect();
    finish_with(&sources, findings, experiment(&sources, &manifests), rules)
}

/// Returns the rules, with their pods and schedules.
fn rules(all: Vec<Chaos>, choices: &Choices, findings: &mut Findings) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let first = all.first().map(|chaos| chaos.pods.clone());
    for Chaos { mut rule, pods, window } in all {
        if !choices.select_pods && first.as_ref().is_some_and(|first| !first.same(&pods)) {
            let why = "a document applies to every proxy that gets it: import them one at a time, or with `--select-pods`";
            findings.refuse(&rule.place, "an `HTTPChaos` that selects different pods from the first", why);
            continue;
        }
        let same_note = !choices.select_pods && !rules.is_empty();
        let selected =
            if same_note { Default::default() } else { pods.condition(choices.select_pods, findings) };
        rule.condition = rule.condition.and(selected);
        if let Some(schedule) = window.and_then(|window| window.schedule(choices.starting_at, findings)) {
            rule.fields.insert(0, schedule);
        }
        match rules.iter_mut().find(|other| joins(other, &rule)) {
            Some(other) => {
                let note = format!(
                    "it becomes part of the rule for `{}`, which is for the same requests",
                    other.name
                );
                findings.note(&rule.place, note);
                let known: Vec<String> = other.fields.iter().map(|(name, _)| name.clone()).collect();
                other.fields.extend(rule.fields.into_iter().filter(|(name, _)| !known.contains(name)));
            }
            None => {
                if !rules.is_empty() {
                    let note = "Chaos Mesh applies all of those that match; here, to a request that a rule before it takes, this \
                        one does nothing";
                    findings.note(&rule.place, note);
                }
                rules.push(rule);
            }
        }
    }
    rules
}

/// Returns whether two rules are for the same requests at the same time, have different faults, and neither changes
/// what the other checks.
fn joins(one: &Rule, other: &Rule) -> bool {
    let when = |rule: &Rule| -> Vec<_> {
        let fields = rule.fields.iter().filter(|(name, _)| ["schedule", "mode"].contains(&name.as_str()));
        fields.map(|(name, value)| (name.clone(), value.json())).collect()
    };
    let does = |rule: &Rule, what: &str| rule.fields.iter().any(|(name, _)| name == what);
    let faults = ["reset", "request", "delay", "response"];
    let disjoint = !faults.iter().any(|fault| does(one, fault) && does(other, fault));
    let ends = does(one, "reset") || does(other, "reset");
    let changes = (does(one, "request") || does(other, "request")) && !one.condition.is_always();
    disjoint && !ends && !changes && when(one) == when(other) && one.condition.same(&other.condition)
}
