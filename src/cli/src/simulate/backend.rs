//! The backend of a simulation: it answers at once, and always the same.

use brownout_core::sim::{Head, UpstreamResponse};

/// Returns its response: this status and this number of bytes, at least two for `{}`. The body is JSON; requests with a
/// body use the same one.
pub fn answer(status: u16, bytes: usize) -> UpstreamResponse {
    let body = format!("{{{:width$}}}", "", width = bytes.saturating_sub(2)).into_bytes();
    let length = body.len().to_string();
    let headers = [("content-type", &b"application/json"[..]), ("content-length", length.as_bytes())];
    UpstreamResponse { head: Head::response(status, headers), body }
}
