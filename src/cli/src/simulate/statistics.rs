//! A little statistics.

use std::time::Duration;

/// The two-sided 95 % quantile of the standard normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// Wilson's interval (E. B. Wilson, 1927): where the true share lies with a confidence of 95 %, once `hits` of `trials`
/// have been seen. Both ends are from 0 to 1.
#[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
pub fn wilson(hits: u64, trials: u64) -> Option<(f64, f64)> {
    if trials == 0 {
        return None;
    }
    let (n, share) = (trials as f64, hits as f64 / trials as f64);
    let z2 = Z_95 * Z_95;
    let center = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z_95 / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    Some(((center - half).max(0.0), (center + half).min(1.0)))
}

/// `hits` of `trials`, from 0 to 1.
#[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
pub fn share(hits: u64, trials: u64) -> f64 {
    if trials == 0 { 0.0 } else { hits as f64 / trials as f64 }
}

/// The percentiles that are told.
pub const PERCENTILES: [(&str, f64); 6] =
    [("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)];

/// The shortest of sorted durations that so many percent do not exceed.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
pub fn percentile(sorted: &[Duration], percent: f64) -> Option<Duration> {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::{percentile, wilson};
    use std::time::Duration;

    /// Figures computed with the formula by hand.
    #[test]
    fn the_interval_is_wilsons() {
        let (low, high) = wilson(20, 100).expect("trials");
        assert!((low - 0.133_367).abs() < 1e-6 && (high - 0.288_829).abs() < 1e-6, "{low} {high}");
        let (low, high) = wilson(0, 50).expect("trials");
        assert!(low == 0.0 && (high - 0.071_347).abs() < 1e-5, "{low} {high}");
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let sorted: Vec<Duration> = (1..=10).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50.0), Some(Duration::from_millis(5)));
        assert_eq!(percentile(&sorted, 99.0), Some(Duration::from_millis(10)));
        assert_eq!(percentile(&[], 50.0), None);
    }
}
