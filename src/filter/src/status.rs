//! The statuses that the filter returns to the host. Envoy knows more of them than the two in the SDK.

use brownout_core::step::DataThen;

/// After the headers of a request or of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum HeadersStatus {
    /// On to the next filter.
    Continue = 0,
    /// Holds the headers and everything after them until the stream is resumed, whatever the plugin's
    /// `allow_on_headers_stop_iteration` says. No callbacks come for what is held, and the sender is slowed down once
    /// the buffer is full.
    StopAllIterationAndWatermark = 4,
}

/// After a piece of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum DataStatus {
    /// On to the next filter, with all that has waited.
    Continue = 0,
    /// Holds the piece, and the next callback sees it together with what has arrived since. Overflowing the buffer is
    /// an error: 413 for a request, 500 or a reset for a response.
    StopIterationAndBuffer = 1,
    /// Holds the piece, and slows the sender down once the buffer is full.
    StopIterationAndWatermark = 2,
}

/// After the trailers, which end a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum TrailersStatus {
    /// On to the next filter, with all that has waited.
    Continue = 0,
    /// Holds the trailers until the stream is resumed.
    StopIteration = 1,
}

impl From<DataThen> for DataStatus {
    fn from(then: DataThen) -> Self {
        match then {
            DataThen::Forward => Self::Continue,
            DataThen::Buffer => Self::StopIterationAndBuffer,
            // What is reset waits for that.
            DataThen::Watermark | DataThen::Reset => Self::StopIterationAndWatermark,
        }
    }
}
