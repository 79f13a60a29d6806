//! Envoy's counters, which all its workers share.

use crate::envoy::{Admin, AdminError};
use std::collections::BTreeMap;

const MODULE: &str = "wasmcustom.brownout.";
const STOPPED: &str = "wasmcustom.brownout.stopped";
const REFUSED: &str = "wasmcustom.brownout.document_refused";
/// The suffix of the request counters of all listeners; those of the admin interface do not count.
const REQUESTS: &str = ".downstream_rq_total";
const ADMIN: &str = "http.admin.";
const WANTED: &str = r"^(.*\.)?(wasmcustom\.brownout\..*|downstream_rq_total)$";

/// The counters at one moment, or their increase between two.
#[derive(Debug, Clone)]
pub struct EnvoyCounts(BTreeMap<String, u64>);

/// The counters of one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnvoyRuleCounts {
    pub matched: u64,
    pub injected: u64,
    pub shadowed: u64,
    pub overflow: u64,
}

impl EnvoyCounts {
    /// Reads the counters from Envoy's admin interface.
    pub fn read(admin: &Admin) -> Result<Self, AdminError> {
        Ok(Self::of(admin.stats(WANTED)?))
    }

    /// Sums the counters by name. Up to Envoy 1.38, those of a module in a cluster have the cluster's name as a prefix.
    fn of(stats: impl IntoIterator<Item = (String, u64)>) -> Self {
        let mut counts = BTreeMap::new();
        for (name, value) in stats {
            let ours = name.find(MODULE).unwrap_or(0);
            *counts.entry(name.get(ours..).unwrap_or_default().to_owned()).or_default() += value;
        }
        Self(counts)
    }

    /// Returns the increase since then; a gauge keeps its current value.
    pub fn since(self, earlier: &Self) -> Self {
        let before = |name: &String| earlier.0.get(name).copied().unwrap_or(0);
        let added = self.0.into_iter().map(|(name, now)| {
            let is_gauge = name == STOPPED || name == REFUSED;
            let added = if is_gauge { now } else { now.saturating_sub(before(&name)) };
            (name, added)
        });
        Self(added.collect())
    }

    /// Returns the counters of a rule; `None` if Envoy does not know it.
    pub fn rule(&self, name: &str) -> Option<EnvoyRuleCounts> {
        let count = |what: &str| self.0.get(&format!("{MODULE}rule.{name}.{what}")).copied();
        Some(EnvoyRuleCounts {
            matched: count("matched")?,
            injected: count("injected").unwrap_or(0),
            shadowed: count("shadowed").unwrap_or(0),
            overflow: count("overflow").unwrap_or(0),
        })
    }

    /// Returns the number of all requests to Envoy.
    pub fn requests(&self) -> u64 {
        let requests =
            |name: &str| name.starts_with("http.") && name.ends_with(REQUESTS) && !name.starts_with(ADMIN);
        self.0.iter().filter(|(name, _)| requests(name)).map(|(_, count)| count).sum()
    }

    /// Returns whether the module is running there or has run.
    pub fn has_module(&self) -> bool {
        self.0.keys().any(|name| name.starts_with(MODULE))
    }

    /// Returns whether `stop_when` has stopped a document there.
    pub fn has_stopped(&self) -> bool {
        self.0.get(STOPPED).is_some_and(|stopped| *stopped > 0)
    }

    /// Returns whether Envoy now has a document with mistakes.
    pub fn has_refused(&self) -> bool {
        self.0.get(REFUSED).is_some_and(|refused| *refused > 0)
    }

    /// Returns warnings for the operator that no single rule explains.
    pub fn warnings(&self) -> Vec<String> {
        let count = |what: &str| self.0.get(&format!("{MODULE}{what}")).copied().unwrap_or(0);
        let mut warnings = Vec::new();
        if self.has_refused() {
            warnings.push(
                "Envoy has a document with mistakes and injects nothing from it; its log lists each mistake"
                    .to_owned(),
            );
        }
        if count("route_config_rejected") > 0 {
            warnings.push(format!(
                "{} requests used a route with an invalid document in its metadata",
                count("route_config_rejected")
            ));
        }
        if count("host_errors") > 0 {
            warnings.push(format!("{} calls from the module to Envoy failed", count("host_errors")));
        }
        if self.has_stopped() {
            warnings.push(
                "`stop_when` has stopped a document in this Envoy: it injects nothing until another document arrives"
                    .to_owned(),
            );
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::EnvoyCounts;

    #[test]
    fn a_rule_is_found_where_a_clusters_name_is_before_it() {
        let stats = [
            ("cluster.service.wasmcustom.brownout.rule.slow.matched", 3),
            ("wasmcustom.brownout.rule.slow.matched", 2),
            ("http.front.downstream_rq_total", 5),
            ("listener.front.downstream_rq_total", 7),
        ];
        let counts = EnvoyCounts::of(stats.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(counts.rule("slow").map(|rule| rule.matched), Some(5));
        assert_eq!(counts.requests(), 5);
    }
}
