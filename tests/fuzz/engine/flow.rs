//! One exchange as the proxy has it.

use super::pool;
use crate::exchange::{self, Clocks, Seeded};
use crate::message::{Message, State};
use arbitrary::Unstructured;
use brownout_core::Engine;
use brownout_core::id::{Direction, ExchangeId};
use brownout_core::step::{DataStep, DataThen, HeadersStep, LocalReply, Release, TrailersStep};
use brownout_core::view::DataView;

/// What the host shows of a body, or not.
struct Shown<'s> {
    bytes: &'s [u8],
    readable: bool,
}

impl DataView for Shown<'_> {
    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        self.readable.then(|| self.bytes.to_vec())
    }
}

/// An exchange.
#[derive(Debug)]
pub struct Flow {
    /// What it is called.
    pub id: ExchangeId,
    /// Whose it is.
    pub worker: usize,
    request: Message,
    response: Option<Message>,
    /// Whether it has been answered or reset.
    over: bool,
    /// Whether the host shows bodies.
    readable: bool,
    /// Whether somebody else has answered it in the middle.
    interrupted: bool,
    head: bool,
}

impl Flow {
    /// A request arrives.
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
        let message = Message::new(&request.headers, size, request.has_body, trailers);
        let head = request.headers.iter().any(|(name, value)| name == ":method" && value == b"HEAD");
        let readable = !input.ratio(1, 16).unwrap_or(false);
        let mut flow = Self {
            id,
            worker,
            request: message,
            response: None,
            over: false,
            readable,
            interrupted: false,
            head,
        };
        let step = engine.on_request_headers(id, &request, clocks);
        flow.on_headers(Direction::Request, step);
        flow
    }

    fn on_headers(&mut self, direction: Direction, step: HeadersStep) {
        let message = self.message(direction);
        match step {
            HeadersStep::Continue => {}
            HeadersStep::Forward(changes) => message.change(&changes),
            HeadersStep::Hold(changes) => {
                message.change(&changes);
                message.hold(true);
            }
            HeadersStep::Reply(reply) => self.end_with(&reply),
            HeadersStep::Reset => self.over = true,
        }
    }

    fn end_with(&mut self, reply: &LocalReply) {
        assert!((200..=599).contains(&reply.status), "{reply:?}");
        let broken = |(name, value): &(String, Vec<u8>)| {
            name.is_empty() || name.starts_with(':') || value.iter().any(|byte| b"\r\n\0".contains(byte))
        };
        assert!(!reply.headers.iter().any(broken), "{reply:?}");
        self.over = true;
    }

    fn message(&mut self, direction: Direction) -> &mut Message {
        match direction {
            Direction::Request => &mut self.request,
            Direction::Response => self.response.as_mut().expect("there is a response"),
        }
    }

    /// The response comes, or another one in its place.
    pub fn respond(&mut self, engine: &mut Engine<Seeded>, clocks: &Clocks, input: &mut Unstructured<'_>) {
        let mut response = exchange::Response::any(input);
        response.has_body &= !self.head;
        let size = usize::from(input.int_in_range(0..=2000_u16).unwrap_or(0));
        if response.has_body {
            exchange::tell_length(&mut response.headers, size);
        }
        let trailers = input.ratio(1, 4).unwrap_or(false);
        let held = self.request.state == State::HeadersHeld;
        if self.response.as_ref().is_some_and(|response| response.state != State::HeadersHeld) {
            // Headers come once.
            return;
        }
        let again = self.response.is_some();
        self.response = Some(Message::new(&response.headers, size, response.has_body, trailers));
        let step = engine.on_response_headers(self.id, &response, clocks);
        let own = matches!(step, HeadersStep::Continue | HeadersStep::Forward(_));
        assert!(own || !(held || again || self.over), "{step:?} for somebody else's answer");
        self.interrupted |= held || again;
        self.on_headers(Direction::Response, step);
    }

    /// The next piece of the request, or its trailers.
    pub fn more_of_the_request(
        &mut self,
        engine: &mut Engine<Seeded>,
        clocks: &Clocks,
        input: &mut Unstructured<'_>,
    ) {
        self.more(Direction::Request, engine, clocks, input);
    }

    /// The next piece of the response, or its trailers.
    pub fn more_of_the_response(
        &mut self,
        engine: &mut Engine<Seeded>,
        clocks: &Clocks,
        input: &mut Unstructured<'_>,
    ) {
        if self.response.is_some() {
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
        let (over, message) = (self.over, self.message(direction));
        if over || message.done {
            return;
        }
        let held = message.state == State::HeadersHeld;
        if message.awaits_trailers() {
            message.done = true;
            if !held {
                self.on_trailers(direction, engine, clocks);
            }
            return;
        }
        let (piece, last) = message.next_piece(most);
        if !held {
            return self.on_data(direction, piece, last, engine, clocks);
        }
        // Some hosts ask about bodies behind headers that wait.
        if asks {
            let shown = Shown { bytes: &piece, readable: true };
            let step = engine.on_data(self.id, direction, &shown, last, clocks);
            let expected = DataStep { put: None, then: DataThen::Watermark };
            assert!(self.interrupted || step == expected, "{step:?} behind headers that wait");
        }
        self.message(direction).keep(&piece);
    }

    fn on_data(
        &mut self,
        direction: Direction,
        piece: Vec<u8>,
        last: bool,
        engine: &mut Engine<Seeded>,
        clocks: &Clocks,
    ) {
        let (id, readable) = (self.id, self.readable);
        let shown = self.message(direction).shown(piece);
        let step = if engine.cares_for_body(id, direction) {
            engine.on_data(id, direction, &Shown { bytes: &shown, readable }, last, clocks)
        } else {
            DataStep::FORWARD
        };
        if step.then == DataThen::Reset {
            self.over = true;
        }
        self.message(direction).step(shown, step, last);
    }

    fn on_trailers(&mut self, direction: Direction, engine: &mut Engine<Seeded>, clocks: &Clocks) {
        let step = if engine.cares_for_body(self.id, direction) {
            engine.on_trailers(self.id, direction, clocks)
        } else {
            TrailersStep::Continue
        };
        let message = self.message(direction);
        match step {
            TrailersStep::Continue => {
                message.leave();
                message.state = State::Ended;
            }
            TrailersStep::Forward(bytes) => {
                message.put(bytes);
                message.leave();
                message.state = State::Ended;
            }
            TrailersStep::Hold(bytes) => {
                message.put(bytes.unwrap_or_default());
                message.state = State::TrailersHeld;
            }
            TrailersStep::Reset => self.over = true,
        }
    }

    /// A wait is over.
    pub fn release(&mut self, release: Release, engine: &mut Engine<Seeded>, clocks: &Clocks) {
        assert!(!self.over, "{release:?} after the end");
        match release {
            Release::Reset => self.over = true,
            Release::Reply(direction, reply) => {
                assert_eq!(self.message(direction).state, State::HeadersHeld, "{reply:?}");
                self.end_with(&reply);
            }
            Release::Resume(direction) => self.resume(direction, engine, clocks),
            Release::Emit(direction, bytes) => {
                let message = self.message(direction);
                assert!(!bytes.is_empty());
                message.put(bytes);
                message.go_on();
            }
        }
    }

    fn resume(&mut self, direction: Direction, engine: &mut Engine<Seeded>, clocks: &Clocks) {
        let message = self.message(direction);
        match message.state {
            State::HeadersHeld => {
                let trailers = message.done && message.awaited_trailers();
                if !message.had_body() {
                    message.state = State::Ended;
                } else if let Some((piece, last)) = message.resumed() {
                    self.on_data(direction, piece, last, engine, clocks);
                }
                if trailers && !self.over {
                    self.on_trailers(direction, engine, clocks);
                }
            }
            State::Buffer | State::Watermark | State::TrailersHeld => message.go_on(),
            State::Going | State::Ended => panic!("{direction:?} is resumed, and was not held: {self:?}"),
        }
    }

    /// Whether nothing more is to be done with it.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Asserts that no byte got lost, unless it was reset or answered.
    pub fn assert_faithful(&self) {
        if !self.over && !self.interrupted {
            self.request.assert_faithful();
            self.response.iter().for_each(Message::assert_faithful);
        }
    }

    /// Asserts that what has left is as long as it says.
    pub fn assert_lengths(&self) {
        if self.over || self.interrupted {
            return;
        }
        if self.request.state == State::Ended && self.request.had_body() {
            self.request.assert_length("request");
        }
        for response in
            self.response.iter().filter(|message| message.state == State::Ended && message.had_body())
        {
            response.assert_length("response");
        }
    }

    /// Asserts that the engine knows which headers wait.
    pub fn assert_known(&self, engine: &Engine<Seeded>) {
        if !self.interrupted {
            assert_eq!(engine.holds(self.id), self.request.state == State::HeadersHeld);
        }
    }

    /// Asserts, long after everything, that nothing still waits: but for bodies that are not complete, and wait for
    /// that.
    pub fn assert_not_forgotten(&self, rewrites: bool) {
        for message in [Some(&self.request), self.response.as_ref()].into_iter().flatten() {
            if self.over || self.interrupted {
                continue;
            }
            assert_ne!(message.state, State::HeadersHeld);
            assert_ne!(message.state, State::TrailersHeld);
            assert!(!message.done || message.state == State::Ended, "{self:?}");
            assert!(rewrites || !message.keeps(), "{self:?}");
        }
    }
}
