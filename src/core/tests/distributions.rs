//! Delay lengths: each distribution against its distribution function, and invalid distributions.

use crate::common;

use brownout_core::decode::Decoder;
use brownout_core::effect::Effects;
use brownout_core::engine::event::Event;
use brownout_core::entropy::Entropy;
use brownout_core::fault::Fault;
use brownout_core::fault::delay::Delay;
use brownout_core::step::HeadersStep;
use common::statistics::{kolmogorov_smirnov, within_bounds};
use common::{FIRST, Head, Seeded, Steps, about_faults, json, suffering};
use std::time::Duration;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DRAWS: usize = 50_000;
/// The critical value of Kolmogorov's distribution at one in a thousand.
const CRITICAL: f64 = 1.95;

/// The length that a delay draws: nothing, if it does not delay.
fn draw(delay: &Delay, entropy: &mut dyn Entropy) -> Duration {
    let mut effects = Effects::default();
    let delays = delay.apply(&Head::default(), entropy, &mut effects);
    assert_eq!((delays, effects.end.is_none()), (effects.delay.is_some(), true));
    effects.delay.unwrap_or_default()
}

/// Enough lengths to tell distributions apart, in seconds.
fn drawn(delay: &str, seed: u64) -> Vec<f64> {
    some(DRAWS, delay, seed)
}

fn some(count: usize, delay: &str, seed: u64) -> Vec<f64> {
    let delay: Delay = Decoder::decode(&json(delay)).unwrap_or_else(|found| panic!("{delay}: {found:?}"));
    let mut entropy = Seeded(seed);
    (0..count).map(|_| draw(&delay, &mut entropy).as_secs_f64()).collect()
}

/// Compares with a continuous distribution function.
#[track_caller]
fn assert_follows(delay: &str, function: impl Fn(f64) -> f64) {
    let lengths = drawn(delay, 1);
    let distance = kolmogorov_smirnov(lengths.clone(), &function, &function);
    assert!(distance < CRITICAL, "{delay}: {distance}");
    let elsewhere = kolmogorov_smirnov(lengths, |x| function(x * 0.97), |x| function(x * 0.97));
    assert!(elsewhere > CRITICAL, "{delay}: the test would not see 3 % more ({elsewhere})");
}

/// Returns the cumulative distribution function of the standard normal distribution.
fn normal(z: f64) -> f64 {
    0.5 * libm::erfc(-z / std::f64::consts::SQRT_2)
}

/// The 99th percentile of the standard normal distribution, by bisection.
fn z_99() -> f64 {
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..60 {
        let middle: f64 = f64::midpoint(low, high);
        if normal(middle) < 0.99 { low = middle } else { high = middle }
    }
    low
}

