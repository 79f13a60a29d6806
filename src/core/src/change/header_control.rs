//! Faults that a request asks for itself, with the headers of Envoy's fault filter. The rule decides whether that is
//! allowed, and the headers can only lower the rule's percentage.
//!
//! Source: Envoy's documentation of the fault filter, "Controlling fault injection via HTTP headers". As there, only
//! the first value of a header counts, and an invalid value counts as missing.

use crate::value::duration::LONGEST;
use crate::value::grpc::GrpcStatus;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use core::time::Duration;

/// The delay in milliseconds.
const DELAY: &str = "x-envoy-fault-delay-request";
/// The numerator of the share that is delayed.
pub const DELAY_PERCENTAGE: &str = "x-envoy-fault-delay-request-percentage";
/// The HTTP status of the reply, 200 to 599. Takes precedence over [`ABORT_GRPC`].
const ABORT: &str = "x-envoy-fault-abort-request";
/// The gRPC status of the reply, 0 to 16.
const ABORT_GRPC: &str = "x-envoy-fault-abort-grpc-request";
/// The numerator of the share that is aborted, for both.
pub const ABORT_PERCENTAGE: &str = "x-envoy-fault-abort-request-percentage";

/// The rate of the response's body in KiB per second, and the numerator of the share.
pub const THROUGHPUT_RESPONSE: [&str; 2] =
    ["x-envoy-fault-throughput-response", "x-envoy-fault-throughput-response-percentage"];
/// The same for the request's body. Envoy has no such limit, and no such headers.
pub const THROUGHPUT_REQUEST: [&str; 2] =
    ["x-envoy-fault-throughput-request", "x-envoy-fault-throughput-request-percentage"];

/// A status that a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Http(u16),
    Grpc(GrpcStatus),
}

/// Returns the delay that the request asks for: zero if it does not ask.
pub fn delay(request: &dyn RequestView) -> Duration {
    number(request, DELAY).map_or(Duration::ZERO, |ms| Duration::from_millis(ms).min(LONGEST))
}

/// Returns the status that the request asks for.
pub fn abort(request: &dyn RequestView) -> Option<Wanted> {
    let http = number(request, ABORT).and_then(|status| u16::try_from(status).ok());
    let grpc =
        || number(request, ABORT_GRPC).and_then(|code| u8::try_from(code).ok()).and_then(GrpcStatus::new);
    http.filter(|status| (200..600).contains(status)).map(Wanted::Http).or_else(|| grpc().map(Wanted::Grpc))
}

/// Returns the rate that the request asks for, in KiB per second, or `None` if it is 0.
pub fn throughput(request: &dyn RequestView, header: &str) -> Option<u64> {
    number(request, header).filter(|kib| *kib > 0)
}

/// Returns the share that the request asks for, capped at the rule's.
pub fn limited(percentage: FractionalPercent, header: &str, request: &dyn RequestView) -> FractionalPercent {
    number(request, header).map_or(percentage, |numerator| percentage.at_most(numerator))
}

/// Parses a header's first value as a whole number. Blanks around it and a leading plus sign are allowed, as in
/// Envoy.
fn number(request: &dyn RequestView, header: &str) -> Option<u64> {
    let value = request.first_value(header)?;
    let text = core::str::from_utf8(&value).ok()?.trim_ascii();
    // `parse` takes one plus sign as well.
    text.parse().ok()
}
