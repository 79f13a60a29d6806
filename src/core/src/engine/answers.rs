//! The engine's work on a response when its headers arrive.

use super::{Engine, upstream};
use crate::body::Body;
use crate::effect::answer::NewResponse;
use crate::effect::{End, Throttle};
use crate::engine::event::Event;
use crate::engine::exchange::{Ahead, AnswerHeld, Exchange, Stage};
use crate::entropy::Entropy;
use crate::id::ExchangeId;
use crate::kind::{Kind, Kinds};
use crate::step::{HeaderChange, HeadersStep, LocalReply};
use crate::time::{Clock, Instant};
use crate::view::ResponseView;
use alloc::vec::Vec;

/// The status of a response that grants an upgrade (RFC 9110, section 15.2.2).
const SWITCHING_PROTOCOLS: u16 = 101;

impl<E: Entropy> Engine<E> {
    /// Handles the headers of a response: the backend's, or a reply of the proxy itself.
    pub fn on_response_headers(
        &mut self,
        id: ExchangeId,
        response: &dyn ResponseView,
        clock: &dyn Clock,
    ) -> HeadersStep {
        if let Some(watch) = &mut self.watch {
            watch.begun(id, response);
        }
        let Some(mut exchange) = self.exchanges.remove(id.0) else { return HeadersStep::Continue };
        self.allowance.settle();
        match core::mem::replace(&mut exchange.stage, Stage::Answered(None)) {
            Stage::Forwarded(ahead) => self.answer(id, exchange, ahead, response, clock),
            // The proxy itself replies while the request is held here, on a stream idle timeout for example.
            Stage::Held(_) => {
                let step = self.forward(&exchange, Vec::new());
                self.forget(id, exchange);
                step
            }
            // The proxy itself replies while the response is held here.
            Stage::AnswerHeld(_) | Stage::Answered(_) => {
                self.forget(id, exchange);
                HeadersStep::Continue
            }
        }
    }

    fn answer(
        &mut self,
        id: ExchangeId,
        mut exchange: Exchange,
        ahead: Ahead,
        response: &dyn ResponseView,
        clock: &dyn Clock,
    ) -> HeadersStep {
        if ahead.is_empty() && exchange.upload.is_none() {
            // All that is left is to add the evidence header.
            let step = self.forward(&exchange, Vec::new());
            self.forget(id, exchange);
            return step;
        }
        let status = response.first_value(":status");
        let status = status.and_then(|value| core::str::from_utf8(&value).ok()?.parse().ok()).unwrap_or(0);
        if status == SWITCHING_PROTOCOLS {
            let step = self.forward(&exchange, Vec::new());
            self.leave_alone(id, exchange);
            return step;
        }
        let answer = ahead.answer.filter(|answer| answer.applies(status, response));
        if let Some((begins, reply)) = ahead.reply {
            return self.answer_upstream(id, exchange, begins, &reply, response);
        }
        let rate = ahead.rate.filter(|_| response.has_body());
        let rate = rate.map(|throttle| Throttle {
            in_small_pieces: throttle.in_small_pieces && comes_over_http2(response),
            ..throttle
        });
        let delay = answer.as_ref().and_then(|answer| answer.delay);
        if (delay.is_some() || rate.is_some()) && !self.can_hold {
            self.events.push_back(Event::CannotHold(exchange.cause.rule));
            let step = self.forward(&exchange, Vec::new());
            self.leave_alone(id, exchange);
            return step;
        }
        let due = delay.and_then(|delay| Some(clock.now()?.after(delay)));
        let begins = answer.as_ref().map(|answer| answer.begins);
        let outcome = answer.map(|answer| answer.outcome(status, response));
        let work = Work::of(outcome, begins, rate, due.is_some());
        let (shadow, rule) = (ahead.shadow, exchange.cause.rule);
        if !work.kinds.is_empty()
            && let Some(scopes) = ahead.unspent
            && !self.may_begin(&scopes, shadow, clock)
        {
            self.events.push_back(Event::Overflow(rule));
            self.leave_alone(id, exchange);
            return HeadersStep::Continue;
        }
        if shadow {
            self.events.extend((!work.kinds.is_empty()).then_some(Event::Shadowed(rule)));
            self.forget(id, exchange);
            return HeadersStep::Continue;
        }
        if work.unpatched {
            self.events.push_back(Event::Unpatched(rule));
        }
        self.begun(&mut exchange.cause, work.kinds);
        if let (Some(_), Some(delay)) = (due, delay) {
            self.delayed(&mut exchange.cause, delay);
        }
        if !work.kinds.is_empty() {
            self.report(&exchange.cause);
        }
        self.carry_out(id, exchange, work, due)
    }

