//! One request and its response, once a rule has taken it.
//!
//! ```text
//!                 headers, to be held           the deadline
//!   (a rule took it) ─────────────► Held ─────────────────────► Forwarded ──► (response headers: marked, forgotten)
//!         │                          │ the deadline, to be answered
//!         │ headers, to be answered  ▼
//!         └───────────────────────► (answered: forgotten)
//! ```
//!
//! Each arrow consumes the state that it leaves, so an exchange cannot be resumed or answered twice; the client's
//! leaving drops it from wherever it is.

use crate::fault::{Kind, Kinds};
use crate::limits::Places;
use crate::plan::RuleId;
use crate::step::{LocalReply, Release};
use crate::time::Instant;
use alloc::rc::Rc;

/// Whose doing it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The rule that took the request.
    pub rule: RuleId,
    /// Its name, which outlives a document in a route's metadata.
    pub name: Rc<str>,
    /// The faults that it has suffered, or will.
    pub kinds: Kinds,
}

/// An exchange that a rule has taken and that the engine still has something to do with.
#[derive(Debug)]
pub enum Exchange {
    /// The request waits.
    Held(Held),
    /// The request has been forwarded after waiting; its response will say so.
    Forwarded(Cause),
}

/// A request that does not wait any more.
#[derive(Debug)]
pub struct Released {
    /// What to do with it.
    pub release: Release,
    /// The fault that begins now, if it is answered.
    pub begun: Option<Kind>,
    /// Whose doing it is.
    pub cause: Cause,
    /// The places to be given back.
    pub places: Places,
}

/// A request that waits.
#[derive(Debug)]
pub struct Held {
    /// Until when.
    pub due: Instant,
    /// Whose doing it is.
    pub cause: Cause,
    /// How it ends, if it is not to be forwarded.
    pub end: Option<(Kind, LocalReply)>,
    /// The places that it takes.
    pub places: Places,
}

impl Held {
    /// The faults that have begun: not the one that it was to end with.
    pub fn suffered(&self) -> Cause {
        let ending = self.end.as_ref().map(|(kind, _)| *kind);
        let kinds = self.cause.kinds.iter().filter(|kind| Some(*kind) != ending).collect();
        Cause { kinds, ..self.cause.clone() }
    }

    /// The wait is over.
    pub fn release(self) -> Released {
        let (release, begun) = match self.end {
            Some((kind, reply)) => (Release::Reply(reply), Some(kind)),
            None => (Release::Resume, None),
        };
        Released { release, begun, cause: self.cause, places: self.places }
    }
}
