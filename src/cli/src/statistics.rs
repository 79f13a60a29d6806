//! Confidence intervals, shares and percentiles for reports.

use std::time::Duration;

/// The two-sided 95 % quantile of the standard normal distribution.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// Returns Wilson's interval (E. B. Wilson, 1927) for the true share, given `hits` of `trials`. `z` is the quantile of the
/// confidence level. Both ends are from 0 to 1.
#[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
pub fn wilson(hits: u64, trials: u64, z: f64) -> Option<(f64, f64)> {
    if trials == 0 {
        return None;
    }
    let (n, share) = (trials as f64, hits as f64 / trials as f64);
    let center = (share + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    // At 0 and 1 the ends are exact, and floating-point arithmetic would miss them by the last digit.
    let low = if hits == 0 { 0.0 } else { (center - half).max(0.0) };
    let high = if hits == trials { 1.0 } else { (center + half).min(1.0) };
    Some((low, high))
}

/// Returns `hits` divided by `trials`, from 0 to 1.
#[allow(clippy::cast_precision_loss, reason = "counts beyond 2^53 are not reached")]
pub fn share(hits: u64, trials: u64) -> f64 {
    if trials == 0 { 0.0 } else { hits as f64 / trials as f64 }
}

/// The percentiles that reports show.
pub const PERCENTILES: [(&str, f64); 6] =
    [("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p99.9", 99.9), ("max", 100.0)];

/// Returns the given percentile of sorted durations (nearest rank).
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
    use super::{Z_95, percentile, wilson};
    use std::time::Duration;

    /// Figures computed with the formula by hand.
    #[test]
    fn the_interval_is_wilsons() {
        let (low, high) = wilson(20, 100, Z_95).expect("trials");
        assert!((low - 0.133_367).abs() < 1e-6 && (high - 0.288_829).abs() < 1e-6, "{low} {high}");
        let (low, high) = wilson(0, 50, Z_95).expect("trials");
        assert!(low == 0.0 && (high - 0.071_347).abs() < 1e-5, "{low} {high}");
        assert_eq!(wilson(0, 0, Z_95), None);
        for trials in 1..10_000 {
            assert_eq!(wilson(0, trials, 3.0).map(|(low, _)| low), Some(0.0));
            assert_eq!(wilson(trials, trials, 3.0).map(|(_, high)| high), Some(1.0), "{trials}");
        }
    }

    #[test]
    fn a_percentile_is_a_value_that_occurred() {
        let sorted: Vec<Duration> = (1..=10).map(Duration::from_millis).collect();
        assert_eq!(percentile(&sorted, 50.0), Some(Duration::from_millis(5)));
        assert_eq!(percentile(&sorted, 99.0), Some(Duration::from_millis(10)));
        assert_eq!(percentile(&[], 50.0), None);
    }
}