    /// Leaves the response untouched. The request's body may still be in transit, and what is held of it must go on.
    fn leave_alone(&mut self, id: ExchangeId, mut exchange: Exchange) {
        exchange.stage = Stage::Answered(None);
        self.keep(id, exchange);
    }

    /// Replaces the backend's response with an abort.
    fn answer_upstream(
        &mut self,
        id: ExchangeId,
        mut exchange: Exchange,
        begins: Option<Kind>,
        reply: &LocalReply,
        response: &dyn ResponseView,
    ) -> HeadersStep {
        let (headers, body) = upstream::in_place(reply, response);
        self.begun(&mut exchange.cause, begins.into_iter().collect());
        self.report(&exchange.cause);
        let step = self.forward(&exchange, headers);
        exchange.stage = Stage::Answered(Body::new(body, None, None));
        self.keep(id, exchange);
        step
    }

    fn carry_out(
        &mut self,
        id: ExchangeId,
        mut exchange: Exchange,
        work: Work,
        due: Option<Instant>,
    ) -> HeadersStep {
        let Work { headers, body, end, .. } = work;
        match (due, end) {
            (Some(due), end) => {
                let end = end.map(|end| self.marked_end(end, &exchange));
                let step = if end.is_some() { headers } else { self.with_mark(&exchange, headers) };
                exchange.stage = Stage::AnswerHeld(AnswerHeld { due, end, body });
                self.keep(id, exchange);
                HeadersStep::Hold(step)
            }
            (None, None) => {
                let step = self.forward(&exchange, headers);
                exchange.stage = Stage::Answered(body);
                self.keep(id, exchange);
                step
            }
            (None, Some(end)) => {
                let end = self.marked_end(end, &exchange);
                self.forget(id, exchange);
                match end {
                    End::Reply(reply) => HeadersStep::Reply(reply),
                    End::Reset => HeadersStep::Reset,
                }
            }
        }
    }

    fn marked_end(&self, end: End, exchange: &Exchange) -> End {
        match end {
            End::Reply(reply) => End::Reply(self.marked(reply, &exchange.cause)),
            End::Reset => End::Reset,
        }
    }

    fn with_mark(&self, exchange: &Exchange, mut headers: Vec<HeaderChange>) -> Vec<HeaderChange> {
        let mark = self.mark(&exchange.cause).filter(|_| exchange.marks);
        headers.extend(mark.map(|(name, value)| HeaderChange::Add(name, value)));
        headers
    }

    fn forward(&self, exchange: &Exchange, headers: Vec<HeaderChange>) -> HeadersStep {
        match self.with_mark(exchange, headers) {
            headers if headers.is_empty() => HeadersStep::Continue,
            headers => HeadersStep::Forward(headers),
        }
    }
}

/// Returns whether the backend certainly speaks HTTP/2. No property of the exchange says so, but gRPC requires it, and
/// HTTP/1.1 would need `content-length` or `transfer-encoding`.
fn comes_over_http2(response: &dyn ResponseView) -> bool {
    let told = ["content-length", "transfer-encoding"];
    response.is_grpc() && told.iter().all(|name| response.first_value(name).is_none())
}

/// Everything to be done to one response.
struct Work {
    headers: Vec<HeaderChange>,
    body: Option<Body>,
    end: Option<End>,
    /// The faults that begin with it.
    kinds: Kinds,
    unpatched: bool,
}

impl Work {
    fn of(outcome: Option<NewResponse>, begins: Option<Kind>, rate: Option<Throttle>, waits: bool) -> Self {
        let mut work =
            Self { headers: Vec::new(), body: None, end: None, kinds: Kinds::default(), unpatched: false };
        let (mut rewrite, mut cut) = (None, None);
        let changes = match outcome {
            None => false,
            Some(NewResponse::Reset) => {
                work.end = Some(End::Reset);
                true
            }
            Some(NewResponse::Reply(reply)) => {
                work.end = Some(End::Reply(reply));
                true
            }
            Some(NewResponse::Change { headers, body, cut: after, unpatched }) => {
                let changes = waits || !headers.is_empty() || body.is_some() || after.is_some();
                (work.headers, work.unpatched, rewrite, cut) = (headers, unpatched, body, after);
                changes
            }
        };
        if changes {
            work.kinds = begins.into_iter().collect();
        }
        if let Some(rate) = rate.filter(|_| work.end.is_none()) {
            work.kinds.insert(rate.begins);
            work.body = Body::new(rewrite, cut, Some(rate.pace()));
        } else if work.end.is_none() {
            work.body = Body::new(rewrite, cut, None);
        }
        work
    }
}
