//! Counters and gauges by name.

use std::collections::BTreeMap;
use std::fmt;

/// Counters and gauges at one moment, or the difference between two moments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats(BTreeMap<String, u64>);

impl Stats {
    /// A value; 0 when there is none of that name.
    pub fn value(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Returns the sum of those whose names `chosen` accepts.
    pub fn sum(&self, chosen: impl Fn(&str) -> bool) -> u64 {
        self.0.iter().filter(|(name, _)| chosen(name)).map(|(_, value)| value).sum()
    }

    /// Returns what was added since then, without what stayed as it was.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let added = self.0.iter().map(|(name, value)| (name.clone(), value - earlier.value(name)));
        added.filter(|(_, value)| *value > 0).collect()
    }
}

/// Values with the same name are added up.
impl FromIterator<(String, u64)> for Stats {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(stats: I) -> Self {
        let mut all = BTreeMap::new();
        for (name, value) in stats {
            *all.entry(name).or_default() += value;
        }
        Self(all)
    }
}

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            writeln!(f, "{name}: {value}")?;
        }
        Ok(())
    }
}
