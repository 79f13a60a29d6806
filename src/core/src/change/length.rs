//! The length of a delay: fixed, or drawn from a distribution.

use crate::change::header_control;
use crate::change::percentiles::Percentiles;
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Nothing, Refused, choice, object, schema};
use crate::entropy::Entropy;
use crate::value::duration::{LONGEST, Written};
use crate::view::RequestView;
use crate::words::{anded, length};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use libm::{cos, exp, log, pow, sqrt};
use serde::{Serialize, Serializer};

/// The 99th percentile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874_040_841;

/// Draws a uniform number from the open interval (0, 1): 53 random bits, and never 0, where the logarithm is undefined.
pub(super) fn uniform(entropy: &mut dyn Entropy) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    let bits = (entropy.next_u64() >> 11) as f64;
    (bits + 0.5) / 9_007_199_254_740_992.0
}

/// Draws a standard normal number, by the Box-Muller transform.
fn standard_normal(entropy: &mut dyn Entropy) -> f64 {
    let radius = sqrt(-2.0 * log(uniform(entropy)));
    radius * cos(core::f64::consts::TAU * uniform(entropy))
}

/// Converts seconds to a duration, clamped to between 0 and [`LONGEST`].
pub(super) fn from_seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64())).unwrap_or(LONGEST)
}

object! {
    /// A uniform distribution between two durations.
    #[derive(Debug, Clone)]
    pub struct Uniform {
        /// The shortest delay, at most `max`.
        pub min: Written,
        /// The longest delay, at least `min`.
        pub max: Written,
    }
    check Self::check
}

impl Uniform {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        if self.min > self.max {
            let label = format!("`min` is {}, `max` is {}", self.min, self.max);
            return decoder.refuse(Code::Conflict, "`min` is more than `max`", label);
        }
        if self.max.get().is_zero() {
            return decoder.refuse(Code::OutOfRange, "invalid delay", "a zero delay has no effect");
        }
        Ok(())
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        let (min, max) = (self.min.get().as_secs_f64(), self.max.get().as_secs_f64());
        from_seconds(min + (max - min) * uniform(entropy))
    }
}

object! {
    /// The normal distribution; negative values count as 0.
    #[derive(Debug, Clone)]
    pub struct Normal {
        /// The mean of the distribution, more than 0.
        pub mean: Written,
        /// The standard deviation of the distribution.
        pub stddev: Written,
    }
    check Self::check
}

impl Normal {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        more_than_nothing("mean", self.mean, decoder)
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        let deviation = self.stddev.get().as_secs_f64() * standard_normal(entropy);
        from_seconds(self.mean.get().as_secs_f64() + deviation)
    }
}

object! {
    /// The lognormal distribution, which fits most latencies.
    #[derive(Debug, Clone)]
    pub struct Lognormal {
        /// Half of the delays are shorter.
        pub median: Written,
        /// 99 % of the delays are shorter.
        pub p99: Written,
    }
    check Self::check
}

impl Lognormal {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        more_than_nothing("median", self.median, decoder)?;
        if self.p99 < self.median {
            let label = format!("`p99` is {}, `median` is {}", self.p99, self.median);
            return decoder.refuse(Code::Conflict, "`p99` is less than `median`", label);
        }
        Ok(())
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        let (median, p99) = (self.median.get().as_secs_f64(), self.p99.get().as_secs_f64());
        let sigma = log(p99 / median) / Z_99;
        from_seconds(median * exp(sigma * standard_normal(entropy)))
    }
}

object! {
    /// The exponential distribution, given by its mean.
    #[derive(Debug, Clone)]
    pub struct Exponential {
        /// The mean of the distribution, more than 0.
        pub mean: Written,
    }
    check Self::check
}

impl Exponential {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        more_than_nothing("mean", self.mean, decoder)
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        from_seconds(-self.mean.get().as_secs_f64() * log(uniform(entropy)))
    }
}

object! {
    /// The Pareto distribution: a few delays are very long.
    #[derive(Debug, Clone)]
    pub struct Pareto {
        /// The shortest possible delay, more than 0.
        pub min: Written,
        /// The shape: the smaller, the heavier the tail. From 0.1 to 100.
        pub shape: Shape,
    }
    check Self::check
}

impl Pareto {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        more_than_nothing("min", self.min, decoder)
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        from_seconds(self.min.get().as_secs_f64() * pow(uniform(entropy), -1.0 / self.shape.0))
    }
}

/// The shape of a Pareto distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape(f64);

