//! The engine of one worker: a plan, the exchanges that its rules have taken, and when each is due.

use crate::activation::Circumstances;
use crate::document::Mode;
use crate::entropy::Entropy;
use crate::exchange::{Cause, Exchange, Held, Released};
use crate::limits::Places;
use crate::names::Names;
use crate::plan::{Plan, RuleId};
use crate::route::{self, RouteCache};
use crate::rules::{Decision, RuleSet};
use crate::step::{
    EVIDENCE_HEADER, Event, ExchangeId, LocalReply, Release, RequestStep, ResponseStep, evidence,
};
use crate::tally::{LocalTally, Tally};
use crate::time::{Clock, Instant, Readings};
use crate::view::RequestView;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::rc::Rc;
use core::time::Duration;

/// Decides about the exchanges of one worker under one plan. It keeps only those that a rule has taken.
#[derive(Debug)]
pub struct Engine<E> {
    plan: Plan,
    names: Names,
    routes: RouteCache,
    entropy: E,
    tally: Box<dyn Tally>,
    arrived: Option<Instant>,
    exchanges: BTreeMap<ExchangeId, Exchange>,
    deadlines: BTreeSet<(Instant, ExchangeId)>,
    events: VecDeque<Event>,
    /// The scope of limits for all rules together.
    everything: Rc<str>,
}

impl<E: Entropy> Engine<E> {
    /// An engine that follows `plan`, and counts for itself alone.
    pub fn new(plan: Plan, entropy: E) -> Self {
        Self {
            names: Names::new(&plan),
            plan,
            routes: RouteCache::default(),
            entropy,
            tally: Box::<LocalTally>::default(),
            arrived: None,
            exchanges: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
            everything: "".into(),
        }
    }

    /// The same with a tally that others share.
    #[must_use]
    pub fn with_tally(self, tally: Box<dyn Tally>) -> Self {
        Self { tally, ..self }
    }

    /// Says when the plan arrived. Without it, no rule is live that counts time from there.
    #[must_use]
    pub fn arrived(self, arrived: Option<Instant>) -> Self {
        Self { arrived, ..self }
    }

    /// Follows another plan from now on. Exchanges that are held finish as they began.
    pub fn follow(&mut self, plan: Plan, tally: Box<dyn Tally>, arrived: Option<Instant>) {
        self.names = Names::new(&plan);
        self.plan = plan;
        self.routes = RouteCache::default();
        self.tally = tally;
        self.arrived = arrived;
    }

    /// What it follows.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The headers of a request have arrived. The clock is read only if a decision depends on it.
    pub fn on_request_headers(
        &mut self,
        id: ExchangeId,
        request: &dyn RequestView,
        clock: &dyn Clock,
    ) -> RequestStep {
        if self.plan.is_idle() {
            return RequestStep::Continue;
        }
        let readings = Readings::of(clock);
        match self.decide(request, &readings) {
            Some(decision) if !decision.kinds.is_empty() => self.begin(id, decision, &readings),
            _ => RequestStep::Continue,
        }
    }

    fn decide(&mut self, request: &dyn RequestView, clock: &dyn Clock) -> Option<Decision> {
        let text = if self.plan.reads_routes() { route::text(request) } else { None };
        let of_route = match text {
            Some(text) => Some(self.rules_of_route(&text, request)?),
            None => None,
        };
        let (plan, events) = (&self.plan, &mut self.events);
        let rules = of_route.as_deref().unwrap_or_else(|| plan.live_rules());
        let mut around = Circumstances {
            entropy: &mut self.entropy,
            clock,
            arrived: self.arrived,
            tally: self.tally.as_mut(),
        };
        let mut matched = |rule| events.push_back(Event::Matched(rule));
        rules.decide(request, &mut around, &|request| plan.excludes(request), &mut matched)
    }

    /// The rules in a route's text; `None` if it is wrong, and then the plan's own rules do not count either.
    fn rules_of_route(&mut self, text: &[u8], request: &dyn RequestView) -> Option<Rc<RuleSet>> {
        let names = &mut self.names;
        let number = |_: usize, rule: &crate::document::Rule| names.number(&rule.name.shared());
        let looked = self.routes.look_up(text, self.plan.mode(), request, number);
        if looked.rules.is_none() {
            self.events.push_back(Event::RouteRefused(looked.mistakes));
        }
        looked.rules
    }

