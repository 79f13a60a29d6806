//! The end of an exchange, as the host reports it.

use crate::value::grpc::GrpcStatus;

/// Bits of Envoy's response flags (<https://www.envoyproxy.io/docs/envoy/latest/configuration/advanced/attributes>, in the
/// order of `source/common/stream_info`).
mod flag {
    pub const UPSTREAM_REQUEST_TIMEOUT: u64 = 1 << 2;
    pub const LOCAL_RESET: u64 = 1 << 3;
    pub const UPSTREAM_REMOTE_RESET: u64 = 1 << 4;
    pub const UPSTREAM_CONNECTION_FAILURE: u64 = 1 << 5;
    pub const UPSTREAM_CONNECTION_TERMINATION: u64 = 1 << 6;
    pub const DOWNSTREAM_CONNECTION_TERMINATION: u64 = 1 << 14;
    pub const DOWNSTREAM_PROTOCOL_ERROR: u64 = 1 << 18;
    pub const UPSTREAM_MAX_STREAM_DURATION_REACHED: u64 = 1 << 19;
    pub const UPSTREAM_PROTOCOL_ERROR: u64 = 1 << 23;
    pub const DOWNSTREAM_REMOTE_RESET: u64 = 1 << 28;
}

/// The flags of an exchange that the client ended.
const LEFT: u64 =
    flag::DOWNSTREAM_CONNECTION_TERMINATION | flag::DOWNSTREAM_PROTOCOL_ERROR | flag::DOWNSTREAM_REMOTE_RESET;

/// The backend, or what is on the way to it, ended it. Before a response this comes with a status of 500 or more.
const CUT: u64 = flag::UPSTREAM_REQUEST_TIMEOUT
    | flag::LOCAL_RESET
    | flag::UPSTREAM_REMOTE_RESET
    | flag::UPSTREAM_CONNECTION_FAILURE
    | flag::UPSTREAM_CONNECTION_TERMINATION
    | flag::UPSTREAM_MAX_STREAM_DURATION_REACHED
    | flag::UPSTREAM_PROTOCOL_ERROR;

/// The response grants an upgrade (RFC 9110, section 15.2.2): the traffic after it has no end of its own.
const SWITCHING_PROTOCOLS: u16 = 101;

/// The end of an exchange, as reported by the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closing {
    /// The status of the response, if there was one.
    pub status: Option<u16>,
    /// The bits of Envoy's response flags.
    pub flags: u64,
}

impl Closing {
    /// Returns whether it failed: `None` if that is unknown because the client did not wait for it.
    ///
    /// In a cluster's filter chain, no flag shows that the backend has cut the response off. There, an exchange
    /// succeeds only if the response has arrived and is not `unfinished`.
    pub(super) fn failed(self, in_cluster: bool, unfinished: bool) -> Option<bool> {
        if self.status.is_some_and(|status| (500..600).contains(&status)) {
            return Some(true);
        }
        if self.flags & LEFT != 0 {
            return None;
        }
        match self.status {
            Some(SWITCHING_PROTOCOLS) => Some(false),
            Some(_) if in_cluster => Some(unfinished),
            None if in_cluster => Some(true),
            _ if self.flags & CUT != 0 => Some(true),
            status => status.map(|_| false),
        }
    }
}

/// Returns whether a `grpc-status` is a server error: one that maps to an HTTP status of 500 or more. An invalid status
/// counts as one.
pub(super) fn is_server_error(grpc_status: &[u8]) -> bool {
    let code = core::str::from_utf8(grpc_status).ok().and_then(|text| text.parse().ok());
    code.and_then(GrpcStatus::new).is_none_or(|status| status.http_status() >= 500)
}
