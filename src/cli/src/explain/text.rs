//! Explanations as text, for people at a terminal.

use super::Explained;
use super::lines::{bold, green, harmless, paragraph, red};
use super::odds::{Fates, summary};
use crate::request::option_for;
use crate::terminal::counted;
use brownout_core::document::mode::Mode;
use brownout_core::document::rule::{Action, Rule};
use brownout_core::document::sample::Missing;
use brownout_core::effect::Effects;
use brownout_core::explain::trace::{By, Check, Odds, RuleTrace, Verdict};
use brownout_core::explain::{self, fault, matching, rule::key_words, rule::share, shown};
use brownout_core::fault::Faults;
use brownout_core::value::percent::FractionalPercent;
use brownout_core::value::percent::WHOLE;
use brownout_core::{Plan, entropy::Entropy, words};
use std::fmt::Write as _;

/// Describes a whole document in plain text.
pub fn document(name: &str, plan: &Plan) -> String {
    let said = explain::document(plan);
    let mut out = String::new();
    let _ = writeln!(out, "{}", bold(&format!("{}: {}", harmless(name), counted(said.rules.len(), "rule"))));
    for sentence in &said.first {
        paragraph(&mut out, "", &harmless(sentence));
    }
    for (index, rule) in said.rules.iter().enumerate() {
        let _ = writeln!(out, "\n{}", bold(&format!("{}. {}", index + 1, rule.name)));
        for sentence in &rule.sentences {
            let sentence = harmless(sentence);
            match sentence.strip_prefix("- ") {
                Some(item) => paragraph(&mut out, "   - ", item),
                None => paragraph(&mut out, "   ", &sentence),
            }
        }
    }
    if !said.last.is_empty() {
        out.push('\n');
    }
    for sentence in &said.last {
        paragraph(&mut out, "", &harmless(sentence));
    }
    out
}

/// Explains requests: a single one in full, several with a line each.
pub fn requests(name: &str, plan: &Plan, explained: &[Explained]) -> String {
    match explained {
        [one] => full(plan, one),
        several => brief(name, plan, several),
    }
}

fn brief(name: &str, plan: &Plan, explained: &[Explained]) -> String {
    let mut out = format!("{}\n", bold(&format!("{}: {} requests", harmless(name), explained.len())));
    let width = explained.len().to_string().len();
    for (index, one) in explained.iter().enumerate() {
        let line = harmless(&one.request.line());
        let fate = if one.trace.excluded.is_some() {
            "excluded".to_owned()
        } else {
            fate(&summary(&one.trace, one.rules(plan)))
        };
        let first = format!("{:>width$}  ", index + 1);
        paragraph(&mut out, &first, &format!("{line}  {fate}"));
    }
    out.push_str("\n--number N explains one of them in full.\n");
    out
}

fn full(plan: &Plan, one: &Explained) -> String {
    let mut out = format!("{}\n", bold(&harmless(&one.request.line())));
    let _ = writeln!(out, "at {}", one.at);
    for mistake in &one.refused {
        paragraph(
            &mut out,
            "",
            &harmless(&format!(
                "The route's document is invalid, so no rule applies: {}: {} ({}).",
                mistake.path, mistake.message, mistake.label
            )),
        );
    }
    if one.of_route.is_some() && one.refused.is_empty() {
        out.push_str("The rules are those of the request's route.\n");
    }
    if let Some((place, checks)) = &one.trace.excluded {
        let predicate = plan.exclusions().get(*place).map(matching::requests).unwrap_or_default();
        let origin = if plan.document().exclude.is_some() { "`exclude`" } else { "the default `exclude`" };
        out.push('\n');
        paragraph(&mut out, "", &harmless(&format!("It is never touched: {origin} names {predicate}.")));
        self::checks(&mut out, checks);
    }
    for traced in &one.trace.rules {
        let Some(rule) = one.rules(plan).get(traced.place) else { continue };
        of_rule(&mut out, traced, rule, one);
    }
    out.push('\n');
    let fate = if one.trace.excluded.is_some() {
        "it passes untouched".into()
    } else {
        fate(&summary(&one.trace, one.rules(plan)))
    };
    paragraph(&mut out, "", &bold(&format!("In all: {fate}.")));
    out
}

fn of_rule(out: &mut String, traced: &RuleTrace, rule: &Rule, one: &Explained) {
    let verdict = match &traced.verdict {
        Verdict::Off => "is off".to_owned(),
        Verdict::Quiet => "matches, but its schedule is not active at this time".to_owned(),
        Verdict::Differs => "does not match".to_owned(),
        Verdict::Excluded => "matches, and the request is excluded".to_owned(),
        Verdict::Matches(odds) => format!("matches; {}", taking(odds, rule)),
    };
    let _ = writeln!(out, "\n{}", bold(&format!("{}. {}: {verdict}", traced.place + 1, traced.name)));
    checks(out, &traced.checks);
    let Verdict::Matches(odds) = &traced.verdict else {
        if traced.verdict == Verdict::Quiet {
            schedule(out, rule, None);
        }
        return;
    };
    schedule(out, rule, Some(odds.level));
    by(out, odds, rule);
    if odds.likelihood(rule) != Some(0.0) {
        effects(out, odds, rule, one);
        if traced.mode == Mode::Shadow {
            paragraph(out, "   ", "It only counts what it would do: its mode is `shadow`.");
        }
    }
}

