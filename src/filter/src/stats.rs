//! Metrics: what happened, under names that begin with `brownout.`. Envoy puts `wasmcustom.` before them.
//!
//! All workers and all plugins of an Envoy add to the same metric of a name.

use crate::host;
use brownout_core::Plan;
use brownout_core::document::{Mode, Rule};
use brownout_core::fault::Kind;
use brownout_core::plan::RuleId;
use brownout_core::step::Event;
use proxy_wasm::types::MetricType;
use std::cell::RefCell;

/// A metric's number in this VM, or nothing if the host would not define it.
#[derive(Debug, Clone, Copy, Default)]
struct Metric(Option<u32>);

thread_local! {
    /// The number of each name that has been defined in this VM. The host gives a name a new number, and keeps the old
    /// ones, each time that it is defined: a document of 1,000 rules that is pushed again would take megabytes.
    static DEFINED: RefCell<Vec<(Box<str>, u32)>> = const { RefCell::new(Vec::new()) };
}

impl Metric {
    fn define(kind: MetricType, name: &str) -> Self {
        DEFINED.with(|defined| {
            let Ok(mut defined) = defined.try_borrow_mut() else { return Self(None) };
            match defined.binary_search_by(|(known, _)| (**known).cmp(name)) {
                Ok(place) => Self(defined.get(place).map(|(_, id)| *id)),
                Err(place) => {
                    let id = host::define_metric(kind, name).ok();
                    if let Some(id) = id {
                        defined.insert(place, (name.into(), id));
                    }
                    Self(id)
                }
            }
        })
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
    overflow: Metric,
    merge_patches_skipped: Metric,
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
            overflow: counter("overflow"),
            merge_patches_skipped: counter("merge_patches_skipped"),
            faults: kinds.map(|kind| (kind, counter(kind.counter()))).collect(),
        }
    }

    fn of_rule(name: &str, kinds: impl Iterator<Item = Kind>) -> Self {
        Self::define(&format!("brownout.rule.{name}"), kinds)
    }

    fn add_fault(&self, kind: Kind) {
        self.faults.iter().filter(|(known, _)| *known == kind).for_each(|(_, metric)| metric.add(1));
    }
}

/// The metrics of one plan.
#[derive(Debug, Default)]
pub struct Stats {
    total: Counters,
    /// By the rule's number: those of the document, and those of routes once they have done something.
    rules: RefCell<Vec<Counters>>,
    active_faults: Metric,
    stopped: Metric,
    mode: Metric,
    delay_ms: Metric,
    host_errors: Metric,
    route_config_rejected: Metric,
    document_refused: Metric,
}

impl Stats {
    /// Defines them.
    pub fn new(plan: &Plan) -> Self {
        let of_rule = |rule: &Rule| Counters::of_rule(rule.name.as_str(), rule.action.kinds().iter());
        Self {
            total: Counters::define("brownout", Kind::ALL.iter().copied()),
            rules: RefCell::new(plan.rules().iter().map(of_rule).collect()),
            active_faults: Metric::define(MetricType::Gauge, "brownout.active_faults"),
            stopped: Metric::define(MetricType::Gauge, "brownout.stopped"),
            mode: Metric::define(MetricType::Gauge, "brownout.mode"),
            delay_ms: Metric::define(MetricType::Histogram, "brownout.delay_ms"),
            host_errors: Metric::define(MetricType::Counter, "brownout.host_errors"),
            route_config_rejected: Metric::define(MetricType::Counter, "brownout.route_config_rejected"),
            document_refused: Metric::define(MetricType::Gauge, "brownout.document_refused"),
        }
    }

    /// Counts what has happened. `name` gives the name of a rule of a route that is counted for the first time.
    pub fn count(&self, event: &Event, name: impl Fn(RuleId) -> Option<String>) {
        let name = &name;
        match event {
            Event::Matched(rule) => self.both(*rule, name, |counters| counters.matched.add(1)),
            Event::Injected(rule) => self.both(*rule, name, |counters| counters.injected.add(1)),
            Event::Shadowed(rule) => self.both(*rule, name, |counters| counters.shadowed.add(1)),
            Event::Overflow(rule) => self.both(*rule, name, |counters| counters.overflow.add(1)),
            Event::Unpatched(rule) => {
                self.both(*rule, name, |counters| counters.merge_patches_skipped.add(1));
            }
            Event::Reported { .. } | Event::Expired(_) => {}
            Event::Fault { rule, kind } => self.both(*rule, name, |counters| counters.add_fault(*kind)),
            Event::Delayed(length) => {
                self.delay_ms.record(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
            }
            Event::RouteRefused(_) => self.route_config_rejected.add(1),
            Event::Activated => self.active_faults.add(1),
            Event::Released => self.active_faults.add(-1),
            Event::Stopped(_) => self.stopped.add(1),
        }
    }

    /// Takes back that injection has stopped.
    pub fn take_back_stop(&self) {
        self.stopped.add(-1);
    }

    /// Counts a plugin whose document cannot be read, or takes it back.
    pub fn add_refused(&self, plugins: i64) {
        self.document_refused.add(plugins);
    }

    /// Shows the mode of the document in force.
    pub fn show_mode(&self, mode: Mode) {
        self.mode.record(match mode {
            Mode::Off => 0,
            Mode::Shadow => 1,
            Mode::Inject => 2,
        });
    }

    /// Counts a host call that failed.
    pub fn count_host_error(&self) {
        self.host_errors.add(1);
    }

    fn both(&self, rule: RuleId, name: impl Fn(RuleId) -> Option<String>, add: impl Fn(&Counters)) {
        add(&self.total);
        let Ok(mut rules) = self.rules.try_borrow_mut() else { return };
        // Numbers are given out in order, and some rules of routes never do anything: the gaps are filled in passing.
        while rules.len() <= rule.0
            && let Some(name) = name(RuleId(rules.len()))
        {
            rules.push(Counters::of_rule(&name, Kind::ALL.iter().copied()));
        }
        rules.get(rule.0).into_iter().for_each(add);
    }
}

/// Counts a document that was refused.
pub fn count_rejected() {
    Metric::define(MetricType::Counter, "brownout.config_rejected").add(1);
}
