//! Judges whether each rule does what it promises.

use super::counts::{EnvoyCounts, EnvoyRuleCounts};
use super::expected::Expected;
use crate::statistics::wilson;
use brownout_core::Plan;
use brownout_core::document::mode::Mode;

/// The two-sided 99.9 % quantile of the standard normal distribution: one in a thousand correct rules is flagged.
const Z: f64 = 3.290_526_731_491_9;

/// The result for a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    pub name: String,
    pub expected: Expected,
    /// Its counters; `None` if Envoy does not know the rule.
    pub counts: Option<EnvoyRuleCounts>,
    /// The confidence interval of the true share of requests that it takes, from 0 to 1.
    pub interval: Option<(f64, f64)>,
    pub verdict: Verdict,
    /// Possible reasons, the likeliest first.
    pub reasons: Vec<String>,
}

/// The verdict on a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The counters fit the document.
    Agrees,
    /// The share differs, or it injected in shadow mode.
    Differs,
    /// It should act, but no request matched.
    MatchedNothing,
    /// Envoy does not know the rule.
    Unknown,
    /// It should do nothing now.
    Idle,
}

impl Verdict {
    /// Returns the text for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agrees => "agrees",
            Self::Differs => "differs",
            Self::MatchedNothing => "matched 0 requests",
            Self::Unknown => "not in Envoy",
            Self::Idle => "idle",
        }
    }

    /// Returns whether the rule does what it promises.
    pub fn is_good(self) -> bool {
        matches!(self, Self::Agrees | Self::Idle)
    }
}

impl Finding {
    /// Returns the share of matches that the rule took, including those that its limits held back.
    #[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
    pub fn observed(&self) -> Option<f64> {
        let counts = self.counts.filter(|counts| counts.matched > 0)?;
        Some(taken(counts) as f64 / counts.matched as f64)
    }
}

fn taken(counts: EnvoyRuleCounts) -> u64 {
    counts.injected + counts.shadowed + counts.overflow
}

/// Returns the result for each rule, in the order of the document.
pub fn findings(plan: &Plan, counts: &EnvoyCounts) -> Vec<Finding> {
    plan.rules()
        .iter()
        .enumerate()
        .map(|(number, rule)| {
            let name = rule.name.as_str();
            let expected = Expected::of(rule, plan.mode());
            let seen = counts.rule(name);
            let interval = seen.and_then(|seen| wilson(taken(seen), seen.matched, Z));
            let verdict = judge(&expected, seen, interval);
            let earlier = plan.rules()[..number].iter().map(|rule| rule.name.as_str());
            let reasons = reasons(verdict, &expected, earlier, counts);
            Finding { name: name.to_owned(), expected, counts: seen, interval, verdict, reasons }
        })
        .collect()
}

fn judge(expected: &Expected, seen: Option<EnvoyRuleCounts>, interval: Option<(f64, f64)>) -> Verdict {
    let is_idle = expected.mode == Mode::Off || !expected.is_live;
    let Some(seen) = seen else {
        return if is_idle { Verdict::Idle } else { Verdict::Unknown };
    };
    let Some((low, high)) = interval else {
        return if is_idle { Verdict::Idle } else { Verdict::MatchedNothing };
    };
    if is_idle {
        return Verdict::Idle;
    }
    let touched_in_shadow = expected.mode == Mode::Shadow && seen.injected > 0;
    let is_too_much = low > expected.share;
    let is_too_little = high < expected.share && expected.because.is_none();
    // Shares of 0 and 100 % leave no room for chance.
    let missed = expected.share >= 1.0 && expected.because.is_none() && taken(seen) < seen.matched;
    let uncalled = expected.share <= 0.0 && taken(seen) > 0;
    if touched_in_shadow || is_too_much || is_too_little || missed || uncalled {
        Verdict::Differs
    } else {
        Verdict::Agrees
    }
}

fn reasons<'a>(
    verdict: Verdict,
    expected: &Expected,
    mut earlier: impl Iterator<Item = &'a str>,
    counts: &EnvoyCounts,
) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    if counts.has_stopped() && matches!(verdict, Verdict::Differs | Verdict::MatchedNothing) {
        reasons.push("`stop_when` has stopped injection, and no request has been matched since".into());
    }
    match verdict {
        Verdict::Agrees => {}
        Verdict::Idle if expected.mode == Mode::Off => reasons.push("its mode is `off`".into()),
        Verdict::Idle => reasons.push("its schedule has ended or has not started".into()),
        Verdict::Differs => {
            if expected.mode == Mode::Shadow {
                reasons.push("it injected under an earlier document: count again with `--during 30s`".into());
            }
            reasons
                .push("an earlier document had a rule of this name: count again with `--during 30s`".into());
            reasons
                .push("requests that ended after matching, before the fault, are in only one count".into());
        }
        Verdict::Unknown if !counts.has_module() => {
            reasons
                .push("this Envoy does not run the module: no listener has it, or it failed to load".into());
        }
        Verdict::Unknown => {
            reasons.push("another document is in force: this one never arrived, or was refused".into())
        }
        Verdict::MatchedNothing => {
            if counts.requests() == 0 {
                reasons.push("this Envoy has received no requests at all".into());
            }
            if let Some(busy) = earlier.find(|name| counts.rule(name).is_some_and(|counts| taken(counts) > 0))
            {
                reasons.push(format!(
                    "`{busy}` comes before it and takes requests, and only one rule acts on a request"
                ));
            }
            reasons.push(
                "no request fits its `match`: try one with `brownout explain FILE --request URL`".into(),
            );
            reasons.push("the requests go through another listener, route or direction".into());
            reasons.push("the requests are excluded, as health probes are by default".into());
        }
    }
    reasons
}
