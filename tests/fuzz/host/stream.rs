//! One stream of the host.

use crate::exchange::{self, Request, Response};
use brownout_core::id::Direction;
use brownout_core::sim::{Message, State};

/// What the module has asked for, to be done when the callback is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A message goes on.
    Continue(Direction),
    /// The stream is reset.
    Close,
    /// The request is answered.
    Reply(u32, Vec<(String, Vec<u8>)>, Vec<u8>),
}

/// A stream.
#[derive(Debug)]
pub struct Stream {
    /// The root context that it belongs to.
    pub root: u32,
    /// What its request says, and facts about it.
    pub facts: Request,
    /// The request.
    pub request: Message,
    /// The response, once there is one.
    pub response: Option<Message>,
    /// Whether the module has asked for its end.
    pub ending: bool,
    /// Whether it is being deleted.
    pub deleting: bool,
    /// Actions in the present callback.
    pub actions: usize,
    /// Whether a call failed that would have let it go: then it may wait for ever.
    pub stuck: bool,
    /// Whether what was told of its headers was not the truth.
    pub misled: bool,
    /// Whether the host itself has answered.
    pub answered: bool,
    /// Whether its bodies may be other ones than came.
    pub rewritten: bool,
}

impl Stream {
    /// A message, if it is there.
    pub fn message(&mut self, direction: Direction) -> Option<&mut Message> {
        match direction {
            Direction::Request => Some(&mut self.request),
            Direction::Response => self.response.as_mut(),
        }
    }

    /// Whether a message waits.
    pub fn waits(&self, direction: Direction) -> bool {
        let message = match direction {
            Direction::Request => Some(&self.request),
            Direction::Response => self.response.as_ref(),
        };
        message.is_some_and(|message| {
            let state = message.state;
            matches!(state, State::HeadersHeld | State::Buffer | State::Watermark | State::TrailersHeld)
        })
    }

    /// Whether the client has all that it will get.
    pub fn is_complete(&self) -> bool {
        self.response.as_ref().is_some_and(|response| response.state == State::Ended)
    }

    /// The message that a response makes.
    pub fn answer(response: &Response, size: usize, trailers: bool) -> Message {
        Message::new(&response.headers, response.has_body.then(|| exchange::body(size)), trailers)
    }

    /// What holds for it at any time.
    pub fn assert_sound(&self) {
        for message in [Some(&self.request), self.response.as_ref()].into_iter().flatten() {
            assert_eq!(message.broken(), None);
        }
        if self.ending || self.answered {
            return;
        }
        for message in [Some(&self.request), self.response.as_ref()].into_iter().flatten() {
            if !self.rewritten {
                assert_eq!(message.is_faithful(), Ok(()));
            }
            if message.state == State::Ended && message.had_body() && !self.misled {
                assert_eq!(message.is_as_long_as_told(), Ok(()));
            }
        }
    }
}
