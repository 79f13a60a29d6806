//! Lints for a single rule.

use super::lints::Lints;
use super::{fault, matching};
use crate::decode::diagnostic::Code;
use crate::decode::path::Segment;
use crate::document::mode::Mode;
use crate::document::rule::{Action, Rule};
use crate::document::sample::Sample;
use crate::document::schedule::Schedule;
use crate::limit::Limits;
use crate::value::percent::FractionalPercent;
use crate::value::percent::WHOLE;
use crate::words::counted;
use alloc::format;

/// Checks a rule, given the mode and the limits of its document.
pub fn rule(rule: &Rule, mode: Mode, limits: Option<&Limits>, lints: &mut Lints) {
    self::mode(rule, mode, lints);
    if let Some(predicate) = &rule.matches {
        lints.at("match", |lints| matching::predicate(predicate, lints));
    }
    percentages(rule, mode.min(rule.mode.unwrap_or_default()), lints);
    sample(rule, lints);
    schedule(rule.schedule.as_ref(), mode.min(rule.mode.unwrap_or_default()), lints);
    if let Some(own) = &rule.limits {
        lints.at("limits", |lints| {
            self::limits(own, lints);
            beyond(own, limits, lints);
        });
    }
    match &rule.action {
        Action::Faults(faults) => fault::faults(rule, faults, limits, lints),
        Action::Outcomes(outcomes) => lints.at("outcomes", |lints| {
            for (index, outcome) in outcomes.iter().enumerate() {
                lints.within(Segment::Index(index), |lints| {
                    fault::faults(rule, &outcome.faults, limits, lints);
                });
            }
        }),
    }
}

fn mode(rule: &Rule, of_document: Mode, lints: &mut Lints) {
    let Some(mode) = rule.mode.filter(|mode| *mode > of_document) else { return };
    lints.at("mode", |lints| {
        let label = format!("the document's mode is `{}`, and a rule can only do less", of_document.name());
        let help = format!("remove it, or change the document's mode to `{}`", mode.name());
        lints.say(Code::ModeWithoutEffect, "a mode without effect", label, &help);
    });
}

fn percentages(rule: &Rule, mode: Mode, lints: &mut Lints) {
    never(rule.percentage, lints);
    match &rule.action {
        Action::Faults(_) if mode == Mode::Inject => everything(rule, lints),
        Action::Faults(_) => {}
        Action::Outcomes(outcomes) => lints.at("outcomes", |lints| {
            for (index, outcome) in outcomes.iter().enumerate() {
                lints.within(Segment::Index(index), |lints| never(outcome.percentage, lints));
            }
        }),
    }
}

/// Reports a percentage of 0.
pub fn never(percentage: FractionalPercent, lints: &mut Lints) {
    if percentage.is_never() {
        lints.at("percentage", |lints| {
            let help = "remove the rule, or set `\"mode\": \"off\"` to keep it for later";
            lints.say(Code::NeverFires, "a percentage that never fires", "0 % of all requests", help);
        });
    }
}

/// Reports a rule without a condition that takes every request and always injects a fault.
fn everything(rule: &Rule, lints: &mut Lints) {
    let has_condition = rule.matches.as_ref().is_some_and(|predicate| !predicate.is_empty());
    let is_held_back = rule.sample.is_some();
    let Action::Faults(faults) = &rule.action else { return };
    if has_condition || is_held_back || !rule.percentage.is_always() || !fault::is_certain(faults) {
        return;
    }
    lints.at("percentage", |lints| {
        let label = "without a `match`, that is every request";
        let help = "add a `match`, or lower the percentage";
        lints.say(Code::Everything, "a rule that takes every request", label, help);
    });
}

fn sample(rule: &Rule, lints: &mut Lints) {
    let Some(sample) = &rule.sample else { return };
    let every_one =
        !sample.counts() && rule.percentage.is_always() && matches!(rule.action, Action::Faults(_));
    let steady = rule.schedule.as_ref().is_none_or(|schedule: &Schedule| schedule.ramp_up.is_none());
    if every_one && steady {
        lints.at("sample", |lints| {
            let label = "at 100 %, every key is selected";
            lints.say(
                Code::SampleOfAll,
                "a sample of everything",
                label,
                "lower the percentage, or remove `sample`",
            );
        });
    }
    if takes_each(sample) {
        lints.at("sample", |lints| {
            let label = "`\"every\": 1` takes every request";
            lints.say(Code::SampleOfAll, "a sample of everything", label, "remove `sample`");
        });
    }
}

fn takes_each(sample: &Sample) -> bool {
    sample.every.is_some() && sample.includes_ordinal(1)
}

fn schedule(schedule: Option<&Schedule>, mode: Mode, lints: &mut Lints) {
    let end = schedule.and_then(|schedule| schedule.not_after);
    if let (Some(end), Some(now)) = (end, lints.context.now)
        && end <= now
    {
        lints.at("schedule", |lints| {
            lints.at("not_after", |lints| {
                let label = format!("it ended {}", ago(now.since(end).unwrap_or_default().as_secs()));
                lints.say(
                    Code::Expired,
                    "a rule that has expired",
                    label,
                    "set a later end, or remove the rule",
                );
            });
        });
    }
    if lints.context.strict && end.is_none() && mode == Mode::Inject {
        let label = "it runs until someone removes it";
        let help = "add `\"schedule\": {\"not_after\": \"…\"}`";
        lints.say(Code::NoEnd, "a rule without an end", label, help);
    }
}

fn ago(seconds: u64) -> alloc::string::String {
    match seconds {
        0..3_600 => counted(seconds / 60, "minute") + " ago",
        3_600..172_800 => counted(seconds / 3_600, "hour") + " ago",
        _ => counted(seconds / 86_400, "day") + " ago",
    }
}

/// Reports limits that let nothing through.
pub fn limits(limits: &Limits, lints: &mut Lints) {
    for (field, _) in limits.each().filter(|(_, value)| *value == 0.0) {
        lints.at(field, |lints| {
            let help = "remove it for no limit, or set `\"mode\": \"off\"`";
            lints.say(Code::NeverFires, "a limit that lets nothing through", "0 means never", help);
        });
    }
}

/// Reports limits of a rule that are above the document's, which are reached first.
fn beyond(own: &Limits, of_document: Option<&Limits>, lints: &mut Lints) {
    let Some(of_document) = of_document else { return };
    for (field, value) in own.each() {
        let Some((_, most)) = of_document.each().find(|(name, most)| *name == field && *most < value) else {
            continue;
        };
        lints.at(field, |lints| {
            let label = format!("the document allows {most} for all rules together");
            lints.say(
                Code::LimitWithoutEffect,
                "a limit that is never reached",
                label,
                "lower it, or raise the document's limit",
            );
        });
    }
}

/// Returns the largest share of its requests that a rule takes, in percent.
pub fn share(rule: &Rule) -> f64 {
    f64::from(rule.percentage.millionths()) * 100.0 / f64::from(WHOLE)
}
