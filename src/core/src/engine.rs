//! The engine of one worker: a plan, the exchanges that its rules have taken, and when each is due.

use crate::document::Mode;
use crate::entropy::Entropy;
use crate::exchange::{Cause, Exchange, Held};
use crate::plan::{Decision, Plan, RuleId};
use crate::step::{
    EVIDENCE_HEADER, Event, ExchangeId, LocalReply, Release, RequestStep, ResponseStep, evidence,
};
use crate::time::{Clock, Instant};
use crate::view::RequestView;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};

/// Decides about the exchanges of one worker under one plan. It keeps only those that a rule has taken.
#[derive(Debug)]
pub struct Engine<E> {
    plan: Plan,
    entropy: E,
    exchanges: BTreeMap<ExchangeId, Exchange>,
    deadlines: BTreeSet<(Instant, ExchangeId)>,
    events: VecDeque<Event>,
}

impl<E: Entropy> Engine<E> {
    /// An engine that follows `plan`.
    pub fn new(plan: Plan, entropy: E) -> Self {
        Self {
            plan,
            entropy,
            exchanges: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
        }
    }

    /// What it follows.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The headers of a request have arrived. The clock is read only if a rule takes the request.
    pub fn on_request_headers(
        &mut self,
        id: ExchangeId,
        request: &dyn RequestView,
        clock: &dyn Clock,
    ) -> RequestStep {
        if self.plan.is_idle() {
            return RequestStep::Continue;
        }
        let events = &mut self.events;
        let mut matched = |rule| events.push_back(Event::Matched(rule));
        match self.plan.decide(request, &mut self.entropy, &mut matched) {
            Some(decision) if !decision.kinds.is_empty() => self.begin(id, decision, clock),
            _ => RequestStep::Continue,
        }
    }

    fn begin(&mut self, id: ExchangeId, decision: Decision, clock: &dyn Clock) -> RequestStep {
        let Decision { rule, mode, effects, kinds } = decision;
        if mode != Mode::Inject {
            self.events.push_back(Event::Shadowed(rule));
            return RequestStep::Continue;
        }
        let cause = Cause { rule, kinds };
        let end = effects.end.map(|(kind, reply)| (kind, self.marked(reply, cause)));
        match (effects.hold, end) {
            (Some(hold), end) => {
                let Some(now) = clock.now() else { return RequestStep::Continue };
                let due = now.after(hold);
                self.events.push_back(Event::Injected(rule));
                let ending = end.as_ref().map(|(kind, _)| *kind);
                for kind in kinds.iter().filter(|kind| Some(*kind) != ending) {
                    self.events.push_back(Event::Fault { rule, kind });
                }
                self.events.extend([Event::Delayed(hold), Event::Activated]);
                self.deadlines.insert((due, id));
                self.exchanges.insert(id, Exchange::Held(Held { due, cause, end }));
                RequestStep::Hold
            }
            (None, Some((kind, reply))) => {
                self.events.extend([Event::Injected(rule), Event::Fault { rule, kind }]);
                RequestStep::Reply(reply)
            }
            (None, None) => RequestStep::Continue,
        }
    }

    fn marked(&self, mut reply: LocalReply, cause: Cause) -> LocalReply {
        reply.headers.push((EVIDENCE_HEADER.into(), self.evidence(cause)));
        reply
    }

    fn evidence(&self, cause: Cause) -> alloc::string::String {
        evidence(self.plan.rule_name(cause.rule), cause.kinds)
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
        let rule = held.cause.rule;
        let (release, rest, begun) = held.release();
        self.events.extend(begun.map(|kind| Event::Fault { rule, kind }));
        self.events.push_back(Event::Released);
        if let Some(exchange) = rest {
            self.exchanges.insert(id, exchange);
        }
        release
    }

    /// The headers of a response have arrived: the backend's, or a reply of the proxy itself.
    pub fn on_response_headers(&mut self, id: ExchangeId) -> ResponseStep {
        match self.exchanges.remove(&id) {
            Some(Exchange::Forwarded(cause)) => ResponseStep::Mark(self.evidence(cause)),
            // The proxy answers by itself while the request waits here: the stream's idle timeout, say.
            Some(Exchange::Held(held)) => {
                let cause = held.suffered();
                self.forget(id, held);
                ResponseStep::Mark(self.evidence(cause))
            }
            None => ResponseStep::Continue,
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

    /// A rule's name.
    pub fn rule_name(&self, rule: RuleId) -> &str {
        self.plan.rule_name(rule)
    }
}
