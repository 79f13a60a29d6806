//! Statistical checks of drawn numbers. All seeds are fixed, so that nothing here fails by chance.
#![allow(clippy::cast_precision_loss, reason = "some hundred thousands")]

/// Five standard deviations: by chance once in some millions of seeds.
pub fn within_bounds(hits: usize, draws: usize, share: f64) -> bool {
    let (hits, draws) = (hits as f64, draws as f64);
    (hits - draws * share).abs() <= 5.0 * (draws * share * (1.0 - share)).sqrt()
}

/// Pearson's statistic for counts that should all be equal.
pub fn chi_square(counts: &[usize]) -> f64 {
    let expected = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    counts.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

/// Pearson's statistic for a table of two choices that should not depend on each other; it has one degree of freedom.
/// Cells: both, only the first, only the second, neither.
pub fn chi_square_of_table([both, first, second, neither]: [usize; 4]) -> f64 {
    let [both, first, second, neither] = [both, first, second, neither].map(|count| count as f64);
    let margins = (both + first) * (second + neither) * (both + second) * (first + neither);
    (both + first + second + neither) * (both * neither - first * second).powi(2) / margins
}

/// Kolmogorov's and Smirnov's distance of samples from a distribution function, times the root of their number. The
/// function may jump: its limit from below counts where it does.
pub fn kolmogorov_smirnov(
    mut samples: Vec<f64>,
    below: impl Fn(f64) -> f64,
    up_to: impl Fn(f64) -> f64,
) -> f64 {
    samples.sort_unstable_by(f64::total_cmp);
    let count = samples.len() as f64;
    let mut distance: f64 = 0.0;
    let mut rank = 0;
    while let Some(value) = samples.get(rank).copied() {
        let next = rank + samples.iter().skip(rank).take_while(|other| **other == value).count();
        distance = distance.max((below(value) - rank as f64 / count).abs());
        distance = distance.max((up_to(value) - next as f64 / count).abs());
        rank = next;
    }
    distance * count.sqrt()
}
