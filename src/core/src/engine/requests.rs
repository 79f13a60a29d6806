//! The engine's work on a request when its headers arrive.

use super::Engine;
use crate::body::Body;
use crate::document::mode::{Mode, Placement};
use crate::effect::{Effects, End, Ending};
use crate::engine::event::Event;
use crate::engine::exchange::{Ahead, Cause, Exchange, Held, Stage};
use crate::entropy::Entropy;
use crate::fault::Begins;
use crate::id::ExchangeId;
use crate::id::RuleId;
use crate::kind::{Kind, Kinds};
use crate::limit::allowance::{Places, Scopes, Wish};
use crate::limit::tally::Account;
use crate::plan::activation::Circumstances;
use crate::plan::route;
use crate::plan::rules::{Decision, RuleSet};
use crate::step::{HeadersStep, LocalReply};
use crate::time::{Clock, Readings};
use crate::view::RequestView;
use alloc::rc::Rc;
use alloc::vec::Vec;

impl<E: Entropy> Engine<E> {
    /// Handles the headers of a request. The clock is read only if a decision depends on it.
    pub fn on_request_headers(
        &mut self,
        id: ExchangeId,
        request: &dyn RequestView,
        clock: &dyn Clock,
    ) -> HeadersStep {
        if self.plan.is_idle() || self.has_stopped() {
            return HeadersStep::Continue;
        }
        let readings = Readings::of(clock);
        if self.counts_requests {
            self.allowance.see(&readings);
        }
        match self.decide(request, &readings) {
            Some(decision) => self.begin(id, decision, &readings),
            None => HeadersStep::Continue,
        }
    }

    fn decide(&mut self, request: &dyn RequestView, clock: &dyn Clock) -> Option<Decision> {
        let text = if self.plan.reads_routes() { route::text(request) } else { None };
        let (mut of_route, mut life) = (None, None);
        if let Some((text, name)) = text {
            let (rules, hash) = self.rules_of_route(&text, request)?;
            life = Some(if rules.have_a_life() {
                let name = request.property(name).unwrap_or_default();
                self.routes.life(hash, &name, self.allowance.tally(), clock)
            } else {
                self.routes.no_life()
            });
            of_route = Some(rules);
        }
        let (plan, events) = (&self.plan, &mut self.events);
        let rules = of_route.as_deref().unwrap_or_else(|| plan.live_rules());
        let mut around = Circumstances {
            entropy: &mut self.entropy,
            clock,
            arrived: life.as_ref().map_or(self.arrived, |life| life.begun),
            tally: self.allowance.tally(),
            life: life.as_deref(),
        };
        let mut gave_up = false;
        let mut matched = |rule: Option<RuleId>| match rule {
            Some(rule) => events.push_back(Event::Matched(rule)),
            None if core::mem::replace(&mut gave_up, true) => {}
            None => events.push_back(Event::GaveUp),
        };
        rules.decide(request, &mut around, &|request| plan.excludes(request), &mut matched)
    }

    /// Returns the rules in a route's text; `None` if it is invalid, and then the plan's own rules do not apply either.
    fn rules_of_route(&mut self, text: &[u8], request: &dyn RequestView) -> Option<(Rc<RuleSet>, u64)> {
        let names = &mut self.names;
        let number = |_: usize, rule: &crate::document::rule::Rule| names.number(&rule.name.shared());
        let looked = self.routes.look_up(text, self.plan.mode(), request, number);
        match &looked.rules {
            Some(rules) => self.counts_requests |= rules.limit_share(),
            None => self.events.push_back(Event::RouteRefused(looked.mistakes)),
        }
        Some((looked.rules?, looked.hash))
    }

    fn begin(&mut self, id: ExchangeId, decision: Decision, clock: &dyn Clock) -> HeadersStep {
        let Decision { rule, name, scope, limits, mode, effects, kinds } = decision;
        if effects.unpatched {
            self.events.push_back(Event::Unpatched(rule));
        }
        if kinds.is_empty() || !self.may_inject(clock) {
            return HeadersStep::Continue;
        }
        // Without a clock, a held exchange would never be released.
        let has_end = effects.hold().is_none() || clock.now().is_some();
        if effects.may_last() && !(has_end && self.can_hold) {
            self.events.push_back(Event::CannotHold(rule));
            return HeadersStep::Continue;
        }
        let shadow = mode != Mode::Inject;
        let waits = waits_for_the_response(&effects, kinds);
        let scopes = [(scope, limits), (self.allowance.everything(), self.plan.limits())];
        let wish = Wish { room: true, place: effects.may_last() && !shadow, fault: !waits };
        let Some(places) = self.allowance.take(account(shadow), wish, &scopes, clock) else {
            self.events.push_back(Event::Overflow(rule));
            return HeadersStep::Continue;
        };
        let (cause, unspent) = (Cause::new(id, rule, name), waits.then_some(scopes));
        if shadow {
            self.shadow(id, cause, effects, unspent);
            return HeadersStep::Continue;
        }
        self.act(id, cause, effects, kinds, Granted { places, unspent }, clock)
    }

