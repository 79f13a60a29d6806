//! One request and its response, once a rule has taken it.
//!
//! ```text
//!                 headers, to be held           the deadline                response headers, to be held
//!   (a rule took it) ─────────────► Held ─────────────────────► Forwarded ─────────────────────► AnswerHeld
//!         │     headers, to go on    │ the deadline, to end        ▲  │ response headers             │ the deadline
//!         ├──────────────────────────┼────────────────────────────┘  ▼                              ▼
//!         │ headers, to end          ▼                            Answered ◄─────────────────────────┘
//!         └───────────────────────► (over: forgotten) ◄──────────────┘ the end, or a cut
//! ```
//!
//! The engine removes an exchange from its map before it decides anything about it, and puts it back only if there is
//! something left to do. So it cannot be resumed or answered twice, and a client that leaves drops it in any state.
//! Work on the request's body runs in parallel to these states, from the moment the request is forwarded.

use crate::body::Body;
use crate::effect::answer::Answer;
use crate::effect::{End, Ending, Throttle};
use crate::id::RuleId;
use crate::id::{Direction, ExchangeId};
use crate::kind::{Kind, Kinds};
use crate::limit::allowance::{Places, Scopes};
use crate::step::LocalReply;
use crate::time::Instant;
use alloc::rc::Rc;
use core::time::Duration;

/// The rule that took the exchange, and what it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    pub exchange: ExchangeId,
    /// The rule that took the request.
    pub rule: RuleId,
    /// The rule's name, which outlives a document in a route's metadata.
    pub name: Rc<str>,
    /// The faults that have begun.
    pub kinds: Kinds,
    /// True once the injection has been counted.
    pub injected: bool,
    /// The total delay of the exchange so far, including a delay in progress.
    pub delay: Duration,
}

impl Cause {
    /// Creates a cause that has done nothing yet.
    pub fn new(exchange: ExchangeId, rule: RuleId, name: Rc<str>) -> Self {
        Self { exchange, rule, name, kinds: Kinds::default(), injected: false, delay: Duration::ZERO }
    }
}

/// An exchange that a rule has taken and that the engine still has work to do on.
#[derive(Debug)]
pub struct Exchange {
    /// The rule that took the exchange, and what it did.
    pub cause: Cause,
    pub stage: Stage,
    /// The work on the request's body.
    pub upload: Option<Body>,
    /// The places that it takes while it is held or slowed down.
    pub places: Option<Places>,
    /// True if its response gets the evidence header.
    pub marks: bool,
    /// The deadlines scheduled in the engine, for the request and for the response.
    pub deadlines: [Option<Instant>; 2],
}

/// The stage that an exchange has reached.
#[derive(Debug)]
pub enum Stage {
    Held(Held),
    /// The request has been forwarded, and the response has not arrived.
    Forwarded(Ahead),
    AnswerHeld(AnswerHeld),
    /// The response is on its way, and its body may be worked on.
    Answered(Option<Body>),
}

/// A request that waits.
#[derive(Debug)]
pub struct Held {
    pub due: Instant,
    /// The end after the wait; `None` if the request is forwarded.
    pub end: Option<Ending>,
    /// The work on the response if the request is forwarded.
    pub ahead: Ahead,
}

/// The work on a response that has not arrived yet.
#[derive(Debug, Default)]
pub struct Ahead {
    /// The reply that replaces it, where a request cannot be answered directly, and the fault that begins with it.
    pub reply: Option<(Option<Kind>, LocalReply)>,
    pub answer: Option<Answer>,
    /// The rate of its body.
    pub rate: Option<Throttle>,
    /// True in `shadow` mode: faults are only counted.
    pub shadow: bool,
    /// The limits still to be checked, where only the response decides whether there is a fault.
    pub unspent: Option<Scopes>,
}

/// A response that waits.
#[derive(Debug)]
pub struct AnswerHeld {
    pub due: Instant,
    /// The end after the wait; `None` if the response goes on.
    pub end: Option<End>,
    /// The work on its body.
    pub body: Option<Body>,
}

impl Exchange {
    /// Creates an exchange with only its cause and its stage.
    pub fn new(cause: Cause, stage: Stage) -> Self {
        Self { cause, stage, upload: None, places: None, marks: false, deadlines: [None; 2] }
    }

    /// Returns whether it is held or slowed down, or will be.
    pub fn is_active(&self) -> bool {
        let later = match &self.stage {
            Stage::Held(_) | Stage::AnswerHeld(_) => true,
            Stage::Forwarded(ahead) => ahead.holds(),
            Stage::Answered(body) => body.as_ref().is_some_and(Body::is_paced),
        };
        later || self.upload.as_ref().is_some_and(Body::is_paced)
    }

    /// Returns whether there is nothing left to do.
    pub fn is_over(&self) -> bool {
        let over = match &self.stage {
            Stage::Held(_) | Stage::AnswerHeld(_) => false,
            Stage::Forwarded(ahead) => {
                let says = self.marks && !self.cause.kinds.is_empty();
                ahead.is_empty() && !says
            }
            Stage::Answered(body) => body.is_none(),
        };
        over && self.upload.is_none()
    }

    /// Returns when something is due for one of its messages.
    pub fn due(&self, direction: Direction) -> Option<Instant> {
        match (direction, &self.stage) {
            (Direction::Request, Stage::Held(held)) => Some(held.due),
            (Direction::Request, _) => self.upload.as_ref()?.due(),
            (Direction::Response, Stage::AnswerHeld(held)) => Some(held.due),
            (Direction::Response, Stage::Answered(body)) => body.as_ref()?.due(),
            (Direction::Response, _) => None,
        }
    }

    /// Returns the work on a body in transit.
    pub fn body(&mut self, direction: Direction) -> Option<&mut Body> {
        match (direction, &mut self.stage) {
            (Direction::Request, _) => self.upload.as_mut(),
            (Direction::Response, Stage::Answered(body)) => body.as_mut(),
            (Direction::Response, _) => None,
        }
    }

    /// Returns whether there is work on a body in transit.
    pub fn works_on(&self, direction: Direction) -> bool {
        match (direction, &self.stage) {
            (Direction::Request, _) => self.upload.is_some(),
            (Direction::Response, Stage::Answered(body)) => body.is_some(),
            (Direction::Response, _) => false,
        }
    }

    /// Returns whether one of its messages is held from its headers on.
    pub fn holds(&self, direction: Direction) -> bool {
        match direction {
            Direction::Request => matches!(self.stage, Stage::Held(_)),
            Direction::Response => matches!(self.stage, Stage::AnswerHeld(_)),
        }
    }
}

impl Ahead {
    /// Returns whether nothing will happen to the response.
    pub fn is_empty(&self) -> bool {
        self.reply.is_none() && self.answer.is_none() && self.rate.is_none()
    }

    /// Returns whether the response will be held or slowed down.
    fn holds(&self) -> bool {
        !self.shadow
            && (self.rate.is_some() || self.answer.as_ref().is_some_and(|answer| answer.delay.is_some()))
    }
}
