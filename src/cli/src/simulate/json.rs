//! The report of a simulation as JSON, for programs.

use super::Simulation;
use super::arrivals::Pace;
use super::chart::histogram;
use super::observed::RuleCounts;
use crate::statistics::{PERCENTILES, Z_95, percentile, share, wilson};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Returns the whole report: percentages are numbers from 0 to 100, times are milliseconds; unknown values are `null`.
pub fn report(simulation: &Simulation) -> String {
    let Simulation { file, traffic, pace, seed, start, observed, .. } = simulation;
    let injected = observed.sum(|counts| counts.injected);
    let rate = match pace {
        Pace::Even { rate, .. } => Some(*rate),
        Pace::Recorded(_) => None,
    };
    let templates: Vec<Value> = traffic
        .templates
        .iter()
        .filter(|_| !traffic.is_given)
        .map(|template| json!({ "rule": template.rule, "request": template.line }))
        .collect();
    let whole = json!({
        "file": file,
        "seed": seed,
        "start": start.to_string(),
        "duration_ms": milliseconds(pace.duration()),
        "rate": rate,
        "requests": observed.requests,
        "made_up": templates,
        "no_request_for": traffic.not_invented,
        "injected": injected,
        "untouched": observed.requests.saturating_sub(injected),
        "overflow": observed.sum(|counts| counts.overflow),
        "shadowed": observed.sum(|counts| counts.shadowed),
        "route_documents_refused": observed.routes_refused,
        "stopped_after_ms": observed.stopped.map(milliseconds),
        "rules": observed.rules.iter().map(rule).collect::<Vec<_>>(),
        "waits": waits(simulation),
        "over_time": over_time(simulation),
    });
    format!("{whole:#}\n")
}

fn rule(counts: &RuleCounts) -> Value {
    let faults: Map<String, Value> = counts
        .faults
        .iter()
        .map(|(kind, seen)| {
            let expected = counts.expected.faults.get(kind).copied().unwrap_or(Some(0.0));
            (kind.name().to_owned(), rate(counts, expected, *seen))
        })
        .collect();
    let mut value = rate(counts, counts.expected.taken, counts.taken());
    value["name"] = counts.name.as_str().into();
    value["matched"] = counts.matched.into();
    value["injected"] = counts.injected.into();
    value["overflow"] = counts.overflow.into();
    value["shadowed"] = counts.shadowed.into();
    value["faults"] = Value::Object(faults);
    value
}

/// Of the requests that the rule matched.
fn rate(counts: &RuleCounts, expected: Option<f64>, seen: u64) -> Value {
    #[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
    let expected =
        expected.filter(|_| counts.matched > 0).map(|sum| rounded(sum / counts.matched as f64 * 100.0));
    let interval = wilson(seen, counts.matched, Z_95);
    json!({
        "expected_percentage": expected,
        "observed": seen,
        "observed_percentage": (counts.matched > 0).then(|| rounded(share(seen, counts.matched) * 100.0)),
        "interval_95": interval.map(|(low, high)| [rounded(low * 100.0), rounded(high * 100.0)]),
    })
}

fn waits(simulation: &Simulation) -> Value {
    let waits = &simulation.observed.waits;
    let percentiles: Map<String, Value> = PERCENTILES
        .iter()
        .filter_map(|(name, percent)| {
            Some(((*name).to_owned(), milliseconds(percentile(waits, *percent)?).into()))
        })
        .collect();
    let rows: Vec<Value> = histogram(waits)
        .into_iter()
        .map(|(from, to, count)| {
            json!({ "above_ms": milliseconds(from), "up_to_ms": milliseconds(to), "count": count })
        })
        .collect();
    json!({
        "count": waits.len(),
        "most_at_the_same_time": simulation.observed.most_held,
        "percentiles_ms": percentiles,
        "histogram": rows,
    })
}

fn over_time(simulation: &Simulation) -> Value {
    let spans = &simulation.observed.spans;
    let length = simulation.pace.duration() / u32::try_from(spans.len()).unwrap_or(1);
    let each: Vec<Value> = spans
        .iter()
        .map(|span| {
            json!({
                "requests": span.requests, "injected": span.injected, "overflow": span.overflow, "held": span.held,
            })
        })
        .collect();
    json!({ "span_ms": milliseconds(length), "spans": each })
}

fn milliseconds(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64() * 1000.0)
}

/// To six decimals: the rest is dust of binary fractions.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}
