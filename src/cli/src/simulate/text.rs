//! The report of a simulation as text, for people.

use super::Simulation;
use super::arrivals::Pace;
use super::chart::{bar, columns, grouped, histogram, shortly};
use super::observed::{Observed, RuleCounts, Span};
use crate::explain::lines::{bold, harmless, paragraph};
use crate::statistics::{PERCENTILES, Z_95, percentile, share, wilson};
use brownout_core::document::rule::Rule;
use brownout_core::document::sample::Sample;
use std::fmt::Write as _;

/// The maximum number of request lines that the report lists.
const LISTED: usize = 8;
/// The width of the histogram's bars, in columns.
const BAR: usize = 40;

/// Returns the whole report as text.
pub fn report(simulation: &Simulation) -> String {
    let mut out = String::new();
    head(&mut out, simulation);
    totals(&mut out, &simulation.observed);
    rates(&mut out, simulation);
    waits(&mut out, &simulation.observed);
    over_time(&mut out, simulation);
    out
}

fn head(out: &mut String, simulation: &Simulation) {
    let Simulation { file, traffic, pace, seed, start, observed, .. } = simulation;
    let pace = match pace {
        Pace::Even { rate, .. } => format!("{} a second", plain(*rate)),
        Pace::Recorded(_) => "as they were recorded".into(),
    };
    let length = shortly(simulation.pace.duration());
    let first = format!(
        "{}: {} requests in {length} ({pace}), seed {seed}",
        harmless(file),
        grouped(observed.requests)
    );
    paragraph(out, "", &bold(&first));
    let _ = writeln!(out, "starting at {start}, when the document arrives");
    if traffic.is_given {
        return;
    }
    out.push_str("\nRequests, made up for each rule, in turn:\n");
    for template in traffic.templates.iter().take(LISTED) {
        let rule = template.rule.as_deref().unwrap_or("no rule");
        paragraph(out, "  ", &harmless(&format!("{rule}: {}", template.line)));
    }
    if traffic.templates.len() > LISTED {
        let _ = writeln!(out, "  and {} more", traffic.templates.len() - LISTED);
    }
}

