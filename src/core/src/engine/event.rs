//! Events that the engine reports, for counters and logs.

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
    /// A request satisfied a rule's `match`, whether or not the rule then took it.
    Matched(RuleId),
    /// A rule did something to an exchange.
    Injected(RuleId),
    /// A fault began. One that the client did not wait for never begins.
    Fault { rule: RuleId, kind: Kind },
    /// A request or response is held for this long.
    Delayed(Duration),
    /// A limit kept a rule from acting.
    Overflow(RuleId),
    /// The current access log data of the exchange.
    Reported {
        rule: Rc<str>,
        /// The faults that have begun.
        kinds: Kinds,
        /// The total delay so far; `None` if there was none.
        delay: Option<Duration>,
    },
    /// A rule would have acted if it were not in `shadow` mode.
    Shadowed(RuleId),
    /// A merge patch did not apply to a body, which was forwarded unchanged.
    Unpatched(RuleId),
    /// A rule would have held an exchange or slowed it down, but nothing could release it: it went on untouched.
    CannotHold(RuleId),
    /// A request's route has an invalid document in its metadata. The mistakes are given only the first time.
    RouteRefused(Vec<Diagnostic>),
    /// A request's values were so long that some rules were not evaluated: they count as not matching.
    GaveUp,
    /// One more exchange is being held.
    Activated,
    /// One fewer exchange is being held.
    Released,
    /// Too many of the exchanges without a fault have failed: from now on nothing is injected. Only one worker reports
    /// this.
    Stopped(Ends),
    /// The document expired at this time: nothing is injected any more. Only one worker reports this.
    Expired(Timestamp),
}

/// The response header that names the rule and the faults: `x-brownout: slow-checkout; delay; abort`.
pub const EVIDENCE_HEADER: &str = "x-brownout";

/// Returns the value of [`EVIDENCE_HEADER`] for an exchange.
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
/// Capacity for the faults that one exchange is likely to get.
const USUAL_LIST: usize = 32;
