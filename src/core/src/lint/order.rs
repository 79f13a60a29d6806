//! What the order of the rules makes of one of them.

use super::Lints;
use super::cover::covers;
use crate::diagnostic::Code;
use crate::document::{Action, Mode, Rule};
use crate::schedule::WHOLE;
use alloc::format;

/// Whether the rule at `index` can be reached: an earlier one may take every request that it is about.
pub fn rule(rules: &[Rule], index: usize, mode: Mode, lints: &mut Lints) {
    let (Some(rule), Some(earlier)) = (rules.get(index), rules.get(..index)) else { return };
    let Some(first) = earlier
        .iter()
        .find(|earlier| takes_all(earlier, mode) && covers(earlier.matches.as_ref(), rule.matches.as_ref()))
    else {
        return;
    };
    let label = format!("`{}` takes every request that this rule is about", first.name.as_str());
    let help = match covers(rule.matches.as_ref(), first.matches.as_ref()) {
        true => "merge the two: all faults of one rule apply",
        false => "put this rule before it",
    };
    lints.say(Code::UnreachableRule, "a rule that is never reached", label, help);
}

/// Whether a rule takes every request that it matches, always.
fn takes_all(rule: &Rule, mode: Mode) -> bool {
    let is_off = mode.min(rule.mode.unwrap_or_default()) == Mode::Off;
    let is_whole = match &rule.action {
        Action::Faults(_) => true,
        Action::Outcomes(outcomes) => {
            outcomes.iter().map(|outcome| outcome.percentage.millionths()).sum::<u32>() == WHOLE
        }
    };
    !is_off && is_whole && rule.percentage.is_always() && rule.sample.is_none() && rule.schedule.is_none()
}