#[test]
fn uniform_delays_are_spread_evenly() {
    assert_follows(r#"{"uniform":{"min":"100ms","max":"1.1s"}}"#, |x| (x - 0.1).clamp(0.0, 1.0));
    assert_follows(r#"{"uniform":{"min":"0s","max":"2ms"}}"#, |x| (x / 0.002).clamp(0.0, 1.0));
    let lengths = some(100, r#"{"uniform":{"min":"1s","max":"1s"}}"#, 2);
    assert!(lengths.iter().all(|length| (length - 1.0).abs() < 1e-9), "from 1 s to 1 s");
}

#[test]
fn normal_delays_follow_the_normal_distribution() {
    assert_follows(r#"{"normal":{"mean":"1s","stddev":"150ms"}}"#, |x| normal((x - 1.0) / 0.15));
    let lengths = some(100, r#"{"normal":{"mean":"20ms","stddev":"0s"}}"#, 2);
    assert!(lengths.iter().all(|length| (length - 0.02).abs() < 1e-9), "without any deviation");
}

#[test]
fn what_would_be_less_than_nothing_is_nothing() {
    let function = |x: f64| normal((x - 0.1) / 0.1);
    let below = |x: f64| if x > 0.0 { function(x) } else { 0.0 };
    let lengths = drawn(r#"{"normal":{"mean":"100ms","stddev":"100ms"}}"#, 3);
    let none = lengths.iter().filter(|length| **length == 0.0).count();
    assert!(within_bounds(none, DRAWS, normal(-1.0)), "{none}");
    let distance = kolmogorov_smirnov(lengths, below, function);
    assert!(distance < CRITICAL, "{distance}");
}

#[test]
fn lognormal_delays_have_their_median_and_their_99th_percentile() {
    let (z, ln) = (z_99(), f64::ln);
    let wide = r#"{"lognormal":{"median":"50ms","p99":"1s"}}"#;
    assert_follows(wide, |x| normal(ln(x / 0.05) * z / ln(20.0)));
    assert_follows(r#"{"lognormal":{"median":"1s","p99":"1.5s"}}"#, |x| normal(ln(x) * z / ln(1.5)));
    let lengths = some(100, r#"{"lognormal":{"median":"1s","p99":"1s"}}"#, 2);
    assert!(lengths.iter().all(|length| (length - 1.0).abs() < 1e-9), "from 1 s to 1 s");
}

#[test]
fn exponential_delays_have_their_mean() {
    assert_follows(r#"{"exponential":{"mean":"250ms"}}"#, |x| 1.0 - (-x / 0.25).exp());
    let lengths = drawn(r#"{"exponential":{"mean":"250ms"}}"#, 4);
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let mean = lengths.iter().sum::<f64>() / DRAWS as f64;
    assert!((mean - 0.25).abs() < 0.005, "{mean}");
}

#[test]
fn pareto_delays_have_their_tail() {
    let function = |x: f64, min: f64, shape: f64| 1.0 - (min / x.max(min)).powf(shape);
    assert_follows(r#"{"pareto":{"min":"10ms","shape":1.5}}"#, |x| function(x, 0.01, 1.5));
    assert_follows(r#"{"pareto":{"min":"100ms","shape":3}}"#, |x| function(x, 0.1, 3.0));
    // At the smallest shape, nearly half of them would be longer than an hour.
    let lengths = drawn(r#"{"pareto":{"min":"1s","shape":0.1}}"#, 5);
    let cut = lengths.iter().filter(|length| **length >= 3600.0).count();
    assert!(within_bounds(cut, DRAWS, 3600_f64.powf(-0.1)), "{cut}");
    assert!(lengths.iter().all(|length| (1.0..=3600.0).contains(length)));
}

#[test]
fn percentiles_are_hit_and_between_them_delays_are_spread_evenly() {
    let measured = r#"{"percentiles":{"p50":"20ms","p90":"80ms","p99":"1s"}}"#;
    let points = [(0.0, 0.0), (0.5, 0.02), (0.9, 0.08), (0.99, 1.0)];
    let function = |x: f64| {
        let part = points.windows(2).find(|pair| x < pair[1].1);
        part.map_or(0.99, |pair| {
            pair[0].0 + (x - pair[0].1) / (pair[1].1 - pair[0].1) * (pair[1].0 - pair[0].0)
        })
    };
    let up_to = |x: f64| if x < 1.0 { function(x) } else { 1.0 };
    let lengths = drawn(measured, 6);
    for (share, length) in &points[1..3] {
        let shorter = lengths.iter().filter(|drawn| *drawn <= length).count();
        assert!(within_bounds(shorter, DRAWS, *share), "{shorter} are at most {length} s");
    }
    let longest = lengths.iter().filter(|drawn| **drawn == 1.0).count();
    assert!(within_bounds(longest, DRAWS, 0.01), "{longest} are as long as the last percentile");
    assert_eq!(lengths.iter().copied().fold(0.0, f64::max), 1.0, "and none is longer");
    let distance = kolmogorov_smirnov(lengths, function, up_to);
    assert!(distance < CRITICAL, "{distance}");
}

#[test]
fn percentiles_may_say_where_they_begin_and_stand_in_any_order() {
    let function = |x: f64| ((x - 0.1) / 0.4).clamp(0.0, 1.0);
    assert_follows(r#"{"percentiles":{"p100":"500ms","p0":"100ms"}}"#, function);
    let same =
        [r#"{"percentiles":{"p50":"1s","p99.9":"2s"}}"#, r#"{"percentiles":{"p99.9":"2s","p50":"1s"}}"#];
    assert_eq!(some(1_000, same[0], 7), some(1_000, same[1], 7));
    let step = some(100, r#"{"percentiles":{"p0":"1s","p50":"1s","p100":"1s"}}"#, 8);
    assert!(step.iter().all(|length| (length - 1.0).abs() < 1e-9), "equal percentiles are a step");
}

#[test]
fn fixed_delays_draw_nothing() {
    let mut worker = common::proxy(&suffering(r#""delay":{"fixed_delay":"1s"}"#), &[]);
    assert_eq!(worker.request(1, &common::get(&[])), HeadersStep::Hold(vec![]));
}

#[test]
fn max_cuts_whatever_is_longer() {
    let exponential = |max: &str| some(1_000, &format!(r#"{{"exponential":{{"mean":"1s"}}{max}}}"#), 9);
    let cut: Vec<f64> = exponential("").into_iter().map(|length| length.min(0.7)).collect();
    assert_eq!(exponential(r#","max":"700ms""#), cut, "the same draws");
    assert_eq!(some(100, r#"{"fixed_delay":"3s","max":"2s"}"#, 0)[0], 2.0);
    assert_eq!(some(100, r#"{"fixed_delay":"3s","max":"1h"}"#, 0)[0], 3.0);
}

#[test]
fn no_delay_is_longer_than_an_hour() {
    for delay in [
        r#"{"normal":{"mean":"1h","stddev":"1h"}}"#,
        r#"{"lognormal":{"median":"1ns","p99":"1h"}}"#,
        r#"{"lognormal":{"median":"1h","p99":"1h"}}"#,
        r#"{"exponential":{"mean":"1h"}}"#,
        r#"{"pareto":{"min":"1h","shape":0.1}}"#,
        r#"{"percentiles":{"p0":"1h","p100":"1h"}}"#,
    ] {
        let longest = some(1_000, delay, 10).into_iter().fold(0.0, f64::max);
        assert_eq!(longest, 3600.0, "{delay}");
    }
}

/// Draws whose bits are all the same: the ends of every interval.
struct Constant(u64);

impl Entropy for Constant {
    fn next_u64(&mut self) -> u64 {
        self.0
    }
}

#[test]
fn the_extremes_of_chance_make_no_extremes() {
    for (delay, shortest, longest) in [
        (r#"{"uniform":{"min":"1s","max":"2s"}}"#, 1.0, 2.0),
        (r#"{"normal":{"mean":"1s","stddev":"100ms"}}"#, 0.0, 2.0),
        (r#"{"lognormal":{"median":"1s","p99":"2s"}}"#, 0.05, 20.0),
        (r#"{"exponential":{"mean":"1s"}}"#, 0.0, 40.0),
        (r#"{"pareto":{"min":"1s","shape":100}}"#, 1.0, 1.5),
        (r#"{"percentiles":{"p0":"1s","p100":"2s"}}"#, 1.0, 2.0),
    ] {
        let delay: Delay = Decoder::decode(&json(delay)).expect(delay);
        for bits in [0, 1, 1 << 11, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 2047, u64::MAX] {
            let length = draw(&delay, &mut Constant(bits)).as_secs_f64();
            assert!((shortest..=longest).contains(&length), "{delay:?} {bits:x}: {length}");
        }
    }
}

#[test]
fn a_length_of_nothing_is_no_fault_and_is_not_said_to_be_one() {
    let mut worker = common::seeded(&suffering(r#""delay":{"normal":{"mean":"1ns","stddev":"1s"}}"#), 11);
    let (mut held, mut said) = (0, 0);
    for number in 0..1_000 {
        held += usize::from(worker.request(number, &common::get(&[])) == HeadersStep::Hold(vec![]));
        said += worker.events().iter().filter(|event| **event == Event::Injected(FIRST)).count();
    }
    assert_eq!(held, said);
    assert!(within_bounds(held, 1_000, 0.5), "{held}");
}

/// The first three lengths of seed 12, in nanoseconds.
#[test]
fn the_same_seed_draws_the_same_lengths_on_every_platform() {
    for (delay, nanos) in [
        (r#"{"uniform":{"min":"1s","max":"2s"}}"#, [1_579_101_204, 1_939_463_267, 1_234_738_817]),
        (r#"{"normal":{"mean":"1s","stddev":"100ms"}}"#, [1_097_054_948, 1_140_715_007, 984_518_353]),
        (r#"{"lognormal":{"median":"50ms","p99":"1s"}}"#, [174_485_010, 306_147_522, 40_962_605]),
        (r#"{"exponential":{"mean":"250ms"}}"#, [136_569_506, 15_611_640, 362_320_450]),
        (r#"{"pareto":{"min":"10ms","shape":1.5}}"#, [14_393_410, 10_425_098, 26_279_074]),
        (r#"{"percentiles":{"p50":"20ms","p99":"1s"}}"#, [178_202_408, 898_926_534, 9_389_553]),
    ] {
        let parsed: Delay = Decoder::decode(&json(delay)).expect(delay);
        let mut entropy = Seeded(12);
        let lengths = [0; 3].map(|_| draw(&parsed, &mut entropy).as_nanos());
        assert_eq!(lengths, nanos, "{delay}");
    }
}

/// Returns the messages about a delay, without its path.
#[track_caller]
fn about(delay: &str) -> Vec<String> {
    let said = about_faults(&format!(r#""delay":{delay}"#));
    said.iter()
        .map(|line| line.strip_prefix("delay").expect(line).trim_start_matches(['.', ':', ' ']).into())
        .collect()
}

#[test]
fn parameters_that_contradict_each_other_are_refused() {
    for (delay, expected) in [
        (
            r#"{"uniform":{"min":"2s","max":"1s"}}"#,
            "uniform: `min` is more than `max`: `min` is 2s, `max` is 1s",
        ),
        (r#"{"uniform":{"min":"0s","max":"0s"}}"#, "uniform: invalid delay: a zero delay has no effect"),
        (
            r#"{"lognormal":{"median":"2s","p99":"1s"}}"#,
            "lognormal: `p99` is less than `median`: `p99` is 1s, `median` is 2s",
        ),
        (
            r#"{"percentiles":{"p90":"1s","p50":"2s"}}"#,
            "percentiles: percentiles must increase: `p50` is 2s, `p90` is 1s",
        ),
        (
            r#"{"percentiles":{"p50":"1s","p50.0":"1s"}}"#,
            "percentiles: percentiles must increase: `p50` is 1s, `p50.0` is 1s",
        ),
    ] {
        assert_eq!(about(delay), [expected], "{delay}");
    }
    assert_eq!(about(r#"{"uniform":{"min":"1s","max":"2s"},"fixed_delay":"1s"}"#).len(), 1, "one length");
}

#[test]
fn parameters_of_nothing_are_refused() {
    for (delay, field) in [
        (r#"{"normal":{"mean":"0s","stddev":"1s"}}"#, "normal.mean"),
        (r#"{"lognormal":{"median":"0s","p99":"1s"}}"#, "lognormal.median"),
        (r#"{"exponential":{"mean":"0s"}}"#, "exponential.mean"),
        (r#"{"pareto":{"min":"0s","shape":1}}"#, "pareto.min"),
    ] {
        assert_eq!(
            about(delay),
            [format!("{field}: invalid duration: must be greater than zero")],
            "{delay}"
        );
    }
    let max = about(r#"{"exponential":{"mean":"1s"},"max":"0s"}"#);
    assert_eq!(max.len(), 1, "a delay that is always cut to nothing");
    assert!(max[0].starts_with("max: "), "{max:?}");
}

#[test]
fn parameters_that_are_no_durations_or_longer_than_an_hour_are_refused_with_their_path() {
    let kinds = [
        ("fixed_delay", r#"{"fixed_delay":X}"#),
        ("uniform.min", r#"{"uniform":{"min":X,"max":"1h"}}"#),
        ("uniform.max", r#"{"uniform":{"min":"1s","max":X}}"#),
        ("normal.mean", r#"{"normal":{"mean":X,"stddev":"1s"}}"#),
        ("normal.stddev", r#"{"normal":{"mean":"1s","stddev":X}}"#),
        ("lognormal.median", r#"{"lognormal":{"median":X,"p99":"1h"}}"#),
        ("lognormal.p99", r#"{"lognormal":{"median":"1s","p99":X}}"#),
        ("exponential.mean", r#"{"exponential":{"mean":X}}"#),
        ("pareto.min", r#"{"pareto":{"min":X,"shape":2}}"#),
        ("percentiles.p50", r#"{"percentiles":{"p50":X,"p99":"1h"}}"#),
        ("max", r#"{"fixed_delay":"1s","max":X}"#),
    ];
    for (path, delay) in kinds {
        for (found, label) in [
            (r#""-1s""#, "invalid duration: `-1s` is negative"),
            (r#""-0.5ms""#, "invalid duration: `-0.5ms` is negative"),
            (r#""1h1ns""#, "duration too long: `1h1ns` is more than one hour"),
            (
                r#""99999999999999999999h""#,
                "duration too long: `99999999999999999999h` is more than one hour",
            ),
        ] {
            assert_eq!(about(&delay.replace('X', found)), [format!("{path}: {label}")], "{delay} {found}");
        }
        for found in ["NaN", "nan", "inf", "Infinity", "1e3s", "NaNs", "1", ""] {
            let expected = "a duration such as `\"250ms\"` or `\"1.5s\"`";
            let said = format!("{path}: invalid duration: found `{found}`, expected {expected}");
            assert_eq!(about(&delay.replace('X', &format!("\"{found}\""))), [said], "{delay} {found}");
        }
    }
}

#[test]
fn a_shape_is_a_number_from_a_tenth_to_a_hundred() {
    let about = |shape: &str| about(&format!(r#"{{"pareto":{{"min":"1s","shape":{shape}}}}}"#));
    for shape in ["0.0999", "0", "-1", "100.001", "1e300"] {
        let said = &about(shape)[0];
        assert!(said.starts_with("pareto.shape: invalid shape: found `"), "{said}");
        assert!(said.ends_with("`, expected a number from 0.1 to 100"), "{said}");
    }
    for (shape, found) in [("\"NaN\"", "NaN"), ("\"1.5\"", "1.5"), ("true", "true"), ("[1]", "a list")] {
        let said = &about(shape)[0];
        assert!(said.starts_with("pareto.shape: invalid shape: found "), "{said}");
        assert!(said.ends_with("expected a number from 0.1 to 100") && said.contains(found), "{said}");
    }
    assert_eq!(about("null").len(), 1, "there is no default");
}

#[test]
fn percentiles_are_named_by_a_number_up_to_a_hundred() {
    let names = [
        "50", "p", "P50", "p101", "p100.1", "p-1", "p-0", "p+50", "pNaN", "pinf", "p1e1", "p.5", "p5.",
        "p 50", "p50%", "median", "p5_0", "p0x10",
    ];
    for name in names {
        let said = about(&format!(r#"{{"percentiles":{{"{name}":"1s","p99":"1h"}}}}"#));
        let message = format!("unknown percentile `{name}`: expected `p0` to `p100`");
        let way_out = "percentiles have names such as `p50`, `p99` or `p99.9`";
        let path = if name.contains([' ', '%', '.']) { None } else { Some(format!("percentiles.{name}: ")) };
        assert!(path.is_none_or(|path| said[0].starts_with(&path)), "{said:?}");
        assert!(said.len() == 1 && said[0].ends_with(&format!("{message}; {way_out}")), "{said:?}");
    }
    for none in ["{}", r#"{"p0":"1s"}"#, r#"{"p50":"0s"}"#, r#"{"p50":"0s","p99":"0s"}"#] {
        let said = about(&format!(r#"{{"percentiles":{none}}}"#));
        assert!(
            said.len() == 1 && said[0].starts_with("percentiles: too few percentiles: found "),
            "{said:?}"
        );
    }
}
