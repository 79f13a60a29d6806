//! Rules that are never reached because an earlier rule takes all of their requests.

use super::cover::{all_pairs, covers, required};
use super::lints::Lints;
use crate::decode::diagnostic::Code;
use crate::document::mode::Mode;
use crate::document::rule::{Action, Rule};
use crate::value::percent::WHOLE;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The rules so far that take every request that they match. A document may have thousands of them, so a rule is
/// compared only with those that could cover it: a rule that requires a header only covers rules that require the same
/// one.
pub struct Order<'r> {
    mode: Mode,
    by_pair: BTreeMap<String, Vec<(usize, &'r Rule)>>,
    others: Vec<(usize, &'r Rule)>,
}

impl<'r> Order<'r> {
    pub fn new(mode: Mode) -> Self {
        Self { mode, by_pair: BTreeMap::new(), others: Vec::new() }
    }

    /// Reports the next rule if it cannot be reached because an earlier one takes every request that it matches.
    pub fn next(&mut self, index: usize, rule: &'r Rule, lints: &mut Lints) {
        if let Some(first) = self.first_that_covers(rule) {
            say(first, rule, lints);
        }
        if takes_all(rule, self.mode) {
            let group = match rule.matches.as_ref().and_then(required) {
                Some(pair) => self.by_pair.entry(pair).or_default(),
                None => &mut self.others,
            };
            group.push((index, rule));
        }
    }

    fn first_that_covers(&self, rule: &Rule) -> Option<&'r Rule> {
        let pairs = rule.matches.as_ref().map(all_pairs).unwrap_or_default();
        let groups = pairs.iter().filter_map(|pair| self.by_pair.get(pair)).chain([&self.others]);
        let covering = |group: &Vec<(usize, &'r Rule)>| {
            group.iter().find(|(_, earlier)| covers(earlier.matches.as_ref(), rule.matches.as_ref())).copied()
        };
        groups.filter_map(covering).min_by_key(|(index, _)| *index).map(|(_, rule)| rule)
    }
}

fn say(first: &Rule, rule: &Rule, lints: &mut Lints) {
    let label = format!("`{}` takes every request that this rule matches", first.name.as_str());
    let help = match covers(rule.matches.as_ref(), first.matches.as_ref()) {
        true => "merge the two: all faults of a rule apply",
        false => "move this rule before it",
    };
    lints.say(Code::UnreachableRule, "a rule that is never reached", label, help);
}

/// Returns whether a rule always takes every request that it matches.
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

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test may fail")]
mod tests {
    use crate::decode::diagnostic::Code;
    use crate::lint::{Context, plan};
    use crate::plan::Plan;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// Returns the labels of the unreachable rules, for rules named `r0`, `r1`, … with these conditions.
    fn unreached(conditions: &[&str]) -> Vec<String> {
        let rule = |(at, condition)| {
            format!(
                r#"{{"name": "r{at}", "match": {condition}, "percentage": 100, "abort": {{"http_status": 503}}}}"#
            )
        };
        let rules: Vec<String> = conditions.iter().enumerate().map(rule).collect();
        let document = format!(r#"{{"rules": [{}]}}"#, rules.join(","));
        let read = Plan::from_json(document.as_bytes()).expect("a document");
        let found = plan(&read, Context::default());
        found.into_iter().filter(|lint| lint.code == Code::UnreachableRule).map(|lint| lint.label).collect()
    }

    #[test]
    fn a_rule_is_named_with_the_first_that_takes_its_requests() {
        let header = r#"{"headers": [{"name": "a"}]}"#;
        let path = r#"{"path": {"prefix": "/a"}}"#;
        let both = r#"{"headers": [{"name": "b"}, {"name": "a"}], "path": {"prefix": "/a/b"}}"#;
        let by = |name: &str| format!("`{name}` takes every request that this rule matches");
        assert_eq!(unreached(&[header, path, both]), [by("r0")]);
        assert_eq!(unreached(&[path, header, both]), [by("r0")]);
        assert_eq!(unreached(&[both, header, path]), Vec::<String>::new());
    }

    #[test]
    fn conditions_for_pairs_are_found_wherever_they_stand() {
        for wide in [
            r#"{"query_parameters": [{"name": "a"}]}"#,
            r#"{"cookies": [{"name": "a"}]}"#,
            r#"{"headers": [{"name": "a"}]}"#,
            r#"{"path": {"safe_regex": "/a.*"}}"#,
        ] {
            let inside = format!(r#"{{"all": [{{"methods": ["GET"]}}, {{"all": [{wide}]}}]}}"#);
            assert_eq!(unreached(&[wide, &inside]).len(), 1, "{wide}");
            assert_eq!(unreached(&[&inside, wide]).len(), 0, "{wide}");
        }
        let (header, cookie) = (r#"{"headers": [{"name": "a"}]}"#, r#"{"cookies": [{"name": "a"}]}"#);
        assert_eq!(unreached(&[header, cookie]).len(), 0);
    }
}
