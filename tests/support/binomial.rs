//! Statistical bounds on the outcomes of random trials.

use std::ops::RangeInclusive;

/// The number of standard deviations that count as chance: about one run in two million exceeds this.
const BELIEVABLE: f64 = 5.0;

/// Returns how often an event of a given probability can plausibly happen in a number of independent trials.
///
/// # Panics
/// When there are too few trials to approximate the binomial distribution by the normal one.
pub fn believable(trials: usize, probability: f64) -> RangeInclusive<usize> {
    #[expect(clippy::cast_precision_loss, reason = "some thousand trials")]
    let trials = trials as f64;
    let mean = trials * probability;
    let variance = mean * (1.0 - probability);
    assert!(variance > 9.0, "{trials} trials are too few for a probability of {probability}");
    let margin = BELIEVABLE * variance.sqrt() + 0.5;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the trials")]
    let bound = |value: f64| value.clamp(0.0, trials) as usize;
    bound((mean - margin).ceil())..=bound((mean + margin).floor())
}

#[cfg(test)]
mod tests {
    use super::believable;

    #[test]
    fn five_standard_deviations_on_either_side() {
        // The standard deviation is 40.
        assert_eq!(believable(10_000, 0.2), 1800..=2200);
    }

    #[test]
    fn bounds_stay_within_what_can_happen() {
        assert_eq!(believable(100, 0.2), 0..=40);
    }
}
