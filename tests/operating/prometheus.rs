//! Prometheus: what it reads from Envoy, and its `promtool`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::envoy::Envoy;

/// The series of a scrape, `name{label="value"}` with labels in the order of their names, and their values.
pub struct Scrape(BTreeMap<String, f64>);

impl Scrape {
    /// Reads Envoy's page for Prometheus.
    pub async fn of(envoy: &Envoy) -> Self {
        let page = envoy.page("/stats/prometheus").await;
        Self(page.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(series).collect())
    }

    /// Those that a prefix chooses and that are not 0.
    pub fn counted(&self, prefix: &str) -> BTreeMap<&str, f64> {
        let chosen = self.0.iter().filter(|(series, value)| series.starts_with(prefix) && **value > 0.0);
        chosen.map(|(series, value)| (series.as_str(), *value)).collect()
    }

    /// Whether there is a metric of this name.
    pub fn has(&self, metric: &str) -> bool {
        self.0.keys().any(|series| series.split('{').next() == Some(metric))
    }
}

fn series(line: &str) -> (String, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = series.split_once('{').expect("Envoy always writes braces");
    let labels = labels.strip_suffix('}').expect("the end of the labels");
    let mut labels: Vec<&str> = labels.split(',').filter(|label| !label.is_empty()).collect();
    labels.sort_unstable();
    let value = value.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
    (format!("{name}{{{}}}", labels.join(",")), value)
}

/// A file for Prometheus or Grafana.
pub fn file(name: &str) -> PathBuf {
    support::repository::root().join("envoy").join(name)
}

/// Runs `promtool`, which must have no complaint.
///
/// # Panics
/// When it has one, or is not there.
pub fn promtool(arguments: &[&str], file: &Path) {
    let program = support::repository::debian("prometheus", "promtool");
    let output = Command::new(program).args(arguments).arg(file).output().expect("it starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

/// The metrics that an expression in Prometheus' language names, ours and Envoy's.
pub fn metrics(expression: &str) -> Vec<&str> {
    let words = expression.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
    words.filter(|word| word.starts_with("brownout_") || word.starts_with("envoy_")).collect()
}

/// Metrics of which alerts and panels speak already, and which the module does not have yet.
pub const TO_COME: [&str; 1] = ["brownout_stopped"];