impl Shape {
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Decode for Shape {
    const EXPECTED: &'static str = "a number from 0.1 to 100";

    schema!(|_| serde_json::json!({ "type": "number", "minimum": 0.1, "maximum": 100 }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let number = match json {
            Json::Number(number) => number.as_f64(),
            _ => None,
        };
        match number {
            Some(shape) if (0.1..=100.0).contains(&shape) => Ok(Self(shape)),
            Some(_) => {
                let label = format!("found {json}, expected {}", Self::EXPECTED);
                decoder.refuse(Code::OutOfRange, "invalid shape", label)
            }
            None => decoder.wrong_type("shape", json, Self::EXPECTED),
        }
    }
}

impl Serialize for Shape {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

fn more_than_nothing(field: &str, length: Written, decoder: &mut Decoder) -> Result<(), Refused> {
    if !length.get().is_zero() {
        return Ok(());
    }
    decoder.field(field, |d| d.refuse(Code::OutOfRange, "invalid duration", "must be greater than zero"))
}

/// A fixed length, more than 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fixed(pub Written);

impl Decode for Fixed {
    const EXPECTED: &'static str = Written::EXPECTED;

    schema!(|definitions| Written::schema(definitions));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let length = Written::decode(json, decoder)?;
        if length.get().is_zero() {
            let label = "a zero delay has no effect";
            let help = "remove `delay`, or set a longer duration";
            return decoder.refuse_with_help(Code::OutOfRange, "invalid duration", label, help);
        }
        Ok(Self(length))
    }
}

impl Serialize for Fixed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

choice! {
    /// The length of a delay.
    #[derive(Debug, Clone)]
    pub enum Length else "a delay needs a length", "a delay takes only one length" {
        /// The same delay for every request.
        Fixed(Fixed) = "fixed_delay",
        /// Uniformly distributed between two durations.
        Uniform(Uniform) = "uniform",
        /// Normally distributed; a negative value means no delay.
        Normal(Normal) = "normal",
        /// Lognormally distributed, like most latencies.
        Lognormal(Lognormal) = "lognormal",
        /// Exponentially distributed with a given mean.
        Exponential(Exponential) = "exponential",
        /// Pareto distributed: a few delays are very long.
        Pareto(Pareto) = "pareto",
        /// From measured percentiles, with linear interpolation between them.
        Percentiles(Percentiles) = "percentiles",
        /// The delay that the request asks for, with the header of Envoy's fault filter.
        Header(Nothing) = "header_delay",
    }
}

impl Length {
    /// Draws a length, at most [`LONGEST`].
    pub fn draw(&self, request: &dyn RequestView, entropy: &mut dyn Entropy) -> Duration {
        match self {
            Self::Header(Nothing) => header_control::delay(request),
            Self::Fixed(Fixed(length)) => length.get(),
            Self::Uniform(uniform) => uniform.sample(entropy),
            Self::Normal(normal) => normal.sample(entropy),
            Self::Lognormal(lognormal) => lognormal.sample(entropy),
            Self::Exponential(exponential) => exponential.sample(entropy),
            Self::Pareto(pareto) => pareto.sample(entropy),
            Self::Percentiles(percentiles) => percentiles.sample(entropy),
        }
    }

    /// Describes the length as a clause: `with a median of 200ms and a p99 of 2s (lognormal)`.
    pub fn words(&self) -> String {
        let of = |written: Written| length(written);
        match self {
            Self::Header(Nothing) => {
                "as many milliseconds as their header `x-envoy-fault-delay-request` says".into()
            }
            Self::Fixed(Fixed(fixed)) => of(*fixed),
            Self::Uniform(uniform) => {
                format!("between {} and {} (uniform)", of(uniform.min), of(uniform.max))
            }
            Self::Normal(normal) => {
                format!("{} on average with a deviation of {} (normal)", of(normal.mean), of(normal.stddev))
            }
            Self::Lognormal(lognormal) => {
                format!(
                    "with a median of {} and a p99 of {} (lognormal)",
                    of(lognormal.median),
                    of(lognormal.p99)
                )
            }
            Self::Exponential(exponential) => {
                format!("{} on average (exponential)", of(exponential.mean))
            }
            Self::Pareto(pareto) => {
                format!("{} or more, with a tail of shape {} (Pareto)", of(pareto.min), pareto.shape.get())
            }
            Self::Percentiles(percentiles) => {
                let points: Vec<String> =
                    percentiles.written().map(|(name, at)| format!("{name} of {}", of(at))).collect();
                format!("with a {}", anded(&points))
            }
        }
    }
}
