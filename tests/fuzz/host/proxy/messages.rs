//! The rest of requests, and responses.

use super::{Proxy, world};
use crate::exchange::{self, Response};
use crate::host::calls::module;
use crate::host::stream::Stream;
use arbitrary::Unstructured;
use brownout_core::id::Direction;
use brownout_core::sim::{Message, Progress};
use brownout_core::step::{DataStep, DataThen};

impl Proxy {
    pub(super) fn pick(&self, input: &mut Unstructured<'_>) -> Option<u32> {
        let ids: Vec<u32> = world(|world| world.streams.keys().copied().collect());
        input.choose(&ids).ok().copied()
    }

    /// Delivers more of a request's body, or its trailers.
    pub fn more_of_a_request(&mut self, input: &mut Unstructured<'_>) {
        if let Some(id) = self.pick(input) {
            let most = usize::from(input.int_in_range(0..=1200_u16).unwrap_or(0));
            self.more(id, Direction::Request, most);
        }
    }

    /// The same of a response.
    pub fn more_of_a_response(&mut self, input: &mut Unstructured<'_>) {
        if let Some(id) = self.pick(input) {
            let most = usize::from(input.int_in_range(0..=1200_u16).unwrap_or(0));
            self.more(id, Direction::Response, most);
        }
    }

    pub(super) fn more(&mut self, id: u32, direction: Direction, most: usize) {
        enum Next {
            Nothing,
            Trailers,
            Piece(Vec<u8>, bool),
        }
        let next = world(|world| {
            let stream = world.streams.get_mut(&id).filter(|stream| !stream.ending);
            let Some(message) = stream.and_then(|stream| stream.message(direction)) else {
                return Next::Nothing;
            };
            if message.done {
                return Next::Nothing;
            }
            let held = message.state == Progress::HeadersHeld;
            if message.awaits_trailers() {
                message.done = true;
                return if held { Next::Nothing } else { Next::Trailers };
            }
            let (piece, last) = message.next_piece(most);
            if held {
                message.keep(&piece);
                return Next::Nothing;
            }
            Next::Piece(piece, last)
        });
        match next {
            Next::Nothing => {}
            Next::Trailers => self.trailers(id, direction),
            Next::Piece(piece, last) => self.data(id, direction, piece, last),
        }
    }

    fn data(&mut self, id: u32, direction: Direction, piece: Vec<u8>, last: bool) {
        let size = world(|world| {
            let message = world.streams.get_mut(&id)?.message(direction)?;
            let shown = message.shown(piece);
            let size = shown.len();
            world.shown = Some((id, direction, shown));
            u32::try_from(size).ok()
        });
        let Some(size) = size else { return };
        let status = self.call(id, || match direction {
            Direction::Request => module::proxy_on_request_body(id, size, last.into()),
            Direction::Response => module::proxy_on_response_body(id, size, last.into()),
        });
        world(|world| {
            let Some((_, _, shown)) = world.shown.take() else { return };
            let then = match status {
                0 => DataThen::Forward,
                1 => DataThen::Buffer,
                2 => DataThen::Watermark,
                status => panic!("status {status} for a body"),
            };
            if let Some(message) = world.streams.get_mut(&id).and_then(|stream| stream.message(direction)) {
                message.step(shown, DataStep { put: None, then }, last);
            }
        });
        self.settle();
        self.finish_if_complete(id);
    }

    fn trailers(&mut self, id: u32, direction: Direction) {
        let status = self.call(id, || match direction {
            Direction::Request => module::proxy_on_request_trailers(id, 0),
            Direction::Response => module::proxy_on_response_trailers(id, 0),
        });
        world(|world| {
            let Some(message) = world.streams.get_mut(&id).and_then(|stream| stream.message(direction))
            else {
                return;
            };
            match status {
                0 => {
                    message.leave();
                    message.state = Progress::Ended;
                }
                1 => message.state = Progress::TrailersHeld,
                status => panic!("status {status} for trailers"),
            }
        });
        self.settle();
        self.finish_if_complete(id);
    }

    pub(super) fn resume(&mut self, id: u32, direction: Direction) {
        let behind = world(|world| {
            let message = world.streams.get_mut(&id)?.message(direction)?;
            match message.state {
                Progress::HeadersHeld if !message.had_body() => message.state = Progress::Ended,
                Progress::HeadersHeld => {
                    let trailers = message.done && message.awaited_trailers();
                    return Some((message.resumed(), trailers));
                }
                _ => message.go_on(),
            }
            None
        });
        if let Some((piece, trailers)) = behind {
            if let Some((piece, last)) = piece {
                self.data(id, direction, piece, last);
            }
            if trailers {
                self.trailers(id, direction);
            }
        }
        self.finish_if_complete(id);
    }

    /// Lets the upstream answer one of the streams.
    pub fn respond(&mut self, input: &mut Unstructured<'_>) {
        let Some(id) = self.pick(input) else { return };
        let forwarded = world(|world| {
            let stream = world.streams.get(&id)?;
            (stream.response.is_none() && !stream.ending && stream.request.state != Progress::HeadersHeld)
                .then_some(())
        });
        if forwarded.is_some() {
            self.response(id, input);
        }
    }

    /// Has the host answer itself, for example because a stream was idle for too long.
    pub fn give_an_answer_of_its_own(&mut self, input: &mut Unstructured<'_>) {
        let Some(id) = self.pick(input) else { return };
        let may = world(|world| {
            let stream = world.streams.get_mut(&id)?;
            let held =
                stream.response.as_ref().is_none_or(|response| response.state == Progress::HeadersHeld);
            let may = held && !stream.ending;
            stream.answered |= may;
            may.then_some(())
        });
        if may.is_some() {
            self.response(id, input);
        }
    }

    fn response(&mut self, id: u32, input: &mut Unstructured<'_>) {
        let mut response = Response::any(input);
        let size = usize::from(input.int_in_range(0..=2000_u16).unwrap_or(0));
        let trailers = input.ratio(1, 4).unwrap_or(false);
        world(|world| {
            let Some(stream) = world.streams.get_mut(&id) else { return };
            let head = |(name, value): &(String, Vec<u8>)| name == ":method" && value == b"HEAD";
            response.has_body &= !stream.facts.headers.iter().any(head);
            if response.has_body {
                exchange::tell_length(&mut response.headers, size);
            }
            stream.response = Some(Stream::answer(&response, size, trailers));
        });
        self.headers(id, Direction::Response, response.has_body);
    }

    /// Sends a reply of the module's. While the request is being processed, the reply passes through the module again.
    pub(super) fn reply(&mut self, id: u32, status: u32, headers: Vec<(String, Vec<u8>)>, body: Vec<u8>) {
        let on_the_way_back = world(|world| {
            let stream = world.streams.get_mut(&id)?;
            let on_the_way_back = stream.response.is_some();
            let mut all = vec![(":status".to_owned(), status.to_string().into_bytes())];
            all.extend(headers);
            stream.response =
                Some(Message::new(&all, (!body.is_empty()).then(|| exchange::body(body.len())), false));
            stream.rewritten = true;
            Some(on_the_way_back)
        });
        match on_the_way_back {
            None => {}
            Some(true) => self.delete(id),
            Some(false) => {
                self.headers(id, Direction::Response, !body.is_empty());
                if !body.is_empty() {
                    self.data(id, Direction::Response, body, true);
                }
                let left =
                    world(|world| world.streams.get(&id).map(|stream| stream.waits(Direction::Response)));
                assert_ne!(left, Some(true), "the module holds its own reply");
                self.delete(id);
            }
        }
    }
}
