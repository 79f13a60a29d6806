//! What the engine wants done. Each value is acted on once: none of them can be copied, and what ends or releases an
//! exchange comes out of the engine together with the engine's own record of it.

use crate::id::Direction;
use crate::value::grpc::GrpcStatus;
use alloc::string::String;
use alloc::vec::Vec;

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
