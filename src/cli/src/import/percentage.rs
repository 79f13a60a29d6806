//! Shares of requests, as documents print them.

use super::built::Built;
use brownout_core::json::Json;
use serde_json::Number;

/// All of them, in millionths.
pub const ALL: u32 = 1_000_000;

/// A share in millionths as a percentage: `12.5`.
pub fn built(millionths: u32) -> Built {
    if millionths.is_multiple_of(10_000) {
        return Built::number(u64::from(millionths / 10_000));
    }
    // The nearest float to at most seven digits prints as those digits.
    Number::from_f64(f64::from(millionths) / 10_000.0)
        .map_or_else(|| Built::number(0), |n| Built::value(Json::Number(n)))
}
