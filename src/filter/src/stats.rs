//! Metrics, under names that begin with `brownout.`. Envoy prefixes them with `wasmcustom.`.
//!
//! All workers and plugins of an Envoy share the metrics of the same name.

use crate::host;
use brownout_core::Plan;
use brownout_core::document::mode::Mode;
use brownout_core::document::rule::Rule;
use brownout_core::engine::event::Event;
use brownout_core::id::RuleId;
use brownout_core::kind::Kind;
use proxy_wasm::types::MetricType;
use std::cell::RefCell;

/// A metric's number in this VM, or `None` if the host failed to define it.
#[derive(Debug, Clone, Copy, Default)]
struct Metric(Option<u32>);

impl Metric {
    fn define(kind: MetricType, name: &str) -> Self {
        Self(host::define_metric(kind, name).ok())
    }

    /// Defines a metric that exists once, whatever rules there are.
    fn single(kind: MetricType, name: &'static str) -> Self {
        DEFINED.with(|defined| {
            let Ok(mut defined) = defined.try_borrow_mut() else { return Self(None) };
            let known = defined.single.iter().find(|(known, _)| *known == name);
            if let Some((_, metric)) = known {
                return *metric;
            }
            let metric = Self::define(kind, name);
            defined.single.push((name, metric));
            metric
        })
    }

    /// Adds to the metric. A failure must not change anything else.
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

thread_local! {
    static DEFINED: RefCell<Defined> =
        const { RefCell::new(Defined { single: Vec::new(), counters: Vec::new() }) };
}

/// The metrics defined in this VM. Each time a name is defined, the host assigns a new number and keeps the old ones:
/// pushing a document of 1,000 rules again would take megabytes.
struct Defined {
    single: Vec<(&'static str, Metric)>,
    /// Sorted by name prefix.
    counters: Vec<(Box<str>, Counters)>,
}

/// The counters that exist once for all rules and once for each.
#[derive(Debug, Clone, Default)]
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
        DEFINED.with(|defined| {
            let Ok(mut defined) = defined.try_borrow_mut() else { return Self::default() };
            let found = defined.counters.binary_search_by(|(known, _)| (**known).cmp(prefix));
            let place = found.unwrap_or_else(|place| {
                defined.counters.insert(place, (prefix.into(), Self::new(prefix)));
                place
            });
            let Some((_, counters)) = defined.counters.get_mut(place) else { return Self::default() };
            for kind in kinds {
                if counters.faults.iter().all(|(known, _)| *known != kind) {
                    counters.faults.push((kind, Self::counter(prefix, kind.counter())));
                }
            }
            counters.clone()
        })
    }

    fn new(prefix: &str) -> Self {
        Self {
            matched: Self::counter(prefix, "matched"),
            injected: Self::counter(prefix, "injected"),
            shadowed: Self::counter(prefix, "shadowed"),
            overflow: Self::counter(prefix, "overflow"),
            merge_patches_skipped: Self::counter(prefix, "merge_patches_skipped"),
            faults: Vec::new(),
        }
    }

    fn counter(prefix: &str, name: &str) -> Metric {
        Metric::define(MetricType::Counter, &format!("{prefix}.{name}"))
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
    /// By rule number: the document's rules, and rules of routes once they have acted.
    rules: RefCell<Vec<Counters>>,
    active_faults: Metric,
    stopped: Metric,
    mode: Metric,
    delay_ms: Metric,
    host_errors: Metric,
    route_config_rejected: Metric,
    document_refused: Metric,
    matches_given_up: Metric,
}

impl Stats {
    /// Defines the metrics of a plan.
    pub fn new(plan: &Plan) -> Self {
        let of_rule = |rule: &Rule| Counters::of_rule(rule.name.as_str(), rule.action.kinds().iter());
        Self {
            total: Counters::define("brownout", Kind::ALL.iter().copied()),
            rules: RefCell::new(plan.rules().iter().map(of_rule).collect()),
            active_faults: Metric::single(MetricType::Gauge, "brownout.active_faults"),
            stopped: Metric::single(MetricType::Gauge, "brownout.stopped"),
            mode: Metric::single(MetricType::Gauge, "brownout.mode"),
            delay_ms: Metric::single(MetricType::Histogram, "brownout.delay_ms"),
            host_errors: Metric::single(MetricType::Counter, "brownout.host_errors"),
            route_config_rejected: Metric::single(MetricType::Counter, "brownout.route_config_rejected"),
            document_refused: Metric::single(MetricType::Gauge, "brownout.document_refused"),
            matches_given_up: Metric::single(MetricType::Counter, "brownout.matches_given_up"),
        }
    }

    /// Counts an event. `name` returns the name of a route's rule that is counted for the first time.
    pub fn count(&self, event: &Event, name: impl Fn(RuleId) -> Option<String>) {
        let name = &name;
        match event {
            Event::Matched(rule) => self.both(*rule, name, |counters| counters.matched.add(1)),
            Event::Injected(rule) => self.both(*rule, name, |counters| counters.injected.add(1)),
            Event::Shadowed(rule) => self.both(*rule, name, |counters| counters.shadowed.add(1)),
            Event::Overflow(rule) => self.both(*rule, name, |counters| counters.overflow.add(1)),
            Event::CannotHold(_) => self.count_host_error(),
            Event::Unpatched(rule) => {
                self.both(*rule, name, |counters| counters.merge_patches_skipped.add(1));
            }
            Event::Reported { .. } | Event::Expired(_) => {}
            Event::Fault { rule, kind } => self.both(*rule, name, |counters| counters.add_fault(*kind)),
            Event::Delayed(length) => {
                self.delay_ms.record(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
            }
            Event::RouteRefused(_) => self.route_config_rejected.add(1),
            Event::GaveUp => self.matches_given_up.add(1),
            Event::Activated => self.active_faults.add(1),
            Event::Released => self.active_faults.add(-1),
            Event::Stopped(_) => self.stopped.add(1),
        }
    }

    /// Takes back this worker's `stopped`.
    pub fn take_back_stop(&self) {
        self.stopped.add(-1);
    }

    /// Adds to the number of plugins whose document cannot be read, or subtracts from it.
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
        // Numbers are assigned in order, and some rules of routes never act: the gaps are filled here.
        while rules.len() <= rule.0
            && let Some(name) = name(RuleId(rules.len()))
        {
            rules.push(Counters::of_rule(&name, Kind::ALL.iter().copied()));
        }
        rules.get(rule.0).into_iter().for_each(add);
    }
}

/// Counts a VM whose timer works.
pub fn count_timer() {
    Metric::single(MetricType::Counter, "brownout.timers_started").add(1);
}

/// Counts a document that was refused.
pub fn count_rejected() {
    Metric::single(MetricType::Counter, "brownout.config_rejected").add(1);
}
