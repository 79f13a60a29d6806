//! One stream of the host.

use crate::exchange::{self, Request, Response};
use brownout_core::id::Direction;
use brownout_core::sim::{Message, Progress};

/// An action that the module asked for, carried out after the callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// The message in this direction goes on.
    Continue(Direction),
    /// The stream is reset, without a reply.
    Close,
    /// The request is answered: status, headers and body.
    Reply(u32, Vec<(String, Vec<u8>)>, Vec<u8>),
}

#[derive(Debug)]
pub struct Stream {
    /// The root context that it belongs to.
    pub root: u32,
    /// Its request and facts about it.
    pub facts: Request,
    pub request: Message,
    /// The response, once there is one.
    pub response: Option<Message>,
    /// True once the module has asked for its end.
    pub ending: bool,
    pub deleting: bool,
    /// The number of actions in the current callback.
    pub actions: usize,
    /// True if a call that would have released it failed: then it may wait forever.
    pub stuck: bool,
    /// True once the module could not read the headers, or read false ones.
    pub misled: bool,
    /// True once the host itself has answered.
    pub answered: bool,
    /// True if its bodies may have been rewritten.
    pub rewritten: bool,
}

impl Stream {
    /// Returns a message, if there is one.
    pub fn message(&mut self, direction: Direction) -> Option<&mut Message> {
        match direction {
            Direction::Request => Some(&mut self.request),
            Direction::Response => self.response.as_mut(),
        }
    }

    /// Returns whether a message waits.
    pub fn waits(&self, direction: Direction) -> bool {
        let message = match direction {
            Direction::Request => Some(&self.request),
            Direction::Response => self.response.as_ref(),
        };
        message.is_some_and(|message| {
            let state = message.state;
            matches!(
                state,
                Progress::HeadersHeld | Progress::Buffer | Progress::Watermark | Progress::TrailersHeld
            )
        })
    }

    /// Returns whether the client has received everything that it will get.
    pub fn is_complete(&self) -> bool {
        self.response.as_ref().is_some_and(|response| response.state == Progress::Ended)
    }

    /// The message that a response makes.
    pub fn answer(response: &Response, size: usize, trailers: bool) -> Message {
        Message::new(&response.headers, response.has_body.then(|| exchange::body(size)), trailers)
    }

    /// Asserts what must hold for it at any time.
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
            if message.state == Progress::Ended && message.had_body() && !self.misled {
                assert_eq!(message.is_as_long_as_told(), Ok(()));
            }
        }
    }
}
