//! What the engine wants done. Each value is acted on once: none of them can be copied, and what ends or releases an
//! exchange comes out of the engine together with the engine's own record of it.

use crate::decode::diagnostic::Diagnostic;
use crate::fault::{Kind, Kinds};
use crate::plan::RuleId;
use crate::stop::Ends;
use crate::value::grpc::GrpcStatus;
use crate::value::timestamp::Timestamp;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Which exchange: a number that no two exchanges under way share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u32);

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the client to the backend.
    Request,
    /// Back.
    Response,
}

/// A reply in place of the backend's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    /// The HTTP status.
    pub status: u16,
    /// The gRPC status, for a gRPC request; without one, such a request gets the status that the host maps the HTTP
    /// status to.
    pub grpc_status: Option<GrpcStatus>,
    /// Headers beside those that the host adds.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; for gRPC, the message.
    pub body: Vec<u8>,
    /// Why, for the access log's `%RESPONSE_CODE_DETAILS%`.
    pub details: &'static str,
}

/// A change to the headers of a message. Names are in lower case; `:status`, `:path` and `:method` are names too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderChange {
    /// Takes the place of all values.
    Set(String, Vec<u8>),
    /// One more value.
    Add(String, Vec<u8>),
    /// No value at all.
    Remove(String),
}

impl HeaderChange {
    /// The name of the header that changes.
    pub fn name(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Add(name, _) | Self::Remove(name) => name,
        }
    }
}

/// What to do with a message whose headers have just arrived.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum HeadersStep {
    /// Nothing.
    Continue,
    /// Change its headers and let it go on.
    Forward(Vec<HeaderChange>),
    /// Change its headers and hold it: [`crate::engine::Engine::next_due`] will say when it goes on, and how.
    Hold(Vec<HeaderChange>),
    /// Answer the request, instead of forwarding it or of the answer that has come.
    Reply(LocalReply),
    /// Reset the stream.
    Reset,
}

/// What to do with a piece of a body.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct DataStep {
    /// What takes the place of all that the host shows.
    pub put: Option<Vec<u8>>,
    /// And then.
    pub then: DataThen,
}

/// What becomes of a piece of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataThen {
    /// It goes on.
    Forward,
    /// It stays with the host, where [`Release::Emit`] can put more before it. The host takes more from the sender all
    /// the while, and more than its buffer limit at once is an error to it: so this is only for small pieces, taken out
    /// of its hands.
    Buffer,
    /// It stays with the host, which holds the sender back once it has enough. Only [`Release::Resume`] may follow.
    Watermark,
    /// The stream is reset.
    Reset,
}

impl DataStep {
    /// As it is.
    pub const FORWARD: Self = Self { put: None, then: DataThen::Forward };
}

/// What to do with trailers that have just arrived.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum TrailersStep {
    /// Nothing.
    Continue,
    /// Put this before them into the body, and let both go on.
    Forward(Vec<u8>),
    /// Put this before them into the body, and hold both: [`crate::engine::Engine::next_due`] will say when they go on.
    Hold(Option<Vec<u8>>),
    /// Reset the stream: what has been taken out of the body cannot be put back, or what the headers tell of not be put.
    Reset,
}

/// What to do with an exchange whose wait is over.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Release {
    /// Let a message go on that was held: its headers, or what the host has of its body.
    Resume(Direction),
    /// Answer the request, in the place of this message, which was held.
    Reply(Direction, LocalReply),
    /// Reset the stream.
    Reset,
    /// Put this into the body, and let it go on.
    Emit(Direction, Vec<u8>),
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
