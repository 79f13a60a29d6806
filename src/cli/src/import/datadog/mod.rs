//! The gRPC part of a `Disruption` of Datadog's chaos controller.
//!
//! An interceptor in the service answers calls of certain methods instead of the service.

mod endpoint;
mod table;

pub use table::FIELDS;

use super::built::Built;
use super::fields::Fields;
use super::findings::Findings;
use super::hold;
use super::manifest::{Resource, Wanted, experiment};
use super::names::Names;
use super::place::Place;
use super::pods::Pods;
use super::rule::Rule;
use super::settle::finish_with;
use super::sources::Sources;
use super::window::{Window, length};
use super::{Choices, Imported, Rejected};
use crate::document::DocumentFile;
use brownout_core::decode::diagnostic::Code;
use brownout_core::value::timestamp::Timestamp;
use std::time::Duration;

const WANTED: Wanted = Wanted {
    group: "chaos.datadoghq.com",
    kinds: &["Disruption"],
    version: "chaos.datadoghq.com/v1beta1",
    tool: "Datadog's chaos controller",
};

/// Other fields of a disruption, which do not act on calls.
const OTHERS: [&str; 8] = [
    "network",
    "cpuPressure",
    "diskPressure",
    "diskFailure",
    "dns",
    "nodeFailure",
    "containerFailure",
    "podReplacement",
];

/// Imports files with manifests.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn import(files: Vec<DocumentFile>, choices: &Choices) -> Result<Imported, Rejected> {
    let sources = Sources::read(files)?;
    let mut findings = Findings::new(choices.partial);
    let manifests = Resource::all(&sources, WANTED, &mut findings);
    let rules: Vec<Rule> =
        manifests.iter().flat_map(|manifest| disruption(manifest, choices, &mut findings)).collect();
    if rules.is_empty() && findings.is_good() && findings.losses() == 0 {
        findings.wrong(
            &Place::default(),
            Code::MissingField,
            "no fault to import",
            "expected a `Disruption` with `grpc`",
        );
    }
    let mut names = Names::default();
    let rules = rules.into_iter().map(|rule| rule.built(&mut names)).collect();
    finish_with(&sources, findings, experiment(&sources, &manifests), rules)
}

fn disruption(manifest: &Resource<'_>, choices: &Choices, findings: &mut Findings) -> Vec<Rule> {
    let Some(spec) = manifest.spec(findings) else { return Vec::new() };
    let (others, entries): (Vec<_>, Vec<_>) =
        spec.entries().into_iter().partition(|(name, _)| OTHERS.contains(name));
    for (name, node) in others {
        findings.note(&node.place, format!("left out: `{name}` does not act on calls"));
    }
    let fields = Fields::new(findings.take(entries, &FIELDS, &[""]));
    let Some(grpc) = fields.find("grpc") else { return Vec::new() };
    let grpc = Fields::new(findings.open(grpc, &FIELDS, "grpc").unwrap_or_default());
    let mut rules =
        grpc.find("endpoints").map(|list| endpoint::rules(list, manifest.name, findings)).unwrap_or_default();
    let namespaces = manifest.namespace.map(str::to_owned).into_iter().collect();
    let labels = fields.find("selector").map(|node| (Pods::labels(node, findings), node.place.clone()));
    let (labels, place) = labels.unwrap_or_default();
    let pods = Pods::new(&place, namespaces, labels).condition(choices.select_pods, findings);
    let schedule = schedule(&fields, choices.starting_at, findings);
    let dry = fields.then("dryRun", |node| findings.flag(node)) == Some(true);
    for rule in &mut rules {
        rule.condition = std::mem::take(&mut rule.condition).and(pods.clone());
        rule.fields.splice(0..0, schedule.clone());
        if dry {
            rule.fields.push(("mode".into(), Built::text("shadow")));
        }
    }
    rules
}

/// Converts `duration` and `pulse` to a `schedule`, if there are any.
fn schedule(
    fields: &Fields<'_>,
    start: Option<Timestamp>,
    findings: &mut Findings,
) -> Option<(String, Built)> {
    let pulse = fields.then("pulse", |node| findings.open(node, &FIELDS, "pulse"));
    let pulse = Fields::new(pulse.unwrap_or_default());
    let initial = pulse.find("initialDelay").cloned();
    let after = initial.as_ref().and_then(|node| length(node, findings)).unwrap_or_default();
    let mut made = Vec::new();
    if let Some(node) = fields.find("duration").or(initial.as_ref()) {
        let whole = fields.then("duration", |node| length(node, findings));
        let rest = whole.map(|whole| whole.saturating_sub(after).max(Duration::from_micros(1)));
        let window = Window { place: node.place.clone(), after, length: rest };
        let window = window.schedule(start, findings).map(|(_, value)| value.into_fields());
        made.extend(window.unwrap_or_default());
    }
    let on = pulse.then("activeDuration", |node| hold::written(node, findings));
    let off = pulse.then("dormantDuration", |node| hold::written(node, findings));
    made.extend(on.map(|on| ("on".to_owned(), on)));
    made.extend(off.map(|off| ("off".to_owned(), off)));
    let place = fields.find("pulse").or(fields.find("duration")).map(|node| node.place.clone());
    (!made.is_empty()).then(|| ("schedule".into(), Built::object(made).from(&place.unwrap_or_default())))
}
