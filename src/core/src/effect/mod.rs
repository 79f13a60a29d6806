//! The combined effects of a rule's faults on one exchange.

pub mod answer;

use crate::body::pace::{Pace, Rate};
use crate::body::rewrite::Rewrite;
use crate::effect::answer::Answer;
use crate::kind::Kind;
use crate::step::{HeaderChange, LocalReply};
use crate::value::duration::LONGEST;
use alloc::vec::Vec;
use core::time::Duration;

/// Everything that a rule's faults do to one exchange.
#[derive(Debug, Default)]
pub struct Effects {
    pub request: Option<RequestChange>,
    /// True if the merge patch is skipped because the request's body cannot take it.
    pub unpatched: bool,
    /// The wait before anything else happens to the request.
    pub delay: Option<Duration>,
    /// The time that the request hangs after the delay.
    pub hang: Option<Duration>,
    /// The end of the exchange after that, in place of forwarding the request.
    pub end: Option<Ending>,
    /// The rate of the request's body.
    pub request_rate: Option<Throttle>,
    pub response: Option<Answer>,
    /// The rate of the response's body.
    pub response_rate: Option<Throttle>,
}

impl Effects {
    /// Returns how long the request is held.
    pub fn hold(&self) -> Option<Duration> {
        let (delay, hang) = (self.delay.unwrap_or_default(), self.hang.unwrap_or_default());
        let hold = delay.saturating_add(hang).min(LONGEST * 2);
        (!hold.is_zero()).then_some(hold)
    }

    /// Returns whether the exchange may be held or slowed down, now or later.
    pub fn may_last(&self) -> bool {
        let answer_waits = self.response.as_ref().is_some_and(|answer| answer.delay.is_some());
        let slow = self.request_rate.is_some() || self.response_rate.is_some();
        self.hold().is_some() || answer_waits || slow
    }
}

#[derive(Debug)]
pub struct RequestChange {
    pub headers: Vec<HeaderChange>,
    pub body: Option<Rewrite>,
}

/// The end that the proxy itself puts to an exchange.
#[derive(Debug)]
pub struct Ending {
    /// The fault that begins only with it.
    pub begins: Option<Kind>,
    pub how: End,
}

/// The ways the proxy can end an exchange.
#[derive(Debug)]
pub enum End {
    Reply(LocalReply),
    Reset,
}

/// A limit on the rate of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// The fault that imposes it.
    pub begins: Kind,
    pub rate: Rate,
    /// The number of bytes that pass at full speed first.
    pub after_bytes: u64,
    /// True if the host's buffer has room for any piece of the body, see [`Pace::new`].
    pub in_small_pieces: bool,
}

impl Throttle {
    /// Returns the pace for one body.
    pub fn pace(self) -> Pace {
        Pace::new(self.rate, self.after_bytes, self.in_small_pieces)
    }
}
