//! What the engine wants done. Each value is acted on once: none of them can be copied, and what ends or releases an
//! exchange comes out of the engine together with the engine's own record of it.

use crate::diagnostic::Diagnostic;
use crate::fault::{Kind, Kinds};
use crate::grpc::GrpcStatus;
use crate::plan::RuleId;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Which exchange: a number that no two exchanges under way share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u32);

/// A reply in place of the backend's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status.
    pub status: u16,
    /// The gRPC status, for a gRPC request; without one, such a request gets the status that the host maps the HTTP
    /// status to.
    pub grpc_status: Option<GrpcStatus>,
    /// Headers beside those that the host adds.
    pub headers: Vec<(String, String)>,
    /// The body; for gRPC, the message.
    pub body: String,
    /// Why, for the access log's `%RESPONSE_CODE_DETAILS%`.
    pub details: &'static str,
}

/// What to do with a request whose headers have just arrived.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum RequestStep {
    /// Nothing.
    Continue,
    /// Hold it: [`crate::engine::Engine::next_due`] will say when it goes on, and how.
    Hold,
    /// Answer it.
    Reply(LocalReply),
}

/// What to do with a request that was held, and is not any more.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Release {
    /// Forward it.
    Resume,
    /// Answer it.
    Reply(LocalReply),
}

/// What to do with a response whose headers have just arrived.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum ResponseStep {
    /// Nothing.
    Continue,
    /// Say in the header [`EVIDENCE_HEADER`] what has happened to the exchange.
    Mark(String),
}

/// The response header that names the rule and the faults: `x-brownout: slow-checkout; delay; abort`.
pub const EVIDENCE_HEADER: &str = "x-brownout";

/// The value of [`EVIDENCE_HEADER`].
pub(crate) fn evidence(rule: &str, kinds: Kinds) -> String {
    let mut text = String::from(rule);
    text.push_str("; ");
    text.push_str(&listed(kinds));
    text
}

/// Fault kinds as text: `delay; abort`.
pub fn listed(kinds: Kinds) -> String {
    let names: Vec<&str> = kinds.iter().map(Kind::name).collect();
    names.join("; ")
}

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
    /// A rule would have held one more exchange than it may.
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
    /// A request met a wrong document in its route's metadata. What is wrong is said the first time.
    RouteRefused(Vec<Diagnostic>),
    /// One more exchange is being held.
    Activated,
    /// One fewer.
    Released,
}
