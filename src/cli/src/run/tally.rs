//! The counts of a run's requests, by outcome.

use super::counts::RunCounts;
use super::requests::{RequestOutcome, ShownRequest};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// The number of requests with each outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    passed: u64,
    injected: u64,
    failed: u64,
    unanswered: u64,
    left: u64,
    /// The number of injected requests for each rule, by its name.
    rules: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts a request by its outcome, and by its rule if one took it.
    pub fn add(&mut self, request: &ShownRequest) {
        *match request.outcome {
            RequestOutcome::Passed => &mut self.passed,
            RequestOutcome::Injected => &mut self.injected,
            RequestOutcome::Failed => &mut self.failed,
            RequestOutcome::Unanswered => &mut self.unanswered,
            RequestOutcome::Left => &mut self.left,
        } += 1;
        if let Some(rule) = &request.rule {
            *self.rules.entry(rule.clone()).or_default() += 1;
        }
    }

    fn requests(&self) -> u64 {
        self.passed + self.injected + self.failed + self.unanswered + self.left
    }
}

/// The requests of a run, together with the module's counters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The requests that are over.
    pub tally: Tally,
    pub counts: RunCounts,
    /// True if rules are missing from the access log, so that only the module knows what was injected.
    pub is_silent: bool,
}

impl Summary {
    fn injected(&self) -> u64 {
        if self.is_silent { self.counts.injected } else { self.tally.injected }
    }

    /// Returns `None` if the log does not show what was injected.
    fn known(&self, count: u64) -> Option<u64> {
        (!self.is_silent).then_some(count)
    }

    /// Returns the most important counts, for one line of a terminal.
    pub fn short(&self) -> String {
        let mut text = format!("{}: ", requests(self.tally.requests()));
        if let Some(passed) = self.known(self.tally.passed) {
            text.push_str(&format!("{passed} passed, "));
        }
        text.push_str(&format!("{} injected", self.injected()));
        for (count, what) in [
            (self.counts.active, "held now"),
            (self.tally.failed + self.tally.unanswered, "failed"),
            (self.tally.left, "given up"),
        ] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        text
    }

    /// Returns the summary as a JSON object.
    pub fn json(&self) -> Value {
        let rules: serde_json::Map<String, Value> = self
            .counts
            .rules
            .iter()
            .map(|rule| {
                let faults: serde_json::Map<String, Value> =
                    rule.faults.iter().map(|(fault, count)| ((*fault).to_owned(), (*count).into())).collect();
                let counts = json!({"matched": rule.matched, "injected": rule.injected, "faults": faults});
                (rule.name.clone(), counts)
            })
            .collect();
        json!({
            "type": "summary",
            "requests": self.tally.requests(),
            "passed": self.known(self.tally.passed),
            "injected": self.injected(),
            "failed": self.known(self.tally.failed),
            "unanswered": self.known(self.tally.unanswered),
            "left": self.known(self.tally.left),
            "rules": rules,
        })
    }
}

/// One line: `12 requests: 7 passed, 4 injected (slow-search 4), 1 failed in the service`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", requests(self.tally.requests()))?;
        if let Some(passed) = self.known(self.tally.passed) {
            write!(f, "{passed} passed, ")?;
        }
        write!(f, "{} injected", self.injected())?;
        let busy: Vec<String> = match self.is_silent {
            false => self.tally.rules.iter().map(|(rule, count)| format!("{rule} {count}")).collect(),
            true => {
                let busy = self.counts.rules.iter().filter(|rule| rule.injected > 0);
                busy.map(|rule| format!("{} {}", rule.name, rule.injected)).collect()
            }
        };
        if !busy.is_empty() {
            write!(f, " ({})", busy.join(", "))?;
        }
        for (count, what) in [
            (self.known(self.tally.failed), "failed in the service"),
            (self.known(self.tally.unanswered), "not answered by the service"),
            (self.known(self.tally.left), "given up by the client"),
            (Some(self.counts.active), "held now"),
        ] {
            if let Some(count) = count.filter(|count| *count > 0) {
                write!(f, ", {count} {what}")?;
            }
        }
        Ok(())
    }
}

fn requests(count: u64) -> String {
    crate::terminal::counted(count, "request")
}

#[cfg(test)]
mod tests {
    use super::{Summary, Tally};
    use crate::run::counts::{RunCounts, RunRuleCounts};
    use std::collections::BTreeMap;

    #[test]
    fn failures_of_the_service_are_told_apart_from_faults_and_from_what_passed() {
        let rules = BTreeMap::from([("a".to_owned(), 3)]);
        let summary = Summary {
            tally: Tally { passed: 5, injected: 3, failed: 2, unanswered: 1, left: 1, rules },
            counts: RunCounts { injected: 4, active: 1, rules: Vec::new() },
            is_silent: false,
        };
        let expected = "12 requests: 5 passed, 3 injected (a 3), 2 failed in the service, 1 not answered by the \
                        service, 1 given up by the client, 1 held now";
        assert_eq!(summary.to_string(), expected);
    }

    #[test]
    fn of_a_document_that_keeps_rules_out_of_the_log_only_what_the_module_counts_is_said() {
        let rule = RunRuleCounts { name: "a".into(), injected: 2, ..RunRuleCounts::default() };
        let summary = Summary {
            tally: Tally { passed: 5, ..Tally::default() },
            counts: RunCounts { injected: 2, rules: vec![rule], ..RunCounts::default() },
            is_silent: true,
        };
        assert_eq!(summary.to_string(), "5 requests: 2 injected (a 2)");
    }
}
