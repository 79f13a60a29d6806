//! Wrappers of an `HTTPChaos`: a `Schedule`, which repeats it, and a `Workflow`, which puts several in order.

use super::spec::Chaos;
use crate::import::built::Built;
use crate::import::findings::Findings;
use crate::import::hold;
use crate::import::manifest::Resource;
use crate::import::place::Node;
use crate::import::window::{Window, length, of_any_length};
use brownout_core::decode::diagnostic::Code;
use brownout_core::value::timestamp::Timestamp;
use std::time::Duration;

/// Returns the `HTTPChaos` that a `Schedule` repeats.
pub fn scheduled(
    manifest: &Resource<'_>,
    start: Option<Timestamp>,
    findings: &mut Findings,
) -> Option<Chaos> {
    let spec = manifest.spec(findings)?;
    let kind = spec.field("type").and_then(|node| node.text()).unwrap_or("HTTPChaos");
    if kind != "HTTPChaos" {
        findings.note(&spec.place, format!("left out: a schedule of `{kind}`"));
        return None;
    }
    let Some(inner) = spec.field("http_chaos") else {
        findings.wrong(&spec.place, Code::MissingField, "missing field `httpChaos`", "");
        return None;
    };
    let mut chaos = Chaos::read(&inner, manifest.name, findings)?;
    let pulse = pulse(&spec, chaos.window.take(), start, findings)?;
    chaos.rule.fields.insert(0, pulse);
    Some(chaos)
}

/// Returns the schedule: `@every 10m` with a duration of 1m is one minute on, nine off.
fn pulse(
    spec: &Node<'_>,
    window: Option<Window>,
    start: Option<Timestamp>,
    findings: &mut Findings,
) -> Option<(String, Built)> {
    let Some(node) = spec.field("schedule") else {
        findings.wrong(
            &spec.place,
            Code::MissingField,
            "missing field `schedule`",
            "expected one such as `@every 10m`",
        );
        return None;
    };
    let Some(period) =
        findings.text(&node)?.strip_prefix("@every ").and_then(|text| of_any_length(text.trim()))
    else {
        let why = "a document repeats at a fixed interval: write `@every 10m`";
        findings.refuse(&node.place, "a calendar schedule", why);
        return None;
    };
    let Some(on) =
        window.as_ref().and_then(|window| window.length).filter(|on| *on < period && !on.is_zero())
    else {
        let label = "expected a `duration` shorter than the period of the schedule";
        findings.wrong(&spec.place, Code::Conflict, "a schedule without a pause", label);
        return None;
    };
    let on = hold::built(&node.place, on, findings)?;
    let off = hold::built(&node.place, period.saturating_sub(window?.length?), findings)?;
    let begin = start.map(|start| ("not_before", Built::text(start.to_string())));
    let note = "the first run begins when the document arrives, or at `--starting-at`; Chaos Mesh waits one period first";
    findings.note(&node.place, note);
    let fields = begin.into_iter().chain([("on", on), ("off", off)]);
    Some(("schedule".into(), Built::object(fields).from(&node.place)))
}

/// Returns the `HTTPChaos` steps of a `Workflow`, each with its period.
pub fn steps(manifest: &Resource<'_>, start: Option<Timestamp>, findings: &mut Findings) -> Vec<Chaos> {
    let Some(spec) = manifest.spec(findings) else { return Vec::new() };
    let templates = spec.field("templates").map(|node| findings.list(&node)).unwrap_or_default();
    let entry = spec.field("entry").and_then(|node| node.text()).unwrap_or("entry");
    let mut plan = Steps { templates, manifest, start, open: Vec::new(), found: Vec::new() };
    plan.visit(entry, &spec, Some(Duration::ZERO), findings);
    plan.found
}

struct Steps<'m, 'a> {
    templates: Vec<Node<'a>>,
    manifest: &'m Resource<'a>,
    start: Option<Timestamp>,
    /// The templates whose children are being visited.
    open: Vec<String>,
    found: Vec<Chaos>,
}

impl Steps<'_, '_> {
    /// Visits a template that begins `begin` after the start, if that is known, and returns when it ends.
    fn visit(
        &mut self,
        name: &str,
        from: &Node<'_>,
        begin: Option<Duration>,
        findings: &mut Findings,
    ) -> Option<Duration> {
        let named = |node: &&Node<'_>| node.field("name").and_then(|node| node.text()) == Some(name);
        let Some(template) = self.templates.iter().find(named).cloned() else {
            findings.wrong(
                &from.place,
                Code::InvalidValue,
                "unknown template",
                format!("there is no `{name}`"),
            );
            return None;
        };
        if self.open.iter().any(|open| open == name) {
            findings.wrong(
                &from.place,
                Code::InvalidValue,
                "a template that contains itself",
                format!("`{name}` leads back here"),
            );
            return None;
        }
        let deadline = template.field("deadline").and_then(|node| length(&node, findings));
        let children = template.field("children").map(|node| findings.list(&node)).unwrap_or_default();
        self.open.push(name.to_owned());
        let end = match template.field("template_type").and_then(|node| node.text()).unwrap_or_default() {
            "Serial" => children.iter().try_fold(begin?, |begin, child| {
                self.visit(findings.text(child)?, child, Some(begin), findings)
            }),
            "Parallel" => {
                let ends: Vec<_> = children
                    .iter()
                    .map(|child| self.visit(findings.text(child)?, child, begin, findings))
                    .collect();
                ends.into_iter().try_fold(Duration::ZERO, |last, end| Some(last.max(end?)))
            }
            "Suspend" => begin.zip(deadline).map(|(begin, length)| begin.saturating_add(length)),
            "HTTPChaos" => self.chaos(name, &template, begin, deadline, findings),
            other => {
                findings.note(&template.place, format!("left out: a step of type `{other}`"));
                begin.zip(deadline).map(|(begin, length)| begin.saturating_add(length))
            }
        };
        self.open.pop();
        let limit = begin.zip(deadline).map(|(begin, length)| begin.saturating_add(length));
        match (end, limit) {
            (Some(end), Some(limit)) => Some(end.min(limit)),
            (end, limit) => end.or(limit),
        }
    }

    fn chaos(
        &mut self,
        name: &str,
        template: &Node<'_>,
        begin: Option<Duration>,
        deadline: Option<Duration>,
        findings: &mut Findings,
    ) -> Option<Duration> {
        let Some(inner) = template.field("http_chaos") else {
            findings.wrong(&template.place, Code::MissingField, "missing field `httpChaos`", "");
            return None;
        };
        let chaos = Chaos::read(&inner, &format!("{}-{name}", self.manifest.name), findings);
        let own = chaos.as_ref().and_then(|chaos| chaos.window.as_ref()).and_then(|window| window.length);
        let length = deadline.or(own);
        if begin.is_some_and(|begin| !begin.is_zero()) && self.start.is_none() {
            let why = "give the start of the workflow with `--starting-at`, and the rule gets a schedule";
            findings.refuse(&template.place, "a step that begins later", why);
            return begin.zip(length).map(|(begin, length)| begin.saturating_add(length));
        }
        if let Some(mut chaos) = chaos {
            chaos.window = begin.map(|after| Window { place: template.place.clone(), after, length });
            self.found.push(chaos);
        }
        begin.zip(length).map(|(begin, length)| begin.saturating_add(length))
    }
}