    /// Counts what would have happened: at once, or when the response decides it.
    fn shadow(&mut self, id: ExchangeId, cause: Cause, effects: Effects, unspent: Option<Scopes>) {
        if unspent.is_none() {
            self.events.push_back(Event::Shadowed(cause.rule));
            return;
        }
        let ahead = Ahead { answer: effects.response, shadow: true, unspent, ..Ahead::default() };
        self.keep(id, Exchange::new(cause, Stage::Forwarded(ahead)));
    }

    /// Returns whether the limits allow a fault that only the response has decided on.
    pub(super) fn may_begin(&mut self, scopes: &Scopes, shadow: bool, clock: &dyn Clock) -> bool {
        let wish = Wish { room: false, place: false, fault: true };
        self.allowance.take(account(shadow), wish, scopes, clock).is_some()
    }

    fn act(
        &mut self,
        id: ExchangeId,
        mut cause: Cause,
        mut effects: Effects,
        kinds: Kinds,
        granted: Granted,
        clock: &dyn Clock,
    ) -> HeadersStep {
        let Granted { places, unspent } = granted;
        let hold = effects.hold();
        let reply = self.reply_upstream(&mut effects);
        let due = match hold.map(|hold| clock.now().map(|now| now.after(hold))) {
            // Without a clock nothing is held, and nothing else happens either.
            Some(None) => {
                self.allowance.give_back(places);
                return HeadersStep::Continue;
            }
            due => due.flatten(),
        };
        if unspent.is_none() {
            self.inject(&mut cause);
        }
        let mut kinds = beginning(&effects, kinds);
        if let Some((Some(begins), _)) = &reply {
            kinds.remove(*begins);
        }
        self.begun(&mut cause, kinds);
        if let Some(delay) = effects.delay {
            self.delayed(&mut cause, delay);
        }
        let change = effects.request.take();
        let (changes, rewrite) = change.map_or((Vec::new(), None), |change| (change.headers, change.body));
        let upload = Body::new(rewrite, None, effects.request_rate.map(|throttle| throttle.pace()));
        let ahead =
            Ahead { reply, answer: effects.response, rate: effects.response_rate, shadow: false, unspent };
        let stage = match (due, effects.end) {
            (None, Some(end)) => {
                self.allowance.give_back(places);
                self.report(&cause);
                return match end.how {
                    End::Reply(reply) => HeadersStep::Reply(self.marked(reply, &cause)),
                    End::Reset => HeadersStep::Reset,
                };
            }
            (Some(due), end) => Stage::Held(Held { due, end, ahead }),
            (None, None) => Stage::Forwarded(ahead),
        };
        let marks = self.plan.reports_in_header();
        let mut exchange = Exchange { upload, marks, ..Exchange::new(cause, stage) };
        if exchange.is_active() {
            exchange.places = Some(places);
            self.active += 1;
            self.events.push_back(Event::Activated);
        } else {
            self.allowance.give_back(places);
        }
        self.report(&exchange.cause);
        self.keep(id, exchange);
        match (due, changes.is_empty()) {
            (Some(_), _) => HeadersStep::Hold(changes),
            (None, true) => HeadersStep::Continue,
            (None, false) => HeadersStep::Forward(changes),
        }
    }

    /// Takes out the reply of an abort that must wait for the backend's response: after the router, a reply sent from
    /// here would not be retried.
    fn reply_upstream(&self, effects: &mut Effects) -> Option<(Option<Kind>, LocalReply)> {
        if self.plan.placement() != Placement::Upstream {
            return None;
        }
        match effects.end.take() {
            Some(Ending { begins, how: End::Reply(reply) }) => Some((begins, reply)),
            end => {
                effects.end = end;
                None
            }
        }
    }

    /// Adds the evidence header to a reply.
    pub(super) fn marked(&self, mut reply: LocalReply, cause: &Cause) -> LocalReply {
        reply.headers.extend(self.mark(cause));
        reply
    }
}

/// The permission that the limits gave to an exchange.
struct Granted {
    places: Places,
    /// The limits to check again when the response decides whether there is a fault.
    unspent: Option<Scopes>,
}

/// Returns the account in which faults are counted.
fn account(shadow: bool) -> Account {
    if shadow { Account::Shadows } else { Account::Faults }
}

/// Returns whether only the response decides if anything happens at all.
fn waits_for_the_response(effects: &Effects, kinds: Kinds) -> bool {
    let conditional = effects.response.as_ref().filter(|answer| answer.is_conditional());
    conditional.is_some_and(|answer| kinds.iter().all(|kind| kind == answer.begins))
}

/// Returns the faults that begin with the request: neither those of the response nor one that only ends the hold.
fn beginning(effects: &Effects, kinds: Kinds) -> Kinds {
    let ending =
        effects.end.as_ref().and_then(|end: &Ending| end.begins).filter(|_| effects.hold().is_some());
    let later = |kind: &Kind| kind.begins() == Begins::WithResponse || Some(*kind) == ending;
    kinds.iter().filter(|kind| !later(kind)).collect()
}