    fn begin(&mut self, id: ExchangeId, decision: Decision, clock: &dyn Clock) -> RequestStep {
        let Decision { rule, name, max_active_faults, mode, effects, kinds } = decision;
        if mode != Mode::Inject {
            self.events.push_back(Event::Shadowed(rule));
            return RequestStep::Continue;
        }
        let limits = [(&name, max_active_faults), (&self.everything, self.plan.max_active_faults())];
        let Some(places) = Places::take(limits, self.tally.as_mut()) else {
            self.events.push_back(Event::Overflow(rule));
            return RequestStep::Continue;
        };
        let cause = Cause { rule, name, kinds };
        let end = effects.end.map(|(kind, reply)| (kind, self.marked(reply, &cause)));
        match (effects.hold, end) {
            (Some(hold), end) => match clock.now() {
                Some(now) => self.hold(id, hold, Held { due: now.after(hold), cause, end, places }),
                None => {
                    places.give_back(self.tally.as_mut());
                    RequestStep::Continue
                }
            },
            (None, end) => {
                places.give_back(self.tally.as_mut());
                let Some((kind, reply)) = end else { return RequestStep::Continue };
                self.events.extend([Event::Injected(rule), Event::Fault { rule, kind }]);
                self.report(&cause, None);
                RequestStep::Reply(reply)
            }
        }
    }

    fn hold(&mut self, id: ExchangeId, hold: Duration, held: Held) -> RequestStep {
        let so_far = held.suffered();
        let rule = so_far.rule;
        self.events.push_back(Event::Injected(rule));
        self.events.extend(so_far.kinds.iter().map(|kind| Event::Fault { rule, kind }));
        self.events.extend([Event::Delayed(hold), Event::Activated]);
        self.report(&so_far, Some(hold));
        self.deadlines.insert((held.due, id));
        self.exchanges.insert(id, Exchange::Held(held));
        RequestStep::Hold
    }

    fn report(&mut self, cause: &Cause, delay: Option<Duration>) {
        if self.plan.reports_in_filter_state() {
            let rule = Rc::clone(&cause.name);
            self.events.push_back(Event::Reported { rule, kinds: cause.kinds, delay });
        }
    }

    fn marked(&self, mut reply: LocalReply, cause: &Cause) -> LocalReply {
        if self.plan.reports_in_header() {
            reply.headers.push((EVIDENCE_HEADER.into(), evidence(&cause.name, cause.kinds)));
        }
        reply
    }

    /// Whether the exchange's request is being held.
    pub fn holds(&self, id: ExchangeId) -> bool {
        matches!(self.exchanges.get(&id), Some(Exchange::Held(_)))
    }

    /// When [`Self::next_due`] wants to be asked again: never, if nothing waits.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.first().map(|(due, _)| *due)
    }

    /// The next exchange whose wait is over, and what to do with it. Ask until there is none, or as often as the host
    /// can bear in one turn.
    pub fn next_due(&mut self, now: Instant) -> Option<(ExchangeId, Release)> {
        loop {
            let (due, id) = *self.deadlines.first()?;
            if due > now {
                return None;
            }
            self.deadlines.pop_first();
            match self.exchanges.remove(&id) {
                Some(Exchange::Held(held)) => return Some((id, self.release(id, held))),
                // A deadline stands only for an exchange that waits; anything else is put back as it was.
                Some(other) => {
                    debug_assert!(false, "{id:?} has a deadline and does not wait");
                    self.exchanges.insert(id, other);
                }
                None => debug_assert!(false, "{id:?} has a deadline and is not there"),
            }
        }
    }

    fn release(&mut self, id: ExchangeId, held: Held) -> Release {
        let Released { release, begun, cause, places } = held.release();
        places.give_back(self.tally.as_mut());
        if let Some(kind) = begun {
            self.events.push_back(Event::Fault { rule: cause.rule, kind });
            self.report(&cause, None);
        }
        self.events.push_back(Event::Released);
        if release == Release::Resume && self.plan.reports_in_header() {
            self.exchanges.insert(id, Exchange::Forwarded(cause));
        }
        release
    }

    /// The headers of a response have arrived: the backend's, or a reply of the proxy itself.
    pub fn on_response_headers(&mut self, id: ExchangeId) -> ResponseStep {
        let cause = match self.exchanges.remove(&id) {
            None => return ResponseStep::Continue,
            Some(Exchange::Forwarded(cause)) => cause,
            // The proxy answers by itself while the request waits here: the stream's idle timeout, say.
            Some(Exchange::Held(held)) => {
                let so_far = held.suffered();
                self.forget(id, held);
                so_far
            }
        };
        if self.plan.reports_in_header() {
            ResponseStep::Mark(evidence(&cause.name, cause.kinds))
        } else {
            ResponseStep::Continue
        }
    }

    /// The exchange is over, for whatever reason. To say it twice, or of an exchange unknown, does no harm.
    pub fn end(&mut self, id: ExchangeId) {
        if let Some(Exchange::Held(held)) = self.exchanges.remove(&id) {
            self.forget(id, held);
        }
    }

    fn forget(&mut self, id: ExchangeId, held: Held) {
        self.deadlines.remove(&(held.due, id));
        held.places.give_back(self.tally.as_mut());
        self.events.push_back(Event::Released);
    }

    /// What has happened since it was last asked, one thing at a time.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// How many exchanges are being held.
    pub fn active(&self) -> usize {
        self.deadlines.len()
    }

    /// A rule's name, for rules of the document and of routes.
    pub fn rule_name(&self, rule: RuleId) -> Option<&str> {
        self.names.name(rule)
    }
}
