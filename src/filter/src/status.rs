//! What the filter answers to the host's callbacks. Envoy reads more numbers than the two that the SDK knows.

use brownout_core::step::DataThen;

/// After the headers of a request or of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum HeadersStatus {
    /// On to the next filter.
    Continue = 0,
    /// They, and all that follows them, wait until the stream is told to go on, whatever the plugin's
    /// `allow_on_headers_stop_iteration` says. Nothing is called for what waits, and the sender is slowed down once the
    /// buffer is full.
    StopAllIterationAndWatermark = 4,
}

/// After a piece of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum DataStatus {
    /// On to the next filter, with all that has waited.
    Continue = 0,
    /// It waits, and the next callback sees it together with what has come since. More than the buffer takes is an
    /// error: 413 for a request, 500 or a reset for a response.
    StopIterationAndBuffer = 1,
    /// It waits, and the sender is slowed down once the buffer is full.
    StopIterationAndWatermark = 2,
}

/// After the trailers, which end a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum TrailersStatus {
    /// On to the next filter, with all that has waited.
    Continue = 0,
    /// They wait until the stream is told to go on.
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
