//! Litmus's `ChaosEngine` with `pod-http-*` experiments.
//!
//! Its proxy runs in front of one port of some pods and does one thing to every connection, or to some of them.

mod experiment;
mod table;

pub use table::FIELDS;

use super::built::Built;
use super::findings::Findings;
use super::manifest::{self, Resource, Wanted};
use super::names::Names;
use super::place::{Node, Place};
use super::pods::Pods;
use super::rule::Rule;
use super::settle::finish_with;
use super::sources::Sources;
use super::window::Window;
use super::{Choices, Imported, Rejected};
use crate::document::DocumentFile;
use brownout_core::decode::diagnostic::Code;
use experiment::{Experiment, NAMES};
use std::time::Duration;

const WANTED: Wanted = Wanted {
    group: "litmuschaos.io",
    kinds: &["ChaosEngine"],
    version: "litmuschaos.io/v1alpha1",
    tool: "Litmus",
};

/// Imports files with manifests.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn import(files: Vec<DocumentFile>, choices: &Choices) -> Result<Imported, Rejected> {
    let sources = Sources::read(files)?;
    let mut findings = Findings::new(choices.partial);
    let engines = Resource::all(&sources, WANTED, &mut findings);
    let mut rules: Vec<Rule> = Vec::new();
    for engine in &engines {
        let Some(spec) = engine.spec(&mut findings) else { continue };
        rules.extend(self::engine(engine, &spec, choices, &mut findings));
    }
    if rules.is_empty() && findings.is_good() && findings.losses() == 0 {
        let label = format!("expected a `ChaosEngine` with one of `{}`", NAMES.join("`, `"));
        findings.wrong(&Place::default(), Code::MissingField, "no fault to import", label);
    }
    if let [_, others @ ..] = rules.as_slice() {
        for rule in others {
            let note = "Litmus runs one experiment after another; here, this rule does nothing to a request that an earlier rule takes";
            findings.note(&rule.place, note);
        }
    }
    let mut names = Names::default();
    let rules = rules.into_iter().map(|rule| rule.built(&mut names)).collect();
    finish_with(&sources, findings, manifest::experiment(&sources, &engines), rules)
}

fn engine(engine: &Resource<'_>, spec: &Node<'_>, choices: &Choices, findings: &mut Findings) -> Vec<Rule> {
    let stopped = spec.field("engine_state").and_then(|node| node.text()) == Some("stop");
    let condition = pods(spec, findings).condition(choices.select_pods, findings);
    let experiments = spec.field("experiments").map(|node| findings.list(&node)).unwrap_or_default();
    let mut begin = Duration::ZERO;
    let mut rules = Vec::new();
    for node in &experiments {
        let Some(kind) = node.field("name").and_then(|name| name.text()) else {
            findings.wrong(&node.place, Code::MissingField, "missing field `name`", "expected an experiment");
            continue;
        };
        if !NAMES.contains(&kind) {
            findings.note(&node.place, format!("left out: `{kind}` does not affect HTTP"));
            continue;
        }
        if let Some(probe) = node.at(&["spec", "probe"]) {
            findings.note(
                &probe.place,
                "left out: probes; see `stop_when` for ending an experiment that goes wrong",
            );
        }
        let name =
            if experiments.len() == 1 { engine.name.to_owned() } else { format!("{}-{kind}", engine.name) };
        let Some(Experiment { mut rule, ramp, length, place }) =
            Experiment::read(node, kind, &name, findings)
        else {
            continue;
        };
        let window = Window { place, after: begin.saturating_add(ramp), length: Some(length) };
        begin = window.after.saturating_add(length).saturating_add(ramp);
        rule.fields.splice(0..0, window.schedule(choices.starting_at, findings));
        if stopped {
            rule.fields.push(("mode".into(), Built::text("off")));
        }
        rule.condition = rule.condition.and(condition.clone());
        rules.push(rule);
    }
    rules
}

/// `appinfo`: a namespace, and labels in one text.
fn pods(spec: &Node<'_>, findings: &mut Findings) -> Pods {
    let Some(info) = spec.field("appinfo") else { return Pods::new(&spec.place, Vec::new(), Vec::new()) };
    let mut text =
        |name: &str| info.field(name).and_then(|node| findings.text(&node)).filter(|text| !text.is_empty());
    let namespace = text("appns").map(str::to_owned);
    let labels = text("applabel").unwrap_or_default().split(',').filter_map(|label| label.split_once('='));
    let labels =
        labels.map(|(name, value)| (name.trim().to_owned(), value.trim_start_matches('=').trim().to_owned()));
    Pods::new(&info.place, namespace.into_iter().collect(), labels.collect())
}
