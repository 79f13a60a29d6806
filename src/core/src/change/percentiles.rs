//! A distribution defined by measured percentiles.

use crate::change::length::{from_seconds, uniform};
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, schema};
use crate::entropy::Entropy;
use crate::value::duration::Written;
use alloc::collections::BinaryHeap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Measured percentiles: `{"p50": "20ms", "p90": "80ms", "p99": "1s"}`. Delays are distributed uniformly between two of
/// them; below the first they start at `p0` (0 if absent), and none is longer than the last.
#[derive(Debug, Clone, PartialEq)]
pub struct Percentiles {
    /// Shares of requests, in 0..=1, and the upper bounds of their delays; both increase.
    points: Vec<(f64, Duration)>,
    written: Vec<(String, Written)>,
}

impl Percentiles {
    /// Draws a length by linear interpolation between the percentiles.
    pub fn sample(&self, entropy: &mut dyn Entropy) -> Duration {
        let share = uniform(entropy);
        let mut below = (0.0, Duration::ZERO);
        for point in &self.points {
            if share <= point.0 {
                let width = point.0 - below.0;
                let part = if width > 0.0 { (share - below.0) / width } else { 1.0 };
                return from_seconds(
                    below.1.as_secs_f64() + part * (point.1.as_secs_f64() - below.1.as_secs_f64()),
                );
            }
            below = *point;
        }
        below.1
    }

    /// Iterates over names and lengths as they were written, in increasing order.
    pub fn written(&self) -> impl Iterator<Item = (&str, Written)> {
        self.written.iter().map(|(name, length)| (name.as_str(), *length))
    }

    fn point(name: &str, json: &Json, decoder: &mut Decoder) -> Result<(f64, Written), Refused> {
        let share = name.strip_prefix('p').and_then(plain_decimal);
        let Some(share) = share.filter(|share| (0.0..=100.0).contains(share)) else {
            return decoder.refuse_with_help(
                Code::UnknownField,
                format!("unknown percentile `{name}`"),
                "expected `p0` to `p100`",
                "percentiles have names such as `p50`, `p99` or `p99.9`",
            );
        };
        Written::decode(json, decoder).map(|length| (share / 100.0, length))
    }

    fn check_order(written: &[(f64, &str, Written)], decoder: &mut Decoder) -> Result<(), Refused> {
        for (lower, upper) in written.iter().zip(written.iter().skip(1)) {
            if lower.0 == upper.0 || lower.2 > upper.2 {
                let label = format!("`{}` is {}, `{}` is {}", lower.1, lower.2, upper.1, upper.2);
                return decoder.refuse(Code::Conflict, "percentiles must increase", label);
            }
        }
        Ok(())
    }
}

/// Parses a number such as `99.9`, with digits before the point and, if there is one, after it.
///
/// The standard library's `parse` for floats adds 20 KB to the module, and nothing else in it needs that.
fn plain_decimal(text: &str) -> Option<f64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(part) {
        return None;
    }
    let value = |digit: u8| f64::from(digit - b'0');
    let whole = whole.bytes().fold(0.0, |sum, digit| sum * 10.0 + value(digit));
    Some(whole + part.bytes().rev().fold(0.0, |sum, digit| (sum + value(digit)) / 10.0))
}

/// Sorts percentiles by their shares, and those with the same share in the order in which they were written.
///
/// It uses a heap, because each sort of the standard library is compiled for its type, and adds about 6 KB to the
/// module.
fn in_order<'n>(written: &[(f64, &'n str, Written)]) -> Vec<(f64, &'n str, Written)> {
    // The bit patterns of non-negative floats sort in the same order as the floats.
    let places = written.iter().enumerate().map(|(place, (share, ..))| (share.to_bits(), place));
    let places = places.collect::<BinaryHeap<_>>().into_sorted_vec();
    places.iter().filter_map(|(_, place)| written.get(*place).copied()).collect()
}

impl Decode for Percentiles {
    const EXPECTED: &'static str = "percentiles such as `{\"p50\": \"20ms\", \"p99\": \"1s\"}`";

    schema!(|definitions| serde_json::json!({
        "type": "object",
        "patternProperties": { "^p[0-9]+([.][0-9]+)?$": Written::schema(definitions) },
        "additionalProperties": false,
        "minProperties": 1,
        "examples": [{ "p50": "20ms", "p90": "80ms", "p99": "1s" }],
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let Json::Object(fields) = json else {
            return decoder.wrong_type("percentiles", json, Self::EXPECTED);
        };
        let read: Vec<Result<(f64, &str, Written), Refused>> = fields
            .iter()
            .map(|(name, value)| {
                let point = decoder.field(name, |d| Self::point(name, value, d));
                point.map(|(share, length)| (share, name.as_str(), length))
            })
            .collect();
        let written = in_order(&read.into_iter().collect::<Result<Vec<_>, _>>()?);
        if !written.last().is_some_and(|(share, _, length)| *share > 0.0 && !length.get().is_zero()) {
            let label = format!("found {}, expected {}", written.len(), Self::EXPECTED);
            return decoder.refuse(Code::MissingField, "too few percentiles", label);
        }
        Self::check_order(&written, decoder)?;
        Ok(Self {
            points: written.iter().map(|(share, _, length)| (*share, length.get())).collect(),
            written: written.iter().map(|(_, name, length)| (name.to_string(), *length)).collect(),
        })
    }
}

impl Serialize for Percentiles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.written.len()))?;
        for (name, length) in &self.written {
            map.serialize_entry(name, length)?;
        }
        map.end()
    }
}
