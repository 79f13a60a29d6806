//! Explanations as JSON, for programs that read them.

use super::Explained;
use super::odds::summary;
use crate::request::option_for;
use brownout_core::Plan;
use brownout_core::document::rule::Rule;
use brownout_core::document::sample::Missing;
use brownout_core::explain;
use brownout_core::explain::trace::{By, Check, Odds, RuleTrace, Verdict};
use serde_json::{Value, json};

/// A whole document: `{"file", "mode", "sentences", "rules": [{"name", "sentences"}], "closing"}`.
pub fn document(name: &str, plan: &Plan) -> String {
    let said = explain::document(plan);
    let rules: Vec<Value> =
        said.rules.iter().map(|rule| json!({ "name": rule.name, "sentences": rule.sentences })).collect();
    pretty(&json!({
        "file": name,
        "mode": plan.mode().name(),
        "sentences": said.first,
        "rules": rules,
        "closing": said.last,
    }))
}

/// Requests: `{"file", "requests": [{"request", "at", "excluded", "rules": […], "outcome": {…}}]}`. Percentages are
/// numbers from 0 to 100; `null` where they depend on how many requests came before.
pub fn requests(name: &str, plan: &Plan, explained: &[Explained]) -> String {
    let each: Vec<Value> = explained.iter().map(|one| request(plan, one)).collect();
    pretty(&json!({ "file": name, "requests": each }))
}

fn request(plan: &Plan, one: &Explained) -> Value {
    let rules = one.rules(plan);
    let traced: Vec<Value> =
        one.trace.rules.iter().map(|traced| rule(traced, rules.get(traced.place))).collect();
    let excluded = one.trace.excluded.as_ref();
    let summary = summary(&one.trace, rules);
    let taking: Vec<Value> = summary
        .rules
        .iter()
        .map(|(name, mode, likelihood)| json!({ "rule": name, "mode": mode.name(), "percentage": likelihood.map(percent) }))
        .collect();
    let refused: Vec<Value> = one
        .refused
        .iter()
        .map(|mistake| json!({ "path": mistake.path.to_string(), "message": mistake.message, "label": mistake.label }))
        .collect();
    json!({
        "request": one.request.line(),
        "at": one.at.to_string(),
        "rules_of_route": one.of_route.is_some(),
        "route_document_refused": refused,
        "excluded": excluded.map(|(place, checks)| json!({ "exclude": place, "checks": self::checks(checks) })),
        "rules": traced,
        "outcome": { "taken_by": taking, "untouched_percentage": summary.passes.map(percent) },
    })
}

fn rule(traced: &RuleTrace, rule: Option<&Rule>) -> Value {
    let (verdict, odds) = match &traced.verdict {
        Verdict::Off => ("off", None),
        Verdict::Quiet => ("quiet", None),
        Verdict::Differs => ("differs", None),
        Verdict::Excluded => ("excluded", None),
        Verdict::Matches(odds) => ("matches", Some(odds)),
    };
    json!({
        "name": traced.name,
        "mode": traced.mode.name(),
        "verdict": verdict,
        "checks": checks(&traced.checks),
        "odds": odds.zip(rule).map(|(odds, rule)| self::odds(odds, rule)),
    })
}

fn odds(odds: &Odds, rule: &Rule) -> Value {
    let mut value = json!({
        "percentage_now": f64::from(odds.share) / 10_000.0,
        "ramp_percentage": f64::from(odds.level) / 10_000.0,
        "takes_percentage": odds.likelihood(rule).map(percent),
    });
    let (by, key) = match &odds.by {
        By::Chance => ("chance", Value::Null),
        By::Count => ("count", Value::Null),
        By::NoKey(Missing::Skip) => ("no_key_skip", Value::Null),
        By::NoKey(Missing::Random) => ("no_key_random", Value::Null),
        By::Key { key, point, outcome } => (
            "key",
            json!({
                "key": String::from_utf8_lossy(key),
                "salt": rule.salt(),
                "falls_on_percentage": f64::from(*point) / 10_000.0,
                "taken": *point < odds.share,
                "outcome": outcome,
            }),
        ),
    };
    value["by"] = by.into();
    value["key"] = key;
    value
}

fn checks(checks: &[Check]) -> Vec<Value> {
    let one = |check: &Check| {
        let missing = check.about.filter(|_| check.seen.is_empty()).map(option_for);
        json!({
            "path": check.path,
            "asks": check.words,
            "holds": check.holds,
            "found": check.seen,
            "say_it_with": missing,
        })
    };
    checks.iter().map(one).collect()
}

/// A likelihood as a percentage, rounded to six decimals to hide floating-point error.
fn percent(likelihood: f64) -> f64 {
    (likelihood * 100.0 * 1e6).round() / 1e6
}

fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
