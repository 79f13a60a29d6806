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
//! An exchange is taken out of the engine's hands before anything is decided about it, and put back only if something
//! is left to do: so it cannot be resumed or answered twice, and the client's leaving drops it from wherever it is.
//! The body of the request is worked on beside all that, from the moment that the request is forwarded.

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

/// Whose doing it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Which exchange.
    pub exchange: ExchangeId,
    /// The rule that took the request.
    pub rule: RuleId,
    /// Its name, which outlives a document in a route's metadata.
    pub name: Rc<str>,
    /// The faults that have begun.
    pub kinds: Kinds,
    /// Whether it has been counted that there are any.
    pub injected: bool,
    /// How long it has been delayed, or will be.
    pub delay: Duration,
}

impl Cause {
    /// One that has done nothing yet.
    pub fn new(exchange: ExchangeId, rule: RuleId, name: Rc<str>) -> Self {
        Self { exchange, rule, name, kinds: Kinds::default(), injected: false, delay: Duration::ZERO }
    }
}

/// An exchange that a rule has taken and that the engine still has something to do with.
#[derive(Debug)]
pub struct Exchange {
    /// Whose doing it is.
    pub cause: Cause,
    /// How far it has come.
    pub stage: Stage,
    /// The work on the request's body.
    pub upload: Option<Body>,
    /// The places that it takes among those that are held or slowed down.
    pub places: Option<Places>,
    /// Whether its response says what it has suffered.
    pub marks: bool,
    /// The deadlines that the engine knows of, for the request and for the response.
    pub deadlines: [Option<Instant>; 2],
}

/// How far an exchange has come.
#[derive(Debug)]
pub enum Stage {
    /// The request waits.
    Held(Held),
    /// The request has been forwarded, and the response has not come.
    Forwarded(Ahead),
    /// The response waits.
    AnswerHeld(AnswerHeld),
    /// The response is on its way, and its body may be worked on.
    Answered(Option<Body>),
}

/// A request that waits.
#[derive(Debug)]
pub struct Held {
    /// Until when.
    pub due: Instant,
    /// How it ends, if it is not to be forwarded.
    pub end: Option<Ending>,
    /// What happens to it otherwise.
    pub ahead: Ahead,
}

/// What is to happen to a response that has not come yet.
#[derive(Debug, Default)]
pub struct Ahead {
    /// What takes its place, where a request cannot be answered without one, and the fault that begins with it.
    pub reply: Option<(Option<Kind>, LocalReply)>,
    /// How it changes.
    pub answer: Option<Answer>,
    /// How fast its body goes on.
    pub rate: Option<Throttle>,
    /// Whether that is only counted.
    pub shadow: bool,
    /// The limits that it is under, where only the response says whether there is a fault.
    pub unspent: Option<Scopes>,
}

/// A response that waits.
#[derive(Debug)]
pub struct AnswerHeld {
    /// Until when.
    pub due: Instant,
    /// How it ends, if it is not to go on.
    pub end: Option<End>,
    /// The work on its body.
    pub body: Option<Body>,
}

impl Exchange {
    /// An exchange of which no more is known.
    pub fn new(cause: Cause, stage: Stage) -> Self {
        Self { cause, stage, upload: None, places: None, marks: false, deadlines: [None; 2] }
    }

    /// Whether it is being held or slowed down, or will be.
    pub fn is_active(&self) -> bool {
        let later = match &self.stage {
            Stage::Held(_) | Stage::AnswerHeld(_) => true,
            Stage::Forwarded(ahead) => ahead.holds(),
            Stage::Answered(body) => body.as_ref().is_some_and(Body::is_paced),
        };
        later || self.upload.as_ref().is_some_and(Body::is_paced)
    }

    /// Whether nothing is left to do with it.
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

    /// When something is due for one of its messages.
    pub fn due(&self, direction: Direction) -> Option<Instant> {
        match (direction, &self.stage) {
            (Direction::Request, Stage::Held(held)) => Some(held.due),
            (Direction::Request, _) => self.upload.as_ref()?.due(),
            (Direction::Response, Stage::AnswerHeld(held)) => Some(held.due),
            (Direction::Response, Stage::Answered(body)) => body.as_ref()?.due(),
            (Direction::Response, _) => None,
        }
    }

    /// The work on a body that is on its way.
    pub fn body(&mut self, direction: Direction) -> Option<&mut Body> {
        match (direction, &mut self.stage) {
            (Direction::Request, _) => self.upload.as_mut(),
            (Direction::Response, Stage::Answered(body)) => body.as_mut(),
            (Direction::Response, _) => None,
        }
    }

    /// Whether there is work on a body that is on its way.
    pub fn works_on(&self, direction: Direction) -> bool {
        match (direction, &self.stage) {
            (Direction::Request, _) => self.upload.is_some(),
            (Direction::Response, Stage::Answered(body)) => body.is_some(),
            (Direction::Response, _) => false,
        }
    }

    /// Whether one of its messages is held, headers and all.
    pub fn holds(&self, direction: Direction) -> bool {
        match direction {
            Direction::Request => matches!(self.stage, Stage::Held(_)),
            Direction::Response => matches!(self.stage, Stage::AnswerHeld(_)),
        }
    }
}

impl Ahead {
    /// Whether nothing is to happen to it.
    pub fn is_empty(&self) -> bool {
        self.reply.is_none() && self.answer.is_none() && self.rate.is_none()
    }

    /// Whether the response will be held or slowed down.
    fn holds(&self) -> bool {
        !self.shadow
            && (self.rate.is_some() || self.answer.as_ref().is_some_and(|answer| answer.delay.is_some()))
    }
}
