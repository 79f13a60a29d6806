//! The share of a rule's matches that a document promises to affect.

use crate::arguments::{Moment, now};
use brownout_core::document::mode::Mode;
use brownout_core::document::rule::{Action, Rule};
use brownout_core::fault::Faults;
use brownout_core::time::Instant;
use brownout_core::value::percent::FractionalPercent;
use brownout_core::value::percent::WHOLE;
use brownout_core::view::{Property, RequestView};

/// The effect that a rule promises.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// The mode of the rule, limited by that of its document.
    pub mode: Mode,
    /// The share of matching requests, from 0 to 1; only an upper limit if `because` is set.
    pub share: f64,
    /// Why the share can be lower, so that only a higher one is wrong.
    pub because: Option<&'static str>,
    /// True unless its schedule is inactive now; a pulse or a ramp counts as active.
    pub is_live: bool,
}

impl Expected {
    /// Returns what a rule promises in a document with this mode.
    pub fn of(rule: &Rule, mode: Mode) -> Self {
        let mode = rule.mode.map_or(mode, |own| own.min(mode));
        let share = portion(rule.percentage) * action(&rule.action);
        let (share, because) = sampled(rule, share);
        let schedule = rule.schedule.as_ref();
        let is_varying = schedule.is_some_and(|schedule| schedule.ramp_up.is_some() || schedule.on.is_some());
        let because = because
            .or(asked(rule).then_some("it depends on each request"))
            .or(is_varying.then_some("its percentage changes with the schedule"));
        // The arrival time of the document is unknown, so a pulse or a ramp counts as live.
        let arrived = Some(Instant(std::time::Duration::ZERO));
        let is_live = schedule.is_none_or(|schedule| schedule.level(&Moment::of(now()), arrived).is_some())
            || is_varying;
        Self { mode, share, because, is_live }
    }
}

fn portion(percentage: FractionalPercent) -> f64 {
    f64::from(percentage.millionths()) / f64::from(WHOLE)
}

fn action(action: &Action) -> f64 {
    match action {
        Action::Faults(faults) => any(faults),
        Action::Outcomes(outcomes) => {
            outcomes.iter().map(|outcome| portion(outcome.percentage) * any(&outcome.faults)).sum()
        }
    }
}

/// Returns the probability that at least one of several independent faults happens.
fn any(faults: &Faults) -> f64 {
    1.0 - faults.iter().map(|(_, fault)| 1.0 - portion(fault.percentage(&Blank))).product::<f64>()
}

/// Returns the share after sampling.
#[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
fn sampled(rule: &Rule, share: f64) -> (f64, Option<&'static str>) {
    let Some(sample) = &rule.sample else { return (share, None) };
    if sample.by.is_some() {
        return (share, Some("the share applies to keys, not to requests"));
    }
    match (sample.every, sample.first, sample.of) {
        (Some(every), ..) => (share / every.get() as f64, None),
        (_, Some(first), Some(of)) => (share * first.get() as f64 / of.get() as f64, None),
        (_, Some(_), None) => (share, Some("only the first requests after the document arrived count")),
        _ => (share, None),
    }
}

/// Returns whether the effect depends on the request or the response beyond matching.
fn asked(rule: &Rule) -> bool {
    let mut lines = rule.action.each_faults().flat_map(|faults| faults.lines());
    lines.any(|line| line.is_conditional)
}

/// A request without headers or properties.
struct Blank;

impl RequestView for Blank {
    fn any_value(&self, _: &str, _: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        None
    }

    fn property(&self, _: Property<'_>) -> Option<Vec<u8>> {
        None
    }
}
