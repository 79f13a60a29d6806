//! What becomes of one request under a plan: rule by rule, and for each the conditions that were asked, with what the
//! request has. The verdicts are those of [`Predicate::failing`], [`Rule::level`], [`Rule::share`] and
//! [`Rule::by_key`], which the engine decides with.

use super::matching::{Condition, conditions};
use super::seen::seen;
use crate::document::mode::Mode;
use crate::document::rule::{Action, Rule};
use crate::document::sample::{Missing, Sample};
use crate::plan::Plan;
use crate::plan::activation::{ByKey, Drawn};
use crate::predicate::{Part, Predicate};
use crate::time::{Clock, Instant};
use crate::value::percent::WHOLE;
use crate::view::{Property, RequestView};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What becomes of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The rules, in order.
    pub rules: Vec<RuleTrace>,
    /// Why the request is never touched, if it is one of those: the exclusion's place, and the conditions in it.
    pub excluded: Option<(usize, Vec<Check>)>,
}

/// What one rule makes of the request.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTrace {
    /// Its place.
    pub place: usize,
    /// Its name.
    pub name: String,
    /// The mode in force for it.
    pub mode: Mode,
    /// The conditions that were asked, in order.
    pub checks: Vec<Check>,
    /// What it decides.
    pub verdict: Verdict,
}

/// What a rule decides about a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It is switched off.
    Off,
    /// Its schedule keeps it quiet now.
    Quiet,
    /// It is not about such requests.
    Differs,
    /// It matches, and the request is excluded.
    Excluded,
    /// It matches.
    Matches(Odds),
}

/// How likely a rule takes a request that it matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Odds {
    /// The share of requests that it takes now, in millionths: its percentage, as far as its schedule has come.
    pub share: u32,
    /// How far its schedule has come, in millionths.
    pub level: u32,
    /// What decides.
    pub by: By,
}

/// What decides whether a rule takes a request that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// Chance.
    Chance,
    /// How many requests there were before, and then chance.
    Count,
    /// The request's key, in the same way each time.
    Key {
        /// The key.
        key: Vec<u8>,
        /// Where it falls, in millionths; the rule takes it if that is below its share.
        point: u32,
        /// The outcome that it would get, for a rule with outcomes: `None` if it would pass.
        outcome: Option<usize>,
    },
    /// The request has no key; chance decides, or it is not taken.
    NoKey(Missing),
}

impl Odds {
    /// How likely the rule does something to the request, as far as that can be told from the request alone: `None`
    /// if it depends on how many came before.
    ///
    /// Of a rule by count that repeats itself, it is the share in the long run.
    pub fn likelihood(&self, rule: &Rule) -> Option<f64> {
        let share = f64::from(self.share) / f64::from(WHOLE);
        let taken = match &self.by {
            By::Chance | By::NoKey(Missing::Random) => share,
            By::NoKey(Missing::Skip) => 0.0,
            By::Key { point, .. } => f64::from(u8::from(*point < self.share)),
            By::Count => share * in_the_long_run(rule.sample.as_ref()?)?,
        };
        let Action::Outcomes(outcomes) = &rule.action else { return Some(taken) };
        Some(match &self.by {
            By::Key { outcome, .. } => taken * f64::from(u8::from(outcome.is_some())),
            _ => {
                let sum: u32 = outcomes.iter().map(|outcome| outcome.percentage.millionths()).sum();
                taken * f64::from(sum) / f64::from(WHOLE)
            }
        })
    }
}

/// The share of requests that a sample by count lets through: `None` for one that only takes the first few.
#[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not told apart")]
pub fn in_the_long_run(sample: &Sample) -> Option<f64> {
    match (sample.every, sample.first, sample.of) {
        (Some(every), _, _) => Some(1.0 / every.get() as f64),
        (None, Some(first), Some(of)) => Some(first.get() as f64 / of.get() as f64),
        (None, Some(_), None) => None,
        (None, None, _) => Some(1.0),
    }
}

