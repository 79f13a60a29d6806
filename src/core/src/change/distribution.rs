//! How long a delay is: always the same, or drawn from a distribution.

use crate::change::percentiles::Percentiles;
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, object, schema};
use crate::entropy::Entropy;
use crate::value::duration::{LONGEST, Written};
use alloc::format;
use core::time::Duration;
use libm::{cos, exp, log, pow, sqrt};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The 99th percentile of the standard normal distribution.
const Z_99: f64 = 2.326_347_874_040_841;

/// A uniform number from the open interval (0, 1): 53 random bits, and never an end, where logarithms have none.
pub(super) fn uniform(entropy: &mut dyn Entropy) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
    let bits = (entropy.next_u64() >> 11) as f64;
    (bits + 0.5) / 9_007_199_254_740_992.0
}

/// A standard normal number, by Box and Muller's transform.
fn standard_normal(entropy: &mut dyn Entropy) -> f64 {
    let radius = sqrt(-2.0 * log(uniform(entropy)));
    radius * cos(core::f64::consts::TAU * uniform(entropy))
}

/// Seconds as a duration: nothing below 0, [`LONGEST`] above that.
pub(super) fn from_seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.clamp(0.0, LONGEST.as_secs_f64())).unwrap_or(LONGEST)
}

object! {
    /// Evenly between two durations.
    #[derive(Debug, Clone)]
    pub struct Uniform {
        /// The shortest.
        pub min: Written,
        /// The longest.
        pub max: Written,
    }
    check Self::check
}

impl Uniform {
    fn check(&self, decoder: &mut Decoder) -> Option<()> {
        if self.min > self.max {
            let label = format!("`min` is {}, `max` is {}", self.min, self.max);
            return decoder.refuse(Code::Conflict, "`min` is more than `max`", label);
        }
        if self.max.get().is_zero() {
            return decoder.refuse(Code::OutOfRange, "invalid delay", "a delay of nothing does nothing");
        }
        Some(())
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        let (min, max) = (self.min.get().as_secs_f64(), self.max.get().as_secs_f64());
        from_seconds(min + (max - min) * uniform(entropy))
    }
}

object! {
    /// The normal distribution; what falls below 0 is 0.
    #[derive(Debug, Clone)]
    pub struct Normal {
        /// The mean.
        pub mean: Written,
        /// The standard deviation.
        pub stddev: Written,
    }
    check Self::check
}

impl Normal {
    fn check(&self, decoder: &mut Decoder) -> Option<()> {
        more_than_nothing("mean", self.mean, decoder)
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        let deviation = self.stddev.get().as_secs_f64() * standard_normal(entropy);
        from_seconds(self.mean.get().as_secs_f64() + deviation)
    }
}

object! {
    /// The lognormal distribution: what latencies mostly look like.
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
    fn check(&self, decoder: &mut Decoder) -> Option<()> {
        more_than_nothing("median", self.median, decoder)?;
        if self.p99 < self.median {
            let label = format!("`p99` is {}, `median` is {}", self.p99, self.median);
            return decoder.refuse(Code::Conflict, "`p99` is less than `median`", label);
        }
        Some(())
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        let (median, p99) = (self.median.get().as_secs_f64(), self.p99.get().as_secs_f64());
        let sigma = log(p99 / median) / Z_99;
        from_seconds(median * exp(sigma * standard_normal(entropy)))
    }
}

object! {
    /// The exponential distribution.
    #[derive(Debug, Clone)]
    pub struct Exponential {
        /// The mean.
        pub mean: Written,
    }
    check Self::check
}

impl Exponential {
    fn check(&self, decoder: &mut Decoder) -> Option<()> {
        more_than_nothing("mean", self.mean, decoder)
    }

    fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        from_seconds(-self.mean.get().as_secs_f64() * log(uniform(entropy)))
    }
}

object! {
    /// The Pareto distribution: few delays, but those very long.
    #[derive(Debug, Clone)]
    pub struct Pareto {
        /// The shortest.
        pub min: Written,
        /// How fast long delays get rare: the smaller, the heavier the tail. From 0.1 to 100.
        pub shape: Shape,
    }
    check Self::check
}

