//! One exchange in a simulated proxy, which applies the engine's steps to its two messages.

use super::head::Piece;
use super::message::{Message, Progress};
use crate::engine::Engine;
use crate::entropy::Entropy;
use crate::id::{Direction, ExchangeId};
use crate::step::{DataStep, DataThen, HeadersStep, LocalReply, Release, TrailersStep};
use crate::stop::Closing;
use crate::time::Clock;
use crate::view::{RequestView, ResponseView};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The end that the proxy itself put to an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    Replied(LocalReply),
    Reset,
}

/// One exchange on its way through the simulated proxy.
#[derive(Debug)]
pub struct Flow {
    pub id: ExchangeId,
    pub request: Message,
    /// The response, once it has come.
    pub response: Option<Message>,
    /// True if the host shows the bytes of bodies.
    pub is_readable: bool,
    /// True if the proxy itself replied while something was held here.
    pub was_interrupted: bool,
    over: Option<Over>,
    broken: Option<String>,
}

impl Flow {
    /// Creates a flow for a request whose headers the engine has already seen.
    pub(super) fn new(id: ExchangeId, request: Message) -> Self {
        Self {
            id,
            request,
            response: None,
            is_readable: true,
            was_interrupted: false,
            over: None,
            broken: None,
        }
    }

    /// Handles the headers of a request.
    pub fn begin<E: Entropy>(
        id: ExchangeId,
        request: &dyn RequestView,
        message: Message,
        engine: &mut Engine<E>,
        clock: &dyn Clock,
    ) -> Self {
        let mut flow = Self::new(id, message);
        let step = engine.on_request_headers(id, request, clock);
        flow.on_headers(Direction::Request, step);
        flow
    }

    /// Returns how the proxy itself ended it, if it did.
    pub fn over(&self) -> Option<&Over> {
        self.over.as_ref()
    }

    /// Returns how it ended, as a proxy reports it.
    pub(super) fn closing(&self) -> Closing {
        let status = match (&self.over, &self.response) {
            (Some(Over::Replied(reply)), _) => Some(reply.status),
            (Some(Over::Reset), _) => None,
            (None, response) => response.as_ref().and_then(Message::status),
        };
        Closing { status, flags: 0 }
    }

    /// Returns the first step that no proxy would accept.
    pub fn broken(&self) -> Option<&str> {
        let messages = [Some(&self.request), self.response.as_ref()];
        self.broken.as_deref().or_else(|| messages.into_iter().flatten().find_map(Message::broken))
    }

    fn breaks(&mut self, why: impl FnOnce() -> String) {
        self.broken.get_or_insert_with(why);
    }

    /// Returns one of its messages.
    pub fn message(&mut self, direction: Direction) -> Option<&mut Message> {
        match direction {
            Direction::Request => Some(&mut self.request),
            Direction::Response => self.response.as_mut(),
        }
    }

    /// Handles the headers of a response: the backend's, or a reply of the proxy itself.
    pub fn respond<E: Entropy>(
        &mut self,
        response: &dyn ResponseView,
        message: Message,
        engine: &mut Engine<E>,
        clock: &dyn Clock,
    ) {
        let waits = |message: &Message| message.state == Progress::HeadersHeld;
        let interrupts = waits(&self.request) || self.response.is_some();
        self.response = Some(message);
        let step = engine.on_response_headers(self.id, response, clock);
        if !matches!(step, HeadersStep::Continue | HeadersStep::Forward(_))
            && (interrupts || self.over.is_some())
        {
            self.breaks(|| format!("{step:?} for somebody else's answer"));
        }
        self.was_interrupted |= interrupts;
        self.on_headers(Direction::Response, step);
    }

    pub(super) fn on_headers(&mut self, direction: Direction, step: HeadersStep) {
        let Some(message) = self.message(direction) else { return };
        match step {
            HeadersStep::Continue => {}
            HeadersStep::Forward(changes) => message.change(&changes),
            HeadersStep::Hold(changes) => {
                message.change(&changes);
                message.hold(true);
            }
            HeadersStep::Reply(reply) => self.end_with(reply),
            HeadersStep::Reset => self.over = Some(Over::Reset),
        }
    }

    fn end_with(&mut self, reply: LocalReply) {
        let is_bad = |(name, value): &(String, Vec<u8>)| {
            name.is_empty() || name.starts_with(':') || value.iter().any(|byte| b"\r\n\0".contains(byte))
        };
        if !(200..=599).contains(&reply.status) || reply.headers.iter().any(is_bad) {
            self.breaks(|| format!("{reply:?}"));
        }
        self.over = Some(Over::Replied(reply));
    }