/// One condition that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Where it stands in the predicate: `headers[1]`, `any[0].path`.
    pub path: String,
    /// What is asked, in words; empty for `all`, `any` and `not`.
    pub words: String,
    /// Whether it holds.
    pub holds: bool,
    /// What the request has there: nothing, if it has nothing.
    pub seen: Vec<String>,
    /// The fact that it is about, if it is one that the request itself does not show.
    pub about: Option<Property<'static>>,
}

impl Trace {
    /// Follows a request through the rules of a plan that is settled.
    pub fn new(plan: &Plan, request: &dyn RequestView, clock: &dyn Clock, arrived: Option<Instant>) -> Self {
        Self::of_rules(plan, plan.rules(), request, clock, arrived)
    }

    /// The same with other rules in place of the plan's: those of a route.
    pub fn of_rules(
        plan: &Plan,
        rules: &[Rule],
        request: &dyn RequestView,
        clock: &dyn Clock,
        arrived: Option<Instant>,
    ) -> Self {
        let excluding =
            plan.exclusions().iter().enumerate().find(|(_, predicate)| predicate.matches(request));
        let excluded = excluding.map(|(place, predicate)| (place, checks(predicate, request, "")));
        let each = rules.iter().enumerate().map(|(place, rule)| {
            let mode = plan.mode().min(rule.mode.unwrap_or_default());
            let checks = rule.matches.as_ref().map(|predicate| checks(predicate, request, ""));
            let verdict = verdict(rule, mode, excluded.is_some(), request, (clock, arrived));
            let name = rule.name.as_str().into();
            RuleTrace { place, name, mode, checks: checks.unwrap_or_default(), verdict }
        });
        let rules = each.collect();
        Self { rules, excluded }
    }
}

fn verdict(
    rule: &Rule,
    mode: Mode,
    excluded: bool,
    request: &dyn RequestView,
    (clock, arrived): (&dyn Clock, Option<Instant>),
) -> Verdict {
    if mode == Mode::Off {
        return Verdict::Off;
    }
    if !rule.matches.as_ref().is_none_or(|predicate| predicate.matches(request)) {
        return Verdict::Differs;
    }
    let Some(level) = rule.level(clock, arrived) else { return Verdict::Quiet };
    if excluded {
        return Verdict::Excluded;
    }
    let by = match rule.by_key(request) {
        Some(ByKey::Key(key, drawn)) => By::Key { key, point: drawn.first, outcome: outcome(rule, drawn) },
        Some(ByKey::Missing(missing)) => By::NoKey(missing),
        None if rule.sample.is_some() => By::Count,
        None => By::Chance,
    };
    Verdict::Matches(Odds { share: rule.share(level), level, by })
}

fn outcome(rule: &Rule, drawn: Drawn) -> Option<usize> {
    match &rule.action {
        Action::Faults(_) => None,
        Action::Outcomes(outcomes) => drawn.outcome(outcomes),
    }
}

/// The conditions up to the first that does not hold, which decides; all, if all hold. Those inside `not`, `all` and
/// `any` come after the one that they stand in.
pub fn checks(predicate: &Predicate, request: &dyn RequestView, prefix: &str) -> Vec<Check> {
    let failing = predicate.failing(request);
    let mut checks = Vec::new();
    for condition in conditions(predicate) {
        let holds = failing != Some(condition.part);
        let path = path(prefix, condition.part);
        let (seen, about) = if condition.inner.is_empty() {
            seen(predicate, condition.part, request)
        } else {
            (Vec::new(), None)
        };
        checks.push(Check { path: path.clone(), words: condition.words.clone(), holds, seen, about });
        checks.extend(inner(&condition, request, &path));
        if !holds {
            break;
        }
    }
    checks
}

fn inner(condition: &Condition<'_>, request: &dyn RequestView, path: &str) -> Vec<Check> {
    let each = condition.inner.iter().enumerate();
    each.flat_map(|(index, inner)| {
        let prefix =
            if condition.part.field == "any" { format!("{path}[{index}].") } else { format!("{path}.") };
        checks(inner, request, &prefix)
    })
    .collect()
}

fn path(prefix: &str, part: Part) -> String {
    match part.index {
        Some(index) => format!("{prefix}{}[{index}]", part.field),
        None => format!("{prefix}{}", part.field),
    }
}
