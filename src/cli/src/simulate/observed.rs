//! The observations of a simulation.

use super::expected::{Expectation, expectation};
use brownout_core::Plan;
use brownout_core::engine::event::Event;
use brownout_core::id::RuleId;
use brownout_core::kind::Kind;
use brownout_core::time::{Clock, Instant};
use brownout_core::view::RequestView;
use std::collections::BTreeMap;
use std::time::Duration;

/// The number of spans that time is divided into.
pub const SPANS: usize = 50;

#[derive(Debug, Clone, Default)]
pub struct RuleCounts {
    pub name: String,
    /// Requests that it matched and no earlier rule had taken.
    pub matched: u64,
    /// Exchanges to which it did something.
    pub injected: u64,
    /// Exchanges that a limit spared.
    pub overflow: u64,
    /// Exchanges that the mode `shadow` spared.
    pub shadowed: u64,
    pub faults: BTreeMap<Kind, u64>,
    /// The expected number it takes, and the expected number for each fault; without limits.
    pub expected: Likelihoods,
}

impl RuleCounts {
    /// Returns the number it took, whatever the result.
    pub fn taken(&self) -> u64 {
        self.injected + self.overflow + self.shadowed
    }
}

/// Sums of likelihoods; `None` if one is unknown.
#[derive(Debug, Clone)]
pub struct Likelihoods {
    /// The expected number of requests that the rule takes.
    pub taken: Option<f64>,
    pub faults: BTreeMap<Kind, Option<f64>>,
}

impl Default for Likelihoods {
    fn default() -> Self {
        Self { taken: Some(0.0), faults: BTreeMap::new() }
    }
}

/// One of [`SPANS`] spans of time.
#[derive(Debug, Clone, Default)]
pub struct Span {
    /// The number of requests that arrived in it.
    pub requests: u64,
    /// The number of those that were hit.
    pub injected: u64,
    /// The number of requests that a limit spared.
    pub overflow: u64,
    /// The largest number of requests held at the same time.
    pub held: u64,
}

#[derive(Debug, Clone)]
pub struct Observed {
    pub requests: u64,
    /// By rule: of the document, in order, and then of routes.
    pub rules: Vec<RuleCounts>,
    /// The added time of each exchange that waited, sorted at the end of the simulation.
    pub waits: Vec<Duration>,
    /// The largest number of requests held at the same time.
    pub most_held: u64,
    /// Counts over time, in [`SPANS`] equal spans.
    pub spans: Vec<Span>,
    /// Requests that met a wrong document in their route's metadata.
    pub routes_refused: u64,
    /// When `stop_when` stopped the document, if it did.
    pub stopped: Option<Duration>,
    held: u64,
    now: usize,
    length: Duration,
}

impl Observed {
    /// Creates empty observations for a simulation of this length.
    pub fn new(plan: &Plan, length: Duration) -> Self {
        let rules = plan.rules().iter().map(|rule| RuleCounts {
            name: rule.name.as_str().to_owned(),
            faults: rule.action.kinds().iter().map(|kind| (kind, 0)).collect(),
            ..RuleCounts::default()
        });
        Self {
            requests: 0,
            rules: rules.collect(),
            waits: Vec::new(),
            most_held: 0,
            spans: vec![Span::default(); SPANS],
            routes_refused: 0,
            stopped: None,
            held: 0,
            now: 0,
            length,
        }
    }

    /// Counts a request that arrives at this time.
    pub fn arrived(&mut self, now: Duration) {
        self.requests += 1;
        let place = now.as_secs_f64() / self.length.as_secs_f64() * SPANS as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is cut to the spans")]
        let place = place as usize;
        self.now = place.min(SPANS - 1);
        let held = self.held;
        let span = &mut self.spans[self.now];
        span.requests += 1;
        span.held = span.held.max(held);
    }

    /// Records the end of an exchange and its duration, with a backend that answers at once.
    pub fn finished(&mut self, after: Duration) {
        if !after.is_zero() {
            self.waits.push(after);
        }
    }

    /// Something has happened, to this request if it is one that has just come.
    pub fn event(
        &mut self,
        event: &Event,
        plan: &Plan,
        request: Option<&dyn RequestView>,
        clock: &dyn Clock,
    ) {
        match event {
            Event::Matched(rule) => self.matched(*rule, plan, request, clock),
            Event::Injected(rule) => {
                self.of(*rule, |counts| counts.injected += 1);
                self.spans[self.now].injected += 1;
            }
            Event::Overflow(rule) => {
                self.of(*rule, |counts| counts.overflow += 1);
                self.spans[self.now].overflow += 1;
            }
            Event::Shadowed(rule) => self.of(*rule, |counts| counts.shadowed += 1),
            Event::Fault { rule, kind } => {
                self.of(*rule, |counts| *counts.faults.entry(*kind).or_default() += 1);
            }
            Event::Activated => {
                self.held += 1;
                self.most_held = self.most_held.max(self.held);
                let span = &mut self.spans[self.now];
                span.held = span.held.max(self.held);
            }
            Event::Released => self.held = self.held.saturating_sub(1),
            Event::RouteRefused(_) => self.routes_refused += 1,
            // A simulation always has a clock.
            Event::GaveUp | Event::CannotHold(_) => {}
            Event::Stopped(_) => self.stopped = clock.now().map(|now| now.0),
            Event::Reported { .. } | Event::Delayed(_) | Event::Unpatched(_) | Event::Expired(_) => {}
        }
    }

    fn matched(&mut self, id: RuleId, plan: &Plan, request: Option<&dyn RequestView>, clock: &dyn Clock) {
        let rule = plan.rules().get(id.0);
        self.of(id, |counts| {
            let arrived = Some(Instant::default());
            let hope = rule.zip(request).map(|(rule, request)| {
                expectation(rule, request, counts.matched, rule.level(clock, arrived).unwrap_or(0))
            });
            counts.matched += 1;
            let Some(Expectation { taken, faults }) = hope else {
                counts.expected.taken = None;
                return;
            };
            add(&mut counts.expected.taken, taken);
            for (kind, likelihood) in faults {
                add(counts.expected.faults.entry(kind).or_insert(Some(0.0)), likelihood);
            }
        });
    }

    /// Rules of routes get their places as they are met; one beyond the numbers has none.
    fn of(&mut self, rule: RuleId, change: impl FnOnce(&mut RuleCounts)) {
        if rule == RuleId::UNNUMBERED {
            return;
        }
        if self.rules.len() <= rule.0 {
            self.rules.resize_with(rule.0 + 1, RuleCounts::default);
        }
        change(&mut self.rules[rule.0]);
    }

    /// The simulation is over: sorts, and names the rules that the document does not have.
    pub fn name_rules(&mut self, name: impl Fn(RuleId) -> Option<String>) {
        self.waits.sort_unstable();
        for (place, counts) in self.rules.iter_mut().enumerate().filter(|(_, counts)| counts.name.is_empty())
        {
            counts.name = name(RuleId(place)).unwrap_or_default();
        }
    }

    /// A sum over all rules.
    pub fn sum(&self, part: impl Fn(&RuleCounts) -> u64) -> u64 {
        self.rules.iter().map(part).sum()
    }
}

fn add(sum: &mut Option<f64>, likelihood: Option<f64>) {
    *sum = sum.zip(likelihood).map(|(sum, likelihood)| sum + likelihood);
}
