//! Metrics: what happened, under names that begin with `brownout.`. Envoy puts `wasmcustom.` before them.
//!
//! All workers and all plugins of an Envoy add to the same metric of a name.

use crate::host;
use brownout_core::Plan;
use brownout_core::fault::Kind;
use brownout_core::plan::RuleId;
use brownout_core::step::Event;
use proxy_wasm::types::MetricType;

/// A metric's number in this VM, or nothing if the host would not define it.
#[derive(Debug, Clone, Copy, Default)]
struct Metric(Option<u32>);

impl Metric {
    fn define(kind: MetricType, name: &str) -> Self {
        Self(host::define_metric(kind, name).ok())
    }

    /// A metric that cannot be moved is no reason to do anything else differently.
    fn add(self, offset: i64) {
        if let Some(id) = self.0 {
            let _ = host::increment_metric(id, offset);
        }
    }

    fn record(self, value: u64) {
        if let Some(id) = self.0 {
            let _ = host::record_metric(id, value);
        }
    }
}

/// The counters that exist once for all rules and once for each.
#[derive(Debug, Default)]
struct Counters {
    matched: Metric,
    injected: Metric,
    shadowed: Metric,
    /// By kind of fault: those that can occur.
    faults: Vec<(Kind, Metric)>,
}

impl Counters {
    fn define(prefix: &str, kinds: impl Iterator<Item = Kind>) -> Self {
        let counter = |name: &str| Metric::define(MetricType::Counter, &format!("{prefix}.{name}"));
        Self {
            matched: counter("matched"),
            injected: counter("injected"),
            shadowed: counter("shadowed"),
            faults: kinds.map(|kind| (kind, counter(kind.counter()))).collect(),
        }
    }

    fn add_fault(&self, kind: Kind) {
        self.faults.iter().filter(|(known, _)| *known == kind).for_each(|(_, metric)| metric.add(1));
    }
}

/// The metrics of one plan.
#[derive(Debug, Default)]
pub struct Stats {
    total: Counters,
    rules: Vec<Counters>,
    active_faults: Metric,
    delay_ms: Metric,
    host_errors: Metric,
}

impl Stats {
    /// Defines them.
    pub fn new(plan: &Plan) -> Self {
        let of_rule = |rule: &brownout_core::document::Rule| {
            let kinds = rule.faults.iter().map(|(kind, _)| kind);
            Counters::define(&format!("brownout.rule.{}", rule.name.as_str()), kinds)
        };
        Self {
            total: Counters::define("brownout", Kind::ALL.iter().copied()),
            rules: plan.rules().iter().map(of_rule).collect(),
            active_faults: Metric::define(MetricType::Gauge, "brownout.active_faults"),
            delay_ms: Metric::define(MetricType::Histogram, "brownout.delay_ms"),
            host_errors: Metric::define(MetricType::Counter, "brownout.host_errors"),
        }
    }

    /// Counts what has happened.
    pub fn count(&self, event: Event) {
        match event {
            Event::Matched(rule) => self.both(rule, |counters| counters.matched.add(1)),
            Event::Injected(rule) => self.both(rule, |counters| counters.injected.add(1)),
            Event::Shadowed(rule) => self.both(rule, |counters| counters.shadowed.add(1)),
            Event::Fault { rule, kind } => self.both(rule, |counters| counters.add_fault(kind)),
            Event::Delayed(length) => {
                self.delay_ms.record(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
            }
            Event::Activated => self.active_faults.add(1),
            Event::Released => self.active_faults.add(-1),
        }
    }

    /// Counts a host call that failed.
    pub fn count_host_error(&self) {
        self.host_errors.add(1);
    }

    fn both(&self, rule: RuleId, add: impl Fn(&Counters)) {
        add(&self.total);
        self.rules.get(rule.0).into_iter().for_each(add);
    }
}

/// Counts a document that was refused.
pub fn count_rejected() {
    Metric::define(MetricType::Counter, "brownout.config_rejected").add(1);
}
