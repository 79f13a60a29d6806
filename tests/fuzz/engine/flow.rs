//! One exchange as the proxy sees it.

use super::pool;
use crate::exchange::{self, Seeded};
use arbitrary::Unstructured;
use brownout_core::Engine;
use brownout_core::id::{Direction, ExchangeId};
use brownout_core::sim::{self, Clocks, Message, Progress};
use brownout_core::step::Release;

/// A simulated exchange on one of the workers.
#[derive(Debug)]
pub struct Flow {
    flow: sim::Flow,
    /// The worker that it belongs to.
    pub worker: usize,
    head: bool,
}

impl Flow {
    /// Starts an exchange: a request arrives.
    pub fn begin(
        id: ExchangeId,
        worker: usize,
        engine: &mut Engine<Seeded>,
        clocks: &Clocks,
        input: &mut Unstructured<'_>,
    ) -> Self {
        let mut request = exchange::Request::any(input);
        if input.ratio(1, 8).unwrap_or(false) {
            request.route_document = Some(pool::document(input).into_bytes());
        }
        let size = usize::from(input.int_in_range(0..=2000_u16).unwrap_or(0));
        if request.has_body {
            exchange::tell_length(&mut request.headers, size);
        }
        let trailers = input.ratio(1, 4).unwrap_or(false);
        let message =
            Message::new(&request.headers, request.has_body.then(|| exchange::body(size)), trailers);
        let head = request.headers.iter().any(|(name, value)| name == ":method" && value == b"HEAD");
        let is_readable = !input.ratio(1, 16).unwrap_or(false);
        let mut flow = sim::Flow::begin(id, &request, message, engine, clocks);
        flow.is_readable = is_readable;
        Self { flow, worker, head }
    }

    pub fn id(&self) -> ExchangeId {
        self.flow.id
    }

    /// Delivers the response, or another one that replaces it.
    pub fn respond(&mut self, engine: &mut Engine<Seeded>, clocks: &Clocks, input: &mut Unstructured<'_>) {
        let mut response = exchange::Response::any(input);
        response.has_body &= !self.head;
        let size = usize::from(input.int_in_range(0..=2000_u16).unwrap_or(0));
        if response.has_body {
            exchange::tell_length(&mut response.headers, size);
        }
        let trailers = input.ratio(1, 4).unwrap_or(false);
        if self.flow.response.as_ref().is_some_and(|response| response.state != Progress::HeadersHeld) {
            // Headers come once.
            return;
        }
        let message =
            Message::new(&response.headers, response.has_body.then(|| exchange::body(size)), trailers);
        self.flow.respond(&response, message, engine, clocks);
    }

    /// Delivers the next piece of the request, or its trailers.
    pub fn more_of_the_request(
        &mut self,
        engine: &mut Engine<Seeded>,
        clocks: &Clocks,
        input: &mut Unstructured<'_>,
    ) {
        self.more(Direction::Request, engine, clocks, input);
    }

    /// Delivers the next piece of the response, or its trailers.
    pub fn more_of_the_response(
        &mut self,
        engine: &mut Engine<Seeded>,
        clocks: &Clocks,
        input: &mut Unstructured<'_>,
    ) {
        if self.flow.response.is_some() {
            self.more(Direction::Response, engine, clocks, input);
        }
    }

    fn more(
        &mut self,
        direction: Direction,
        engine: &mut Engine<Seeded>,
        clocks: &Clocks,
        input: &mut Unstructured<'_>,
    ) {
        let most = usize::from(input.int_in_range(0..=1200_u16).unwrap_or(0));
        let asks = input.ratio(1, 4).unwrap_or(false);
        self.flow.more(direction, most, asks, engine, clocks);
    }

    /// Carries out a release by the engine, which ends a wait.
    pub fn release(&mut self, release: Release, engine: &mut Engine<Seeded>, clocks: &Clocks) {
        self.flow.release(release, engine, clocks);
    }

    /// Returns whether nothing is left to do for it.
    pub fn is_over(&self) -> bool {
        self.flow.over().is_some()
    }

    fn messages(&self) -> impl Iterator<Item = &Message> {
        [Some(&self.flow.request), self.flow.response.as_ref()].into_iter().flatten()
    }

    /// Returns whether it has neither been reset nor answered so far.
    fn is_whole(&self) -> bool {
        !self.is_over() && !self.flow.was_interrupted
    }

    /// Asserts that a proxy would accept everything that was done, that messages have the length they declare, and,
    /// unless bodies are rewritten, that no byte was lost.
    pub fn assert_sound(&self, rewrites: bool) {
        assert_eq!(self.flow.broken(), None, "{self:?}");
        for message in self.messages().filter(|_| self.is_whole()) {
            if !rewrites {
                assert_eq!(message.is_faithful(), Ok(()));
            }
            if message.state == Progress::Ended && message.had_body() {
                assert_eq!(message.is_as_long_as_told(), Ok(()));
            }
        }
    }

    /// Asserts that the engine knows which headers wait.
    pub fn assert_known(&self, engine: &Engine<Seeded>) {
        if !self.flow.was_interrupted {
            assert_eq!(engine.holds(self.flow.id), self.flow.request.state == Progress::HeadersHeld);
        }
    }

    /// Asserts, long after the last event, that nothing still waits, except for bodies that wait to be complete.
    pub fn assert_not_forgotten(&self, rewrites: bool) {
        for message in self.messages().filter(|_| self.is_whole()) {
            assert_ne!(message.state, Progress::HeadersHeld);
            assert_ne!(message.state, Progress::TrailersHeld);
            assert!(!message.done || message.state == Progress::Ended, "{self:?}");
            assert!(rewrites || !message.keeps(), "{self:?}");
        }
    }
}
