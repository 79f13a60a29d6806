//! Medians and their confidence intervals.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use serde::Serialize;

const RESAMPLES: usize = 1000;
const SEED: u64 = 2;

/// A figure with its 90 % confidence interval, computed by resampling the rounds (a bootstrap).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figure {
    /// The figure computed from all rounds.
    pub value: f64,
    /// The 5th percentile of the resampled figures.
    pub low: f64,
    /// The 95th percentile of the resampled figures.
    pub high: f64,
}

impl Figure {
    /// Computes a figure: `of` maps a selection of round numbers to a value.
    pub fn of(rounds: usize, of: impl Fn(&[usize]) -> f64) -> Self {
        let all: Vec<_> = (0..rounds).collect();
        let mut chance = SmallRng::seed_from_u64(SEED);
        let mut drawn: Vec<_> = (0..RESAMPLES)
            .map(|_| {
                let choice: Vec<_> = all.iter().map(|_| chance.random_range(0..rounds)).collect();
                of(&choice)
            })
            .collect();
        drawn.sort_by(f64::total_cmp);
        Self { value: of(&all), low: percentile(&drawn, 5.0), high: percentile(&drawn, 95.0) }
    }
}

/// The median of the chosen values.
pub fn median(values: &[f64], choice: &[usize]) -> f64 {
    let mut chosen: Vec<_> = choice.iter().map(|number| values[*number]).collect();
    chosen.sort_by(f64::total_cmp);
    percentile(&chosen, 50.0)
}

/// Returns the value nearest to a percentile, given the values in ascending order.
pub fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let last = sorted.len().checked_sub(1).expect("some values");
    sorted[(last as f64 * percent / 100.0).round() as usize]
}
