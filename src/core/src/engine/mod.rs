//! The engine of one worker: a plan, the exchanges that its rules have taken, and when each is due.

mod answers;
mod bodies;
mod closings;
pub mod event;
pub mod exchange;
mod expiry;
pub(crate) mod names;
mod releases;
mod requests;
mod upstream;

use crate::body::kept::Memory;
use crate::engine::event::{EVIDENCE_HEADER, Event, evidence};
use crate::engine::exchange::{Cause, Exchange};
use crate::engine::names::Names;
use crate::entropy::Entropy;
use crate::id::RuleId;
use crate::id::{Direction, ExchangeId};
use crate::kind::Kinds;
use crate::limit::allowance::Allowance;
use crate::limit::holdings::Holdings;
use crate::limit::tally::{LocalTally, Tally};
use crate::plan::Plan;
use crate::plan::route::RouteCache;
use crate::stop::Watch;
use crate::table::Table;
use crate::time::Instant;
use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use expiry::Expiry;

/// Decides about the exchanges of one worker under one plan. It stores only those that a rule has taken.
#[derive(Debug)]
pub struct Engine<E> {
    plan: Plan,
    names: Names,
    routes: RouteCache,
    entropy: E,
    allowance: Allowance,
    arrived: Option<Instant>,
    exchanges: Table<Exchange>,
    deadlines: BTreeSet<(Instant, ExchangeId, Direction)>,
    /// The number of exchanges held or slowed down.
    active: usize,
    memory: Memory,
    events: VecDeque<Event>,
    /// True if all requests are counted because a limit is a share of them.
    counts_requests: bool,
    /// Watches how exchanges end, if the plan has `stop_when`.
    watch: Option<Watch>,
    expiry: Option<Expiry>,
    /// True if the host calls back to release what is held.
    can_hold: bool,
}

impl<E: Entropy> Engine<E> {
    /// Creates an engine that follows `plan` and counts for itself alone.
    pub fn new(plan: Plan, entropy: E) -> Self {
        Self::counting(plan, entropy, Box::<LocalTally>::default())
    }

    /// Creates an engine that follows `plan` and counts in `tally`.
    pub fn counting(plan: Plan, entropy: E, tally: Box<dyn Tally>) -> Self {
        Self {
            names: Names::new(&plan),
            counts_requests: limits_share(&plan),
            watch: closings::watch(&plan),
            expiry: Expiry::of(&plan),
            plan,
            routes: RouteCache::default(),
            entropy,
            allowance: Allowance::new(tally, Holdings::default()),
            arrived: None,
            exchanges: Table::new(),
            deadlines: BTreeSet::new(),
            active: 0,
            memory: Memory::default(),
            events: VecDeque::new(),
            can_hold: true,
        }
    }

    /// Sets whether the host calls back for exchanges that are held or slowed down. If not, no fault starts that needs
    /// it.
    pub fn set_can_hold(&mut self, can_hold: bool) {
        self.can_hold = can_hold;
    }

    /// Returns whether the host calls back.
    pub fn can_hold(&self) -> bool {
        self.can_hold
    }

    /// Replaces the tally with one that others share.
    #[must_use]
    pub fn with_tally(self, tally: Box<dyn Tally>) -> Self {
        let allowance = Allowance::new(tally, self.allowance.held().clone());
        Self { allowance, ..self }
    }

    /// Sets when the plan arrived. Without it, rules that count time from then are not live.
    #[must_use]
    pub fn arrived(self, arrived: Option<Instant>) -> Self {
        Self { arrived, ..self }
    }

    /// Returns the account of what it holds.
    pub fn held(&self) -> &Holdings {
        self.allowance.held()
    }

    /// Switches to another plan. Exchanges that are held finish under the old one, and keep their places if the new one
    /// holds on the same account.
    pub fn follow(&mut self, plan: Plan, tally: Box<dyn Tally>, held: Holdings, arrived: Option<Instant>) {
        if !held.is(self.allowance.held()) {
            for places in self.exchanges.values_mut().filter_map(|exchange| exchange.places.as_mut()) {
                self.allowance.give_back(core::mem::take(places));
            }
        }
        held.forget_names();
        let limits_held = limit_held(&plan);
        if limits_held {
            self.count_held();
        }
        self.names = Names::new(&plan);
        self.counts_requests = limits_share(&plan);
        self.watch = closings::watch(&plan);
        self.expiry = Expiry::of(&plan);
        self.plan = plan;
        self.routes = RouteCache::default();
        self.allowance = Allowance::new(tally, held);
        self.arrived = arrived;
        if let Some(now) = arrived.filter(|_| limits_held) {
            self.allowance.tell_held(now);
        }
    }

