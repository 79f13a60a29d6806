//! Shares of requests, as documents print them.

use super::built::Built;
use brownout_core::decode::json::Json;
use serde_json::Number;

/// All of them, in millionths.
pub const ALL: u32 = 1_000_000;

/// Converts a fraction between 0 and 1 to millionths, and returns whether that is exact.
pub fn millionths(fraction: f64) -> (u32, bool) {
    let scaled = (fraction * f64::from(ALL)).clamp(0.0, f64::from(ALL));
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is rounded, and 0 to a million"
    )]
    let rounded = scaled.round() as u32;
    (rounded, (scaled - f64::from(rounded)).abs() < 1e-6)
}

/// Converts a share in millionths to a percentage: `12.5`.
pub fn built(millionths: u32) -> Built {
    if millionths.is_multiple_of(10_000) {
        return Built::number(u64::from(millionths / 10_000));
    }
    // The nearest float to at most seven digits prints as those digits.
    Number::from_f64(f64::from(millionths) / 10_000.0)
        .map_or_else(|| Built::number(0), |n| Built::value(Json::Number(n)))
}
