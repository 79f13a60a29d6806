//! Traces one request through a plan, rule by rule: the conditions that were checked, and the request's values. The
//! verdicts come from [`Predicate::failing`], [`Rule::level`], [`Rule::share`] and [`Rule::by_key`], which the engine
//! also uses.

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

/// The decisions of a plan about one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    pub rules: Vec<RuleTrace>,
    /// Why the request is excluded, if it is: the index of the exclusion, and its conditions.
    pub excluded: Option<(usize, Vec<Check>)>,
}

/// One rule's decision about the request, and the checks behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTrace {
    pub place: usize,
    pub name: String,
    /// The mode in force for it.
    pub mode: Mode,
    /// The conditions that were checked, in order.
    pub checks: Vec<Check>,
    pub verdict: Verdict,
}

/// One rule's decision about a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// The mode in force for the rule is `off`.
    Off,
    /// It is not live now, by its schedule.
    Quiet,
    /// It does not match the request.
    Differs,
    /// It matches, and the request is excluded.
    Excluded,
    Matches(Odds),
}

/// The chance that a rule takes a request that it matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Odds {
    /// The share of requests that it takes now, in millionths: its percentage, as far as its schedule has come.
    pub share: u32,
    /// The level that its schedule has reached, in millionths.
    pub level: u32,
    pub by: By,
}

/// The basis on which a rule takes or skips a request that it matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    Chance,
    /// The number of earlier requests, and then chance.
    Count,
    /// The request's key, in the same way each time.
    Key {
        key: Vec<u8>,
        /// Its point, in millionths; the rule takes the request if this is below its share.
        point: u32,
        /// The outcome that the request would get, for a rule with outcomes: `None` if it would pass untouched.
        outcome: Option<usize>,
    },
    /// The request has no key; chance decides, or it is not taken.
    NoKey(Missing),
}

impl Odds {
    /// Returns how likely the rule is to act on the request, as far as the request alone determines that: `None` if it
    /// depends on how many requests came before.
    ///
    /// For a rule that counts periodically, this is the long-run share.
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

/// Returns the share of requests that a counting sample takes: `None` for one that only takes the first few.
#[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not told apart")]
pub fn in_the_long_run(sample: &Sample) -> Option<f64> {
    match (sample.every, sample.first, sample.of) {
        (Some(every), _, _) => Some(1.0 / every.get() as f64),
        (None, Some(first), Some(of)) => Some(first.get() as f64 / of.get() as f64),
        (None, Some(_), None) => None,
        (None, None, _) => Some(1.0),
    }
}

/// One condition that was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Its path in the predicate: `headers[1]`, `any[0].path`.
    pub path: String,
    /// The description of the condition; empty for `all`, `any` and `not`.
    pub words: String,
    pub holds: bool,
    /// The request's values there; empty if it has none.
    pub seen: Vec<String>,
    /// The proxy's property that it checks, if it is not in the request itself.
    pub about: Option<Property<'static>>,
}

impl Trace {
    /// Traces a request through the rules of a settled plan.
    pub fn new(plan: &Plan, request: &dyn RequestView, clock: &dyn Clock, arrived: Option<Instant>) -> Self {
        Self::of_rules(plan, plan.rules(), request, clock, arrived)
    }

    /// Does the same with other rules in place of the plan's: those of a route.
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

/// Returns the conditions up to the first that does not hold, or all if all hold. Conditions nested in `not`, `all` and
/// `any` follow their parent.
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