fn totals(out: &mut String, observed: &Observed) {
    let injected = observed.sum(|counts| counts.injected);
    let untouched = observed.requests.saturating_sub(injected);
    let lines = [
        ("touched", injected, ""),
        ("untouched", untouched, ""),
        ("overflow", observed.sum(|counts| counts.overflow), "by a limit"),
        ("shadowed", observed.sum(|counts| counts.shadowed), "by the mode `shadow`"),
        ("refused", observed.routes_refused, "because the route's document is invalid"),
    ];
    out.push('\n');
    for (name, count, why) in lines.into_iter().filter(|(_, count, why)| *count > 0 || why.is_empty()) {
        let percent = percent(share(count, observed.requests));
        let line = format!("{name:<10}{:>13}{percent:>12}   {why}", grouped(count));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    if let Some(stopped) = observed.stopped {
        let _ = writeln!(out, "`stop_when` stopped the document after {}", shortly(stopped));
    }
}

fn rates(out: &mut String, simulation: &Simulation) {
    let Simulation { observed, plan, traffic, .. } = simulation;
    if observed.rules.is_empty() {
        return;
    }
    let header = row("", "matched", "expected", "observed", "95 % interval");
    let _ = writeln!(out, "\n{}", bold(&header));
    for counts in &observed.rules {
        of_rule(out, counts);
    }
    out.push('\n');
    paragraph(out, "", "Shares are of the requests that a rule matched and no rule before it took.");
    if observed.sum(|counts| counts.overflow) > 0 {
        paragraph(
            out,
            "",
            "Limits are not part of what is expected; faults that they spared are not observed.",
        );
    }
    let unknown = |counts: &RuleCounts| {
        counts.matched > 0
            && (counts.expected.taken.is_none() || counts.expected.faults.values().any(Option::is_none))
    };
    if observed.rules.iter().any(unknown) {
        paragraph(out, "", "`?` means that requests, responses or the rules of a route decide.");
    }
    let by_key = |rule: &Rule| rule.sample.as_ref().is_some_and(|sample: &Sample| sample.by.is_some());
    if traffic.is_given && plan.rules().iter().any(by_key) {
        paragraph(
            out,
            "",
            "A rule by key takes all requests of a key or none: few keys may be far from what is expected.",
        );
    }
}

fn of_rule(out: &mut String, counts: &RuleCounts) {
    let matched = counts.matched;
    let line = |name: &str, first: &str, expected: Option<f64>, seen: u64| {
        let expected = match expected {
            _ if matched == 0 => "-".into(),
            #[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
            Some(sum) => percent(sum / matched as f64),
            None => "?".into(),
        };
        let interval = wilson(seen, matched, Z_95);
        let interval =
            interval.map_or_else(String::new, |(low, high)| format!("{} – {}", percent(low), percent(high)));
        let seen = if matched == 0 { "-".into() } else { percent(share(seen, matched)) };
        row(name, first, &expected, &seen, &interval)
    };
    let first = grouped(matched);
    let _ = writeln!(out, "{}", line(&counts.name, &first, counts.expected.taken, counts.taken()));
    for (kind, seen) in counts.faults.iter().filter(|_| counts.injected > 0) {
        let expected = counts.expected.faults.get(kind).copied().unwrap_or(Some(0.0));
        let _ = writeln!(out, "{}", line(&format!("  {}", kind.name()), "", expected, *seen));
    }
}

fn row(name: &str, matched: &str, expected: &str, observed: &str, interval: &str) -> String {
    // A name that is too long for its column gets a line of its own.
    let name = if name.chars().count() > 22 { format!("{name}\n{:22}", "") } else { format!("{name:<22}") };
    format!("{name}{matched:>12}{expected:>11}{observed:>11}{interval:>22}").trim_end().to_owned()
}

fn waits(out: &mut String, observed: &Observed) {
    let waits = &observed.waits;
    if waits.is_empty() {
        return;
    }
    let count = grouped(waits.len() as u64);
    let held = grouped(observed.most_held);
    let _ = writeln!(
        out,
        "\n{}",
        bold(&format!("Added latency: {count} requests waited, at most {held} at the same time"))
    );
    let points = PERCENTILES.iter().filter_map(|(name, percent)| Some((name, percentile(waits, *percent)?)));
    let points: Vec<String> = points.map(|(name, wait)| format!("{name} {}", shortly(wait))).collect();
    paragraph(out, "  ", &points.join("   "));
    let rows = histogram(waits);
    let most = rows.iter().map(|(.., count)| *count).max().unwrap_or_default();
    for (_, to, count) in rows {
        let line = format!("  ≤ {:>7} {:>10}  {}", shortly(to), grouped(count), bar(count, most, BAR));
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// For documents whose effect changes with time: by a schedule or a limit.
fn over_time(out: &mut String, simulation: &Simulation) {
    let Simulation { observed, plan, pace, .. } = simulation;
    let changes = |rule: &Rule| rule.schedule.is_some() || rule.limits.is_some() || rule.counts();
    if !(plan.document().limits.is_some() || plan.rules().iter().any(changes)) || observed.requests < 100 {
        return;
    }
    let each = shortly(pace.duration() / u32::try_from(observed.spans.len()).unwrap_or(1));
    let _ = writeln!(out, "\n{}", bold(&format!("Over time, {each} in a column")));
    let shares = |part: &dyn Fn(&Span) -> u64| -> Vec<f64> {
        observed.spans.iter().map(|span| share(part(span), span.requests)).collect()
    };
    let highest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    let touched = shares(&|span| span.injected);
    let _ = writeln!(out, "  touched  {}  ≤ {}", columns(&touched), percent(highest(&touched)));
    let overflow = shares(&|span| span.overflow);
    if highest(&overflow) > 0.0 {
        let _ = writeln!(out, "  overflow {}  ≤ {}", columns(&overflow), percent(highest(&overflow)));
    }
    #[allow(clippy::cast_precision_loss, reason = "it is drawn")]
    let held: Vec<f64> = observed.spans.iter().map(|span| span.held as f64).collect();
    if observed.most_held > 0 {
        let _ = writeln!(out, "  held     {}  ≤ {}", columns(&held), grouped(observed.most_held));
    }
}

/// A share as a percentage, finer where it is small.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    let decimals = if percent < 0.999_95 { 4 } else { 2 };
    format!("{percent:.decimals$} %")
}

/// A rate without superfluous digits.
fn plain(rate: f64) -> String {
    let text = format!("{rate:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
