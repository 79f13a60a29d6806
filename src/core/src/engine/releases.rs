//! The engine's work when a wait is over.

use super::Engine;
use crate::body::Due;
use crate::effect::{End, Ending};
use crate::engine::exchange::{AnswerHeld, Exchange, Held, Stage};
use crate::entropy::Entropy;
use crate::id::{Direction, ExchangeId};
use crate::step::Release;
use crate::time::Instant;

impl<E: Entropy> Engine<E> {
    /// Returns the next exchange whose wait is over, and what to do with it. Call it until there is none, or as often
    /// as the host can handle in one tick.
    pub fn next_due(&mut self, now: Instant) -> Option<(ExchangeId, Release)> {
        self.next_due_beside(now, &[])
    }

    /// Does the same, but stops when the next one due is in `released`.
    pub fn next_due_beside(
        &mut self,
        now: Instant,
        released: &[ExchangeId],
    ) -> Option<(ExchangeId, Release)> {
        self.allowance.renew(now);
        loop {
            let (due, id, direction) = *self.deadlines.first()?;
            if due > now || released.contains(&id) {
                return None;
            }
            self.deadlines.pop_first();
            let Some(mut exchange) = self.exchanges.remove(id.0) else {
                debug_assert!(false, "{id:?} has a deadline and is not there");
                continue;
            };
            if let Some(known) = exchange.deadlines.get_mut(direction as usize) {
                *known = None;
            }
            if let Some(release) = self.release(id, exchange, direction, now) {
                return Some((id, release));
            }
        }
    }

    fn release(
        &mut self,
        id: ExchangeId,
        mut exchange: Exchange,
        direction: Direction,
        now: Instant,
    ) -> Option<Release> {
        match (direction, core::mem::replace(&mut exchange.stage, Stage::Answered(None))) {
            (Direction::Request, Stage::Held(held)) => Some(self.release_request(id, exchange, held)),
            (Direction::Response, Stage::AnswerHeld(held)) => Some(self.release_answer(id, exchange, held)),
            (_, stage) => {
                exchange.stage = stage;
                let due = exchange.body(direction).and_then(|body| body.next_due(now));
                if due == Some(Due::Reset) {
                    self.forget(id, exchange);
                } else {
                    self.keep(id, exchange);
                }
                due.map(|due| match due {
                    Due::Resume => Release::Resume(direction),
                    Due::Emit(bytes) => Release::Emit(direction, bytes),
                    Due::Reset => Release::Reset,
                })
            }
        }
    }

    fn release_request(&mut self, id: ExchangeId, mut exchange: Exchange, held: Held) -> Release {
        let Held { end, ahead, .. } = held;
        let Some(Ending { begins, how }) = end else {
            exchange.stage = Stage::Forwarded(ahead);
            self.keep(id, exchange);
            return Release::Resume(Direction::Request);
        };
        if let Some(kind) = begins {
            self.begun(&mut exchange.cause, [kind].into_iter().collect());
            self.report(&exchange.cause);
        }
        let release = match how {
            End::Reply(reply) => Release::Reply(Direction::Request, self.marked(reply, &exchange.cause)),
            End::Reset => Release::Reset,
        };
        self.forget(id, exchange);
        release
    }

    fn release_answer(&mut self, id: ExchangeId, mut exchange: Exchange, held: AnswerHeld) -> Release {
        match held.end {
            Some(end) => {
                self.forget(id, exchange);
                match end {
                    End::Reply(reply) => Release::Reply(Direction::Response, reply),
                    End::Reset => Release::Reset,
                }
            }
            None => {
                exchange.stage = Stage::Answered(held.body);
                self.keep(id, exchange);
                Release::Resume(Direction::Response)
            }
        }
    }
}