fn schedule(out: &mut String, rule: &Rule, level: Option<u32>) {
    if rule.schedule.is_none() || level == Some(WHOLE) {
        return;
    }
    let said = explain::rule::sentences(rule, Mode::Inject);
    if let Some(sentence) = said.iter().find(|sentence| sentence.starts_with("Live ")) {
        paragraph(out, "   ", &harmless(sentence));
    }
    if let Some(level) = level {
        let text = format!("Its ramp has reached {} of the configured percentage.", words::percent(level));
        paragraph(out, "   ", &text);
    }
}

fn taking(odds: &Odds, rule: &Rule) -> String {
    match odds.likelihood(rule) {
        Some(0.0) => "does not take it".into(),
        Some(1.0) => "takes it".into(),
        Some(likelihood) => format!("takes it with a chance of {}", chance(likelihood)),
        None => "takes it if it is among the first".into(),
    }
}

/// Explains how a rule decides, if not by chance alone.
fn by(out: &mut String, odds: &Odds, rule: &Rule) {
    let key = rule.sample.as_ref().and_then(|sample| sample.by.as_ref());
    let name = key.map(key_words).unwrap_or_default();
    let text = match &odds.by {
        By::Chance => return,
        By::Count => "It selects by count in each proxy; this is the long-run share.".to_owned(),
        By::NoKey(Missing::Skip) => format!("The request has no {name}, so the rule skips it."),
        By::NoKey(Missing::Random) => format!("The request has no {name}: chance decides."),
        By::Key { key, point, outcome } => {
            let verdict = if *point < odds.share { "below" } else { "not below" };
            let outcomes = match (&rule.action, outcome) {
                (Action::Faults(_), _) => String::new(),
                (Action::Outcomes(_), Some(place)) => format!(" Its outcome is number {}.", place + 1),
                (Action::Outcomes(_), None) => " It falls on no outcome.".to_owned(),
            };
            format!(
                "Its {name} is `{}`, which with the salt `{}` always falls on {}: {verdict} {}.{outcomes}",
                shown(key),
                rule.salt(),
                words::percent(*point),
                words::percent(odds.share),
            )
        }
    };
    paragraph(out, "   ", &harmless(&text));
}

fn effects(out: &mut String, odds: &Odds, rule: &Rule, one: &Explained) {
    match (&rule.action, &odds.by) {
        (Action::Faults(faults), _) => {
            for line in fault::sentences(faults) {
                paragraph(out, "   ", &harmless(&line));
            }
            asked(out, faults, one);
        }
        (Action::Outcomes(outcomes), By::Key { outcome, .. }) => {
            if let Some(outcome) = outcome.and_then(|place| outcomes.get(place)) {
                paragraph(
                    out,
                    "   ",
                    &harmless(&format!("Such requests {}.", fault::clause(&outcome.faults))),
                );
            }
        }
        (Action::Outcomes(outcomes), _) => {
            for outcome in outcomes {
                let text = format!("{} {}", share(outcome.percentage), fault::clause(&outcome.faults));
                paragraph(out, "   - ", &harmless(&text));
            }
        }
    }
}

/// Explains what the request's headers ask for, if the document allows that: a lower share, or nothing.
fn asked(out: &mut String, faults: &Faults, one: &Explained) {
    for ((kind, fault), line) in faults.iter().zip(faults.lines()) {
        let here = fault.percentage(&one.request);
        if here != line.share.unwrap_or(FractionalPercent::ALWAYS) {
            let text = format!("Its headers lower the share for `{}` to {}.", kind.name(), share(here));
            paragraph(out, "   ", &text);
        }
        // An even draw: only what never happens turns out to be nothing.
        if !fault.apply(&one.request, &mut Even, &mut Effects::default()) {
            let why = match line.is_conditional {
                true => "it does not ask for it",
                false => "it contains nothing to change",
            };
            let text = format!("For this request, `{}` does nothing: {why}.", kind.name());
            paragraph(out, "   ", &text);
        }
    }
}

struct Even;

impl Entropy for Even {
    fn next_u64(&mut self) -> u64 {
        u64::MAX / 2
    }
}

fn checks(out: &mut String, checks: &[Check]) {
    for check in checks {
        let mark = if check.holds { green("✓") } else { red("✗") };
        let depth = check.path.matches('.').count();
        let first = format!("   {}{mark} ", "  ".repeat(depth));
        let text = if check.words.is_empty() {
            format!("`{}` {}", check.path, if check.holds { "holds" } else { "does not hold" })
        } else {
            format!("{}: {}", check.words, found(check))
        };
        paragraph(out, &first, &harmless(&text));
    }
}

fn found(check: &Check) -> String {
    let values: Vec<String> = check.seen.iter().map(|value| format!("`{value}`")).collect();
    match (values.is_empty(), check.about) {
        (false, _) => values.join(", "),
        (true, Some(property)) => format!("unknown; set it with {}", option_for(property)),
        (true, None) => "the request has none".into(),
    }
}

fn fate(summary: &Fates) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (name, mode, likelihood) in &summary.rules {
        let how = match likelihood {
            Some(likelihood) => chance(*likelihood),
            None => "depends on how many requests came before".to_owned(),
        };
        let only = if *mode == Mode::Shadow { " (only counted)" } else { "" };
        parts.push(format!("`{name}` {how}{only}"));
    }
    match summary.passes {
        Some(1.0) => return "it passes untouched".into(),
        Some(0.0) => {}
        Some(passes) => parts.push(format!("untouched {}", chance(passes))),
        None => parts.push("otherwise untouched".into()),
    }
    parts.join(", ")
}

fn chance(likelihood: f64) -> String {
    words::share(likelihood, 4)
}