    /// Counts what is held here under no limit, because a document arrives that has one.
    pub fn count_held(&mut self) {
        for exchange in self.exchanges.values_mut() {
            if let Some(places) = &mut exchange.places {
                self.allowance.count(places, &exchange.cause.name);
            }
        }
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Puts an exchange back if there is something left to do.
    fn keep(&mut self, id: ExchangeId, mut exchange: Exchange) {
        self.schedule(id, &mut exchange);
        if !exchange.is_active() {
            self.give_back(&mut exchange);
        }
        if !exchange.is_over() {
            self.exchanges.insert(id.0, exchange);
        }
    }

    /// Drops an exchange that has been taken out of the map.
    fn forget(&mut self, id: ExchangeId, mut exchange: Exchange) {
        for (direction, due) in [Direction::Request, Direction::Response].into_iter().zip(exchange.deadlines)
        {
            due.map(|due| self.deadlines.remove(&(due, id, direction)));
        }
        self.give_back(&mut exchange);
    }

    fn schedule(&mut self, id: ExchangeId, exchange: &mut Exchange) {
        for direction in [Direction::Request, Direction::Response] {
            let due = exchange.due(direction);
            let Some(known) = exchange.deadlines.get_mut(direction as usize) else { continue };
            if *known != due {
                known.map(|known| self.deadlines.remove(&(known, id, direction)));
                due.map(|due| self.deadlines.insert((due, id, direction)));
                *known = due;
            }
        }
    }

    fn give_back(&mut self, exchange: &mut Exchange) {
        if let Some(places) = exchange.places.take() {
            self.allowance.give_back(places);
            self.active -= 1;
            self.events.push_back(Event::Released);
        }
    }

    /// Counts, once per exchange, that a rule acts on it.
    fn inject(&mut self, cause: &mut Cause) {
        if !core::mem::replace(&mut cause.injected, true) {
            if let Some(watch) = &mut self.watch {
                watch.injected(cause.exchange);
            }
            self.events.push_back(Event::Injected(cause.rule));
        }
    }

    /// Reports that these faults begin, and the injection itself if they are the first.
    fn begun(&mut self, cause: &mut Cause, kinds: Kinds) {
        if kinds.is_empty() {
            return;
        }
        self.inject(cause);
        let rule = cause.rule;
        self.events.extend(kinds.iter().map(|kind| Event::Fault { rule, kind }));
        cause.kinds.extend(kinds);
    }

    /// Reports the faults so far for access logs.
    fn report(&mut self, cause: &Cause) {
        if self.plan.reports_in_filter_state() && !cause.kinds.is_empty() {
            let (rule, delay) = (Rc::clone(&cause.name), cause.delay);
            let delay = (!delay.is_zero()).then_some(delay);
            self.events.push_back(Event::Reported { rule, kinds: cause.kinds, delay });
        }
    }

    /// Adds a delay to the exchange's total, and reports it.
    fn delayed(&mut self, cause: &mut Cause, delay: Duration) {
        cause.delay = cause.delay.saturating_add(delay);
        self.events.push_back(Event::Delayed(delay));
    }

    /// Returns the header that names the faults of an exchange.
    fn mark(&self, cause: &Cause) -> Option<(String, Vec<u8>)> {
        let marks = self.plan.reports_in_header() && !cause.kinds.is_empty();
        marks.then(|| (EVIDENCE_HEADER.into(), evidence(&cause.name, cause.kinds).into()))
    }

    /// Returns whether the engine still needs callbacks for this exchange: a rule has taken it and it is not over, or
    /// all exchanges are watched.
    pub fn knows(&self, id: ExchangeId) -> bool {
        self.exchanges.contains(id.0) || self.watches()
    }

    /// Returns whether the exchange's request is held.
    pub fn holds(&self, id: ExchangeId) -> bool {
        self.exchanges.get(id.0).is_some_and(|exchange| exchange.holds(Direction::Request))
    }

    /// Returns whether anything waits to be released.
    pub fn has_deadlines(&self) -> bool {
        !self.deadlines.is_empty()
    }

    /// Drops an exchange whose last step the host could not carry out, and retracts the events of that step. Call it
    /// before fetching them.
    pub fn give_up(&mut self, id: ExchangeId) {
        let Some(rule) = self.exchanges.get(id.0).map(|exchange| exchange.cause.rule) else { return };
        self.end(id);
        self.allowance.take_back();
        self.events.retain(|event| {
            !matches!(
                event,
                Event::Injected(_) | Event::Fault { .. } | Event::Delayed(_) | Event::Reported { .. }
            )
        });
        self.events.push_back(Event::CannotHold(rule));
    }

    /// Returns when [`Self::next_due`], [`Self::tell_others`] and [`Self::look_at_clock`] are due next: `None` if
    /// nothing is waiting.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let due = self.deadlines.first().map(|(due, ..)| *due);
        let tell = self.watch.as_ref().and_then(Watch::due);
        let look = self.expiry.as_ref().and_then(Expiry::due);
        due.into_iter().chain(self.allowance.renewal()).chain(tell).chain(look).min()
    }

    /// Ends an exchange, for whatever reason. Ending one twice, or an unknown one, is harmless.
    pub fn end(&mut self, id: ExchangeId) {
        if let Some(exchange) = self.exchanges.remove(id.0) {
            self.forget(id, exchange);
        }
    }

    /// Returns the next event, if there is one.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Returns the number of exchanges held or slowed down.
    pub fn active(&self) -> usize {
        self.active
    }

    /// Returns the number of body bytes kept.
    pub fn kept_bytes(&self) -> usize {
        self.memory.used()
    }

    /// Returns the name of a rule of the document or of a route.
    pub fn rule_name(&self, rule: RuleId) -> Option<&str> {
        self.names.name(rule)
    }
}

/// Returns whether a limit depends on what is held.
pub fn limit_held(plan: &Plan) -> bool {
    let rules = plan.rules().iter().map(|rule| rule.limits);
    rules.chain([plan.limits()]).flatten().any(|limits| limits.max_active_faults.is_some())
}

fn limits_share(plan: &Plan) -> bool {
    plan.limits().is_some_and(|limits| limits.limit_share()) || plan.live_rules().limit_share()
}
