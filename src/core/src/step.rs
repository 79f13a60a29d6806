//! The actions that the engine asks for. Each is carried out once: none of them can be copied, and an action that ends
//! or releases an exchange comes out of the engine together with the engine's own record of that exchange.

use crate::id::Direction;
use crate::value::grpc::GrpcStatus;
use alloc::string::String;
use alloc::vec::Vec;

/// A reply sent instead of the backend's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReply {
    pub status: u16,
    /// The gRPC status, for a gRPC request. Without one, the host maps the HTTP status to a gRPC status.
    pub grpc_status: Option<GrpcStatus>,
    /// Headers in addition to those that the host adds.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; for gRPC, the message.
    pub body: Vec<u8>,
    /// The reason, for the access log's `%RESPONSE_CODE_DETAILS%`.
    pub details: &'static str,
}

/// A change to the headers of a message. Names are in lower case, and include `:status`, `:path` and `:method`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderChange {
    /// Replaces all values of the header with this one.
    Set(String, Vec<u8>),
    /// Adds a value to the header.
    Add(String, Vec<u8>),
    /// Removes all values of the header.
    Remove(String),
}

impl HeaderChange {
    /// Returns the name of the header to change.
    pub fn name(&self) -> &str {
        match self {
            Self::Set(name, _) | Self::Add(name, _) | Self::Remove(name) => name,
        }
    }
}

/// The next step for a message whose headers have just arrived.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum HeadersStep {
    /// Do nothing: the message goes on unchanged.
    Continue,
    /// Change its headers and forward it.
    Forward(Vec<HeaderChange>),
    /// Change its headers and hold it: [`crate::engine::Engine::next_due`] returns when and how to release it.
    Hold(Vec<HeaderChange>),
    /// Answer the request, instead of forwarding it or passing on the backend's response.
    Reply(LocalReply),
    Reset,
}

/// The next step for a piece of a body.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct DataStep {
    /// The bytes that replace the host's buffer; `None` leaves it as it is.
    pub put: Option<Vec<u8>>,
    pub then: DataThen,
}

/// The next step for a piece of a body once its bytes are in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataThen {
    Forward,
    /// Let the host buffer it; [`Release::Emit`] can add bytes before it. The host keeps reading from the sender, and
    /// fails the stream if the buffer exceeds its limit, so this is only for small pieces that are taken out of the
    /// host's buffer.
    Buffer,
    /// Let the host buffer it, with backpressure on the sender at the watermark. Only [`Release::Resume`] may follow.
    Watermark,
    Reset,
}

impl DataStep {
    /// The step that forwards the piece unchanged.
    pub const FORWARD: Self = Self { put: None, then: DataThen::Forward };
}

/// The next step for trailers that have just arrived.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum TrailersStep {
    /// Do nothing: the trailers go on unchanged.
    Continue,
    /// Append this to the body before the trailers, and forward both.
    Forward(Vec<u8>),
    /// Append this to the body before the trailers, and hold both: [`crate::engine::Engine::next_due`] returns when to
    /// release them.
    Hold(Option<Vec<u8>>),
    /// Reset the stream: bytes taken out of the body cannot be put back, or a body that the headers announce cannot be
    /// sent.
    Reset,
}

/// The next step for an exchange whose wait is over.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Release {
    /// Resume a held message: its headers, or the part of its body that the host has buffered.
    Resume(Direction),
    /// Answer the request instead of forwarding this held message.
    Reply(Direction, LocalReply),
    Reset,
    /// Send these bytes as part of the body.
    Emit(Direction, Vec<u8>),
}
