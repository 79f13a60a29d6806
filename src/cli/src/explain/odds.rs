//! The combined effect of the rules on a request.

use brownout_core::document::mode::Mode;
use brownout_core::document::rule::Rule;
use brownout_core::explain::Trace;
use brownout_core::explain::trace::Verdict;

/// The possible fates of a request and their likelihoods.
#[derive(Debug, Clone, PartialEq)]
pub struct Fates {
    /// The rules that can take it, in order, each with its likelihood: `None` if that depends on how many requests came
    /// before.
    pub rules: Vec<(String, Mode, Option<f64>)>,
    /// The likelihood that no rule takes it, or `None` likewise.
    pub passes: Option<f64>,
}

/// Goes through the rules in order: each gets what earlier rules have left.
pub fn summary(trace: &Trace, rules: &[Rule]) -> Fates {
    let mut left = Some(1.0);
    let mut taking = Vec::new();
    for traced in &trace.rules {
        let (Verdict::Matches(odds), Some(rule)) = (&traced.verdict, rules.get(traced.place)) else {
            continue;
        };
        let likelihood = odds.likelihood(rule);
        if likelihood == Some(0.0) || left == Some(0.0) {
            continue;
        }
        let here = left.zip(likelihood).map(|(left, likelihood)| left * likelihood);
        taking.push((traced.name.clone(), traced.mode, here));
        left = left.zip(likelihood).map(|(left, likelihood)| left * (1.0 - likelihood));
    }
    Fates { rules: taking, passes: left }
}
