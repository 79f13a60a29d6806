//! Runs the engine without a host, in simulated time: whole exchanges, or one step after the other. `simulate`, the
//! examples of `run`, scenarios, fuzzing and the core's own tests all drive it through this.

mod flow;
mod head;
mod message;
mod steps;

pub use flow::{Flow, Over};
pub use head::{Clocks, Head, Piece};
pub use message::{Message, Progress};

use crate::engine::Engine;
use crate::engine::event::Event;
use crate::entropy::Entropy;
use crate::id::{Direction, ExchangeId};
use crate::step::HeadersStep;
use crate::time::Instant;
use crate::value::timestamp::Timestamp;
use crate::view::RequestView;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// A backend's response: immediate, and always the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamResponse {
    /// The headers; `has_body` says whether the body follows.
    pub head: Head,
    pub body: Vec<u8>,
}

/// An exchange from its beginning to its end.
#[derive(Debug)]
pub struct Finished {
    pub id: ExchangeId,
    /// The time at which its request arrived.
    pub began: Instant,
    /// The time at which the headers of its response left, or it was reset.
    pub answered: Instant,
    /// The time at which it was over.
    pub ended: Instant,
    /// The end and the messages; `None` if no rule acted on it, so that everything passed unchanged.
    pub flow: Option<Flow>,
}

/// An exchange under way.
#[derive(Debug)]
struct Under {
    flow: Flow,
    began: Instant,
    answered: Option<Instant>,
    answer: Rc<UpstreamResponse>,
}

/// A proxy with one worker, in front of a backend. [`Proxy::send`] runs whole exchanges, whose messages arrive in one
/// piece.
#[derive(Debug)]
pub struct Proxy<E> {
    pub engine: Engine<E>,
    /// The clocks, which only [`Self::next_release`] and the sender advance.
    pub clocks: Clocks,
    under_way: BTreeMap<ExchangeId, Under>,
    finished: VecDeque<Finished>,
}

impl<E: Entropy> Proxy<E> {
    /// Creates a proxy at the origin of its clock.
    pub fn new(engine: Engine<E>) -> Self {
        Self { engine, clocks: Clocks::default(), under_way: BTreeMap::new(), finished: VecDeque::new() }
    }

    fn now(&self) -> Instant {
        self.clocks.monotonic.get().unwrap_or_default()
    }

    /// Sends a request with its whole body.
    pub fn send(
        &mut self,
        id: ExchangeId,
        request: &dyn RequestView,
        body: &[u8],
        answer: &Rc<UpstreamResponse>,
    ) {
        let began = self.now();
        let step = self.engine.on_request_headers(id, request, &self.clocks);
        if step == HeadersStep::Continue && !self.engine.knows(id) {
            self.finished.push_back(Finished { id, began, answered: began, ended: began, flow: None });
            return;
        }
        let mut headers = Vec::new();
        request.each_header(&mut |name, value| {
            headers.push((String::from_utf8_lossy(name).into_owned(), value.to_vec()));
        });
        let message = Message::new(&headers, request.has_body().then(|| body.to_vec()), false);
        let mut flow = Flow::new(id, message);
        flow.on_headers(Direction::Request, step);
        flow.more(Direction::Request, usize::MAX, false, &mut self.engine, &self.clocks);
        self.go_on(Under { flow, began, answered: None, answer: Rc::clone(answer) });
    }

    /// Advances an exchange until something in it waits or it is over.
    fn go_on(&mut self, mut under: Under) {
        let (flow, answer) = (&mut under.flow, &under.answer);
        if flow.over().is_none() && flow.response.is_none() && flow.request.state == Progress::Ended {
            let Head { headers, has_body, .. } = &answer.head;
            let message = Message::new(headers, has_body.then(|| answer.body.clone()), false);
            flow.respond(&answer.head, message, &mut self.engine, &self.clocks);
            flow.more(Direction::Response, usize::MAX, false, &mut self.engine, &self.clocks);
        }
        let now = self.now();
        if flow.over().is_some()
            || flow.response.as_ref().is_some_and(|response| response.state != Progress::HeadersHeld)
        {
            under.answered.get_or_insert(now);
        }
        let is_answered = flow.response.as_ref().is_some_and(|response| response.state == Progress::Ended);
        if flow.over().is_some() || is_answered {
            if is_answered {
                self.engine.response_ended(flow.id, None);
            }
            let closing = flow.closing();
            self.engine.close(flow.id, &self.clocks, || Some(closing));
            let Under { flow, began, answered, .. } = under;
            let answered = answered.unwrap_or(now);
            self.finished.push_back(Finished { id: flow.id, began, answered, ended: now, flow: Some(flow) });
        } else {
            self.under_way.insert(flow.id, under);
        }
    }

    /// Advances the clock to the next deadline, up to `until`, and handles it. Returns `false` if there is none.
    pub fn next_release(&mut self, until: Instant) -> bool {
        let Some(due) = self.engine.poll_timeout().filter(|due| *due <= until) else { return false };
        self.advance(due);
        self.engine.tell_others(due);
        // A deadline may turn out to ask for nothing.
        if let Some((id, release)) = self.engine.next_due(due)
            && let Some(mut under) = self.under_way.remove(&id)
        {
            under.flow.release(release, &mut self.engine, &self.clocks);
            self.go_on(under);
        }
        true
    }

    /// Lets time pass, and handles what becomes due meanwhile.
    pub fn wait(&mut self, time: Duration) {
        let until = self.now().after(time);
        while self.next_release(until) {}
        self.advance(until);
    }

    /// Moves both clocks forward.
    fn advance(&mut self, now: Instant) {
        let passed = now.0.saturating_sub(self.now().0).as_micros();
        let wall = self.clocks.wall.get().zip(i64::try_from(passed).ok());
        self.clocks.wall.set(wall.map(|(wall, passed)| Timestamp(wall.0.saturating_add(passed))));
        self.clocks.set(now);
    }

    /// Returns the next exchange that is over.
    pub fn next_finished(&mut self) -> Option<Finished> {
        self.finished.pop_front()
    }

    /// Returns the next event, if there is one.
    pub fn next_event(&mut self) -> Option<Event> {
        self.engine.next_event()
    }
}
