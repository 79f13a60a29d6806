//! Our performance targets, and whether they are met.

use crate::holding::CONCURRENT;
use crate::results::Results;
use serde::Serialize;

/// A figure with its upper limit.
#[derive(Debug, Serialize)]
pub struct Target {
    /// The name of the figure, as the table shows it.
    pub about: String,
    pub unit: &'static str,
    pub limit: f64,
    /// The figure, if the run has measured it.
    pub measured: Option<f64>,
    /// The 90 % confidence interval, if known.
    pub interval: Option<[f64; 2]>,
}

impl Target {
    /// Returns whether the figure is below the limit. The run cannot tell if the interval is wider than the limit and
    /// contains it.
    pub fn verdict(&self) -> &'static str {
        let noisy = self.interval.is_some_and(|[low, high]| {
            (low..=high).contains(&self.limit) && high - low > self.limit.max(0.5)
        });
        match self.measured {
            None => "not measured",
            Some(_) if noisy => "too noisy to tell",
            Some(measured) if measured <= self.limit => "yes",
            Some(_) => "no",
        }
    }
}

const EMPTY: &str = "× empty module";

/// All targets, with what the run has found.
pub fn all(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    for (key, limit) in [
        ("no-rules", 1.05),
        ("off", 1.05),
        ("one-header", 1.35),
        ("rules-100", 1.6),
        ("rules-1000", 1.8),
        ("rules-10000", 1.8),
        ("small-one-header", 1.2),
        ("large-one-header", 1.2),
        ("gate", 0.6),
    ] {
        let row = results.row(key);
        let about = row.map_or("Brownout, one header rule, behind its gate", |row| row.title).to_owned();
        let figure = row.map(|row| row.ratio);
        targets.push(Target {
            about,
            unit: EMPTY,
            limit,
            measured: figure.map(|figure| figure.value),
            interval: figure.map(|figure| [figure.low, figure.high]),
        });
    }
    let disabled = results.row("disabled").map(|row| row.overhead);
    targets.push(Target {
        about: "Brownout, disabled on the route".into(),
        unit: "µs over no filter",
        limit: 0.1,
        measured: disabled.map(|figure| figure.value),
        interval: disabled.map(|figure| [figure.low, figure.high]),
    });
    for (about, unit, limit, figure) in [
        ("CPU of an aborted request", "× native", 1.35, results.abort),
        ("shadow, every request matches", "× inject that takes none", 1.1, results.shadow),
    ] {
        targets.push(Target {
            about: about.into(),
            unit,
            limit,
            measured: figure.map(|figure| figure.value),
            interval: figure.map(|figure| [figure.low, figure.high]),
        });
    }
    targets.extend(of_delays(results));
    targets.extend(of_documents(results));
    targets
}

fn of_delays(results: &Results) -> Vec<Target> {
    let mut targets = Vec::new();
    for concurrent in CONCURRENT {
        let of = |key| results.held.iter().find(|held| held.key == key && held.concurrent == concurrent);
        let both = of("delay").zip(of("native-delay"));
        targets.push(Target {
            about: format!("CPU of a delayed request, {concurrent} held"),
            unit: "× native",
            limit: 1.5,
            measured: both.map(|(ours, native)| ours.cpu / native.cpu),
            interval: None,
        });
        targets.push(Target {
            about: format!("lateness of delays, p99, {concurrent} held"),
            unit: "ms over native",
            limit: 2.0,
            measured: both.map(|(ours, native)| (ours.lateness.p99 - native.lateness.p99) / 1e3),
            interval: None,
        });
    }
    let of = |key| results.crowd.iter().find(|crowd| crowd.key == key);
    let both = of("crowd").zip(of("native-crowd"));
    for (about, measured) in [
        (
            "latest of 20,000 delays that come as fast as Envoy takes them",
            both.map(|(ours, native)| ours.as_they_came.max - native.as_they_came.max),
        ),
        (
            "latest of 20,000 delays that are due at one instant",
            both.map(|(ours, native)| ours.at_one_instant.max - native.at_one_instant.max),
        ),
    ] {
        targets.push(Target {
            about: about.into(),
            unit: "ms over native",
            limit: 50.0,
            measured: measured.map(|microseconds| microseconds / 1e3),
            interval: None,
        });
    }
    targets
}

fn of_documents(results: &Results) -> Vec<Target> {
    let costs = results.costs.as_ref();
    let figures = [
        ("the module", "KB", 300.0, Some(results.module_bytes as f64 / 1e3)),
        ("1,000 rules go live in a worker", "ms", 50.0, costs.map(|costs| costs.median_loading())),
        (
            "memory of a worker with 1,000 rules",
            "MB over empty module",
            1.0,
            costs.map(|costs| (costs.resident[0] - costs.resident[1]) / 1e6),
        ),
        ("`brownout simulate`, a million requests", "s", 2.0, results.simulate),
    ];
    let target = |(about, unit, limit, measured): (&str, _, _, _)| Target {
        about: about.into(),
        unit,
        limit,
        measured,
        interval: None,
    };
    figures.map(target).into()
}
