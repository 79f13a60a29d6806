//! The counters of Envoy and the module.

use crate::envoy::{Admin, AdminError};
use brownout_core::Plan;
use brownout_core::kind::Kind;
use std::collections::BTreeMap;

const MODULE: &str = "wasmcustom.brownout";

/// The counters at one moment. All count from the start of Envoy, across documents.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunCounts {
    /// Requests that got a fault.
    pub injected: u64,
    /// Requests being held now.
    pub active: u64,
    /// The rules of the document in force, in order, and then those of earlier ones.
    pub rules: Vec<RunRuleCounts>,
}

/// The counters of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunRuleCounts {
    pub name: String,
    pub matched: u64,
    /// Requests that got its faults.
    pub injected: u64,
    /// The count of each fault: `delays`, `aborts`.
    pub faults: Vec<(&'static str, u64)>,
}

impl RunCounts {
    /// Reads the counters.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn read(admin: &Admin, plan: &Plan) -> Result<Self, AdminError> {
        Ok(Self::of(&admin.stats(&format!("^{MODULE}\\..*$"))?, plan))
    }

    fn of(stats: &BTreeMap<String, u64>, plan: &Plan) -> Self {
        let count = |name: &str| stats.get(name).copied().unwrap_or(0);
        let rule = |name: &str| {
            let own = |counter: &str| count(&format!("{MODULE}.rule.{name}.{counter}"));
            RunRuleCounts {
                name: name.to_owned(),
                matched: own("matched"),
                injected: own("injected"),
                faults: Kind::ALL.iter().map(|kind| (plural(*kind), own(kind.counter()))).collect(),
            }
        };
        Self {
            injected: count(&format!("{MODULE}.injected")),
            active: count(&format!("{MODULE}.active_faults")),
            rules: {
                let now: Vec<&str> = plan.rules().iter().map(|each| each.name.as_str()).collect();
                let earlier = stats.keys().filter_map(|name| {
                    name.strip_prefix(MODULE)?.strip_prefix(".rule.")?.strip_suffix(".matched")
                });
                let earlier = earlier.filter(|name| !now.contains(name));
                now.iter().copied().chain(earlier).map(rule).collect()
            },
        }
    }

    /// Returns the count of injections by a rule, or by all rules for `None`.
    pub fn injected_by(&self, rule: Option<&str>) -> u64 {
        match rule {
            None => self.injected,
            Some(name) => self.rules.iter().filter(|rule| rule.name == name).map(|rule| rule.injected).sum(),
        }
    }
}

/// Returns the name of a fault's count: `delays` for `delays_injected`.
fn plural(kind: Kind) -> &'static str {
    kind.counter().trim_end_matches("_injected")
}

#[cfg(test)]
mod tests {
    use super::RunCounts;
    use brownout_core::Plan;

    #[test]
    fn the_counters_of_a_rule_with_dots_in_its_name_are_its_own() {
        let document = br#"{"rules": [
            {"name": "a", "percentage": 1, "delay": {"fixed_delay": "1s"}},
            {"name": "a.injected", "percentage": 1, "delay": {"fixed_delay": "1s"}}
        ]}"#;
        let plan = Plan::from_json(document).expect("a good document");
        let stats = [
            ("wasmcustom.brownout.injected", 3),
            ("wasmcustom.brownout.active_faults", 1),
            ("wasmcustom.brownout.rule.a.injected", 1),
            ("wasmcustom.brownout.rule.earlier.matched", 4),
            ("wasmcustom.brownout.rule.earlier.injected", 4),
            ("wasmcustom.brownout.rule.a.injected.injected", 2),
        ];
        let stats = stats.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let counts = RunCounts::of(&stats, &plan);
        assert_eq!((counts.injected, counts.active), (3, 1));
        let rules = [Some("a"), Some("a.injected"), Some("earlier"), None];
        assert_eq!(rules.map(|rule| counts.injected_by(rule)), [1, 2, 4, 3]);
    }
}