    /// Delivers the next piece of a message, of at most `most` bytes, or its trailers. Some hosts call back for bodies
    /// behind held headers.
    pub fn more<E: Entropy>(
        &mut self,
        direction: Direction,
        most: usize,
        host_asks: bool,
        engine: &mut Engine<E>,
        clock: &dyn Clock,
    ) {
        let over = self.over.is_some();
        let Some(message) = self.message(direction).filter(|message| !over && !message.done) else { return };
        let held = message.state == Progress::HeadersHeld;
        if message.awaits_trailers() {
            message.done = true;
            if !held {
                self.on_trailers(direction, engine, clock);
            }
            return;
        }
        let (piece, last) = message.next_piece(most);
        if !held {
            return self.on_data(direction, piece, last, engine, clock);
        }
        if host_asks {
            let shown = Piece { bytes: &piece, is_readable: true };
            let step = engine.on_data(self.id, direction, &shown, last, clock);
            if !self.was_interrupted && step != (DataStep { put: None, then: DataThen::Watermark }) {
                self.breaks(|| format!("{step:?} behind headers that wait"));
            }
        }
        if let Some(message) = self.message(direction) {
            message.keep(&piece);
        }
    }

    fn on_data<E: Entropy>(
        &mut self,
        direction: Direction,
        piece: Vec<u8>,
        last: bool,
        engine: &mut Engine<E>,
        clock: &dyn Clock,
    ) {
        let (id, is_readable) = (self.id, self.is_readable);
        let Some(message) = self.message(direction) else { return };
        let shown = message.shown(piece);
        let step = if engine.cares_for_body(id, direction) {
            engine.on_data(id, direction, &Piece { bytes: &shown, is_readable }, last, clock)
        } else {
            DataStep::FORWARD
        };
        let resets = step.then == DataThen::Reset;
        message.step(shown, step, last);
        if resets {
            self.over = Some(Over::Reset);
        }
    }

    fn on_trailers<E: Entropy>(&mut self, direction: Direction, engine: &mut Engine<E>, clock: &dyn Clock) {
        let step = if engine.cares_for_body(self.id, direction) {
            engine.on_trailers(self.id, direction, clock)
        } else {
            TrailersStep::Continue
        };
        let Some(message) = self.message(direction) else { return };
        match step {
            TrailersStep::Continue => {
                message.leave();
                message.state = Progress::Ended;
            }
            TrailersStep::Forward(bytes) => {
                message.put(bytes);
                message.leave();
                message.state = Progress::Ended;
            }
            TrailersStep::Hold(bytes) => {
                message.put(bytes.unwrap_or_default());
                message.state = Progress::TrailersHeld;
            }
            TrailersStep::Reset => self.over = Some(Over::Reset),
        }
    }

    /// Carries out a release, and checks that the exchange allows it.
    pub fn release<E: Entropy>(&mut self, release: Release, engine: &mut Engine<E>, clock: &dyn Clock) {
        if self.over.is_some() {
            return self.breaks(|| format!("{release:?} after the end"));
        }
        match release {
            Release::Reset => self.over = Some(Over::Reset),
            Release::Reply(direction, reply) => {
                if self.message(direction).is_none_or(|message| message.state != Progress::HeadersHeld) {
                    self.breaks(|| format!("{reply:?}, and nothing waits for it"));
                }
                self.end_with(reply);
            }
            Release::Resume(direction) => self.resume(direction, engine, clock),
            Release::Emit(direction, bytes) => {
                let is_empty = bytes.is_empty();
                if let Some(message) = self.message(direction) {
                    message.put(bytes);
                    message.go_on();
                }
                if is_empty {
                    self.breaks(|| format!("nothing is put into the body of {direction:?}"));
                }
            }
        }
    }

    fn resume<E: Entropy>(&mut self, direction: Direction, engine: &mut Engine<E>, clock: &dyn Clock) {
        let Some(message) = self.message(direction) else { return };
        match message.state {
            Progress::HeadersHeld => {
                let trailers = message.done && message.awaited_trailers();
                if !message.had_body() {
                    message.state = Progress::Ended;
                } else if let Some((piece, last)) = message.resumed() {
                    self.on_data(direction, piece, last, engine, clock);
                }
                if trailers && self.over.is_none() {
                    self.on_trailers(direction, engine, clock);
                }
            }
            Progress::Buffer | Progress::Watermark | Progress::TrailersHeld => message.go_on(),
            Progress::Going | Progress::Ended => {
                self.breaks(|| format!("{direction:?} is resumed, and was not held"));
            }
        }
    }
}
