//! What happened, for counters and logs.

use crate::decode::diagnostic::Diagnostic;
use crate::id::RuleId;
use crate::kind::{Kind, Kinds};
use crate::stop::Ends;
use crate::value::timestamp::Timestamp;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Something that happened, for counters and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A request fulfilled a rule's `match`, whether or not the rule then took it.
    Matched(RuleId),
    /// A rule did something to an exchange.
    Injected(RuleId),
    /// A fault began. One that the client did not wait for never does.
    Fault {
        /// Whose.
        rule: RuleId,
        /// Which.
        kind: Kind,
    },
    /// How long a request is held.
    Delayed(Duration),
    /// A rule would have done more than limits let it.
    Overflow(RuleId),
    /// What the exchange is to say of itself in the access log, as of now.
    Reported {
        /// The rule's name.
        rule: Rc<str>,
        /// The faults that it has suffered.
        kinds: Kinds,
        /// How long it is held.
        delay: Option<Duration>,
    },
    /// A rule would have done something, were it not in `shadow` mode.
    Shadowed(RuleId),
    /// A body was not one that a merge patch applies to: it went on as it was.
    Unpatched(RuleId),
    /// A rule would have held an exchange or slowed it down, and nothing would let it go: it went on untouched.
    CannotHold(RuleId),
    /// A request met a wrong document in its route's metadata. What is wrong is said the first time.
    RouteRefused(Vec<Diagnostic>),
    /// A request's values were so long that it was not found out whether some rules match: they count as if they did not.
    GaveUp,
    /// One more exchange is being held.
    Activated,
    /// One fewer.
    Released,
    /// Too many of the exchanges that suffered nothing have failed: from now on nothing is injected. One worker of all
    /// says so.
    Stopped(Ends),
    /// The time of the document is over, since then: nothing is injected any more. One worker of all says so.
    Expired(Timestamp),
}

/// The response header that names the rule and the faults: `x-brownout: slow-checkout; delay; abort`.
pub const EVIDENCE_HEADER: &str = "x-brownout";

/// The value of [`EVIDENCE_HEADER`].
pub(crate) fn evidence(rule: &str, kinds: Kinds) -> String {
    let mut text = String::with_capacity(rule.len() + USUAL_LIST);
    text.push_str(rule);
    for kind in kinds.iter() {
        text.push_str(BETWEEN);
        text.push_str(kind.name());
    }
    text
}

/// Fault kinds as text: `delay; abort`.
pub fn listed(kinds: Kinds) -> String {
    let mut text = String::with_capacity(USUAL_LIST);
    for kind in kinds.iter() {
        text.push_str(if text.is_empty() { "" } else { BETWEEN });
        text.push_str(kind.name());
    }
    text
}

const BETWEEN: &str = "; ";
/// Room for all that one exchange is likely to suffer.
const USUAL_LIST: usize = 32;
