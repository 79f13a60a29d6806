//! The expected effect of a rule that matches a request, from its percentages, its schedule and its sample. Limits do
//! not count, nor does the individual key: among many keys, the rule's share is taken.

use brownout_core::document::rule::{Action, Rule};
use brownout_core::document::sample::Missing;
use brownout_core::fault::{Fault, Faults};
use brownout_core::kind::{Kind, Kinds};
use brownout_core::plan::activation::ByKey;
use brownout_core::value::percent::WHOLE;
use brownout_core::view::RequestView;

/// A fault, and its likelihood.
type Draw = (Kind, Option<f64>);

/// Likelihoods, from 0 to 1; `None` where the request or its response decides.
pub struct Expectation {
    /// The likelihood that something is done to it.
    pub taken: Option<f64>,
    /// The likelihood of each fault.
    pub faults: Vec<Draw>,
}

/// Returns the expectation for the rule's match number `ordinal`, from 0, at this level of its schedule.
pub fn expectation(rule: &Rule, request: &dyn RequestView, ordinal: u64, level: u32) -> Expectation {
    let share = f64::from(rule.share(level)) / f64::from(WHOLE) * sampled(rule, request, ordinal);
    match &rule.action {
        Action::Faults(faults) => {
            let drawn = drawn(faults, request);
            Expectation {
                taken: any(&drawn).map(|any| share * any),
                faults: each(&drawn).map(|(kind, p)| (kind, p.map(|p| share * p))).collect(),
            }
        }
        Action::Outcomes(outcomes) => {
            let mut expectation = Expectation { taken: Some(0.0), faults: Vec::new() };
            for outcome in outcomes {
                let here = share * f64::from(outcome.percentage.millionths()) / f64::from(WHOLE);
                let drawn = drawn(&outcome.faults, request);
                expectation.taken = expectation.taken.zip(any(&drawn)).map(|(sum, any)| sum + here * any);
                for (kind, p) in each(&drawn) {
                    let p = p.map(|p| here * p);
                    match expectation.faults.iter_mut().find(|(other, _)| *other == kind) {
                        Some((_, sum)) => *sum = sum.zip(p).map(|(sum, p)| sum + p),
                        None => expectation.faults.push((kind, p)),
                    }
                }
            }
            expectation
        }
    }
}

/// Returns 1 for a request that the rule's sample lets through, otherwise 0.
fn sampled(rule: &Rule, request: &dyn RequestView, ordinal: u64) -> f64 {
    let Some(sample) = &rule.sample else { return 1.0 };
    let through = match rule.by_key(request) {
        Some(ByKey::Missing(Missing::Skip)) => false,
        Some(_) => true,
        None => sample.includes_ordinal(ordinal),
    };
    f64::from(u8::from(through))
}

/// Returns the likelihood of each fault. Faults are drawn one by one. One that ends the exchange prevents later ones,
/// and also the request change, which would have no effect.
fn each(drawn: &[Draw]) -> impl Iterator<Item = Draw> {
    let goes_on = |kinds: &[Draw]| {
        kinds.iter().filter(|(kind, _)| kind.ends()).try_fold(1.0, |on, (_, p)| Some(on * (1.0 - (*p)?)))
    };
    drawn.iter().enumerate().map(move |(place, (kind, p))| {
        let before = if kind.changes_request() {
            goes_on(drawn)
        } else {
            goes_on(drawn.get(..place).unwrap_or_default())
        };
        (*kind, p.zip(before).map(|(p, before)| p * before))
    })
}

/// Returns the draws, each independent of the others.
fn drawn(faults: &Faults, request: &dyn RequestView) -> Vec<Draw> {
    let conditional: Kinds =
        faults.lines().iter().filter(|line| line.is_conditional).map(|line| line.kind).collect();
    let likelihood = |kind: Kind, fault: &dyn Fault| {
        if conditional.contains(kind) {
            return None;
        }
        let nothing_to_slow = kind.needs_request_body() && !request.has_body();
        Some(if nothing_to_slow {
            0.0
        } else {
            f64::from(fault.percentage(request).millionths()) / f64::from(WHOLE)
        })
    };
    faults.iter().map(|(kind, fault)| (kind, likelihood(kind, fault))).collect()
}

/// Returns the likelihood that at least one of them happens.
fn any(drawn: &[Draw]) -> Option<f64> {
    let none = drawn.iter().try_fold(1.0, |none, (_, p)| Some(none * (1.0 - (*p)?)))?;
    Some(1.0 - none)
}