impl Pareto {
    fn check(&self, decoder: &mut Decoder) -> Option<()> {
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
    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Decode for Shape {
    const EXPECTED: &'static str = "a number from 0.1 to 100";

    schema!(|_| serde_json::json!({ "type": "number", "minimum": 0.1, "maximum": 100 }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let number = match json {
            Json::Number(number) => number.as_f64(),
            _ => None,
        };
        match number {
            Some(shape) if (0.1..=100.0).contains(&shape) => Some(Self(shape)),
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

fn more_than_nothing(field: &str, length: Written, decoder: &mut Decoder) -> Option<()> {
    if !length.get().is_zero() {
        return Some(());
    }
    decoder.field(field, |d| d.refuse(Code::OutOfRange, "invalid duration", "it has to be more than nothing"))
}

/// Where the length of a delay comes from.
#[derive(Debug, Clone)]
pub enum Distribution {
    /// Always the same.
    Fixed(Written),
    /// Evenly between two lengths.
    Uniform(Uniform),
    /// Normal.
    Normal(Normal),
    /// Lognormal.
    Lognormal(Lognormal),
    /// Exponential.
    Exponential(Exponential),
    /// Pareto.
    Pareto(Pareto),
    /// As measured.
    Percentiles(Percentiles),
}

impl Distribution {
    /// Its fields, for the schema.
    #[cfg(feature = "schema")]
    pub fn describe(
        object: crate::decode::describe::Object,
        definitions: &mut crate::decode::describe::Definitions,
    ) -> crate::decode::describe::Object {
        object
            .with("fixed_delay", "Always this long.", Written::schema(definitions))
            .with("uniform", "Evenly between two durations.", Uniform::schema(definitions))
            .with("normal", "Normal; what falls below 0 is no delay.", Normal::schema(definitions))
            .with("lognormal", "What latencies mostly look like.", Lognormal::schema(definitions))
            .with("exponential", "Exponential.", Exponential::schema(definitions))
            .with("pareto", "A few that are very long.", Pareto::schema(definitions))
            .with("percentiles", "As measured, evenly between them.", Percentiles::schema(definitions))
    }

    /// Decodes what the field of that name holds.
    pub fn decode(field: &str, json: &Json, decoder: &mut Decoder) -> Option<Self> {
        Some(match field {
            "uniform" => Self::Uniform(Uniform::decode(json, decoder)?),
            "normal" => Self::Normal(Normal::decode(json, decoder)?),
            "lognormal" => Self::Lognormal(Lognormal::decode(json, decoder)?),
            "exponential" => Self::Exponential(Exponential::decode(json, decoder)?),
            "pareto" => Self::Pareto(Pareto::decode(json, decoder)?),
            "percentiles" => Self::Percentiles(Percentiles::decode(json, decoder)?),
            _ => {
                let length = Written::decode(json, decoder)?;
                if length.get().is_zero() {
                    let label = "a delay of nothing does nothing";
                    decoder.refuse::<()>(Code::OutOfRange, "invalid duration", label);
                    return decoder.help("leave `delay` out, or give it a duration");
                }
                Self::Fixed(length)
            }
        })
    }

    /// Prints it under its field's name.
    ///
    /// # Errors
    /// The serializer's.
    pub fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Fixed(length) => map.serialize_entry("fixed_delay", length),
            Self::Uniform(uniform) => map.serialize_entry("uniform", uniform),
            Self::Normal(normal) => map.serialize_entry("normal", normal),
            Self::Lognormal(lognormal) => map.serialize_entry("lognormal", lognormal),
            Self::Exponential(exponential) => map.serialize_entry("exponential", exponential),
            Self::Pareto(pareto) => map.serialize_entry("pareto", pareto),
            Self::Percentiles(percentiles) => map.serialize_entry("percentiles", percentiles),
        }
    }

    /// Draws a length, at most [`LONGEST`].
    pub fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        match self {
            Self::Fixed(length) => length.get(),
            Self::Uniform(uniform) => uniform.sample(entropy),
            Self::Normal(normal) => normal.sample(entropy),
            Self::Lognormal(lognormal) => lognormal.sample(entropy),
            Self::Exponential(exponential) => exponential.sample(entropy),
            Self::Pareto(pareto) => pareto.sample(entropy),
            Self::Percentiles(percentiles) => percentiles.sample(entropy),
        }
    }
}
