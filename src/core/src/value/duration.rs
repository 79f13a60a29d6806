//! A duration as documents write it: Envoy's `"1.5s"` and Go's `"250ms"` or `"1m30s"`.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, schema};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::time::Duration;
use serde::{Serialize, Serializer};

/// The longest duration that any field takes: one hour.
pub const LONGEST: Duration = Duration::from_secs(3600);

/// Go's units and their lengths in nanoseconds. Where one name ends with another, the longer one comes first.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    // Go takes either letter: U+00B5, the micro sign, and U+03BC, the Greek one.
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// A duration between 0 and [`LONGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written(Duration);

impl Written {
    pub fn get(self) -> Duration {
        self.0
    }
}

impl From<Duration> for Written {
    /// Caps longer durations at [`LONGEST`].
    fn from(duration: Duration) -> Self {
        Self(duration.min(LONGEST))
    }
}

/// Prints the shortest form that both Envoy and Go accept: `1.5s`, `250ms`.
impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX);
        for (unit, size) in [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)] {
            if nanos >= size && nanos.is_multiple_of((size / 1000).max(1)) {
                let (whole, part) = (nanos / size, nanos % size * 1000 / size);
                return match part {
                    0 => write!(f, "{whole}{unit}"),
                    _ => write!(f, "{}{unit}", format!("{whole}.{part:03}").trim_end_matches('0')),
                };
            }
        }
        if nanos == 0 { f.write_str("0s") } else { write!(f, "{nanos}ns") }
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl Decode for Written {
    const EXPECTED: &'static str = "a duration such as `\"250ms\"` or `\"1.5s\"`";

    schema!(|_| crate::decode::describe::text(
        "^([0-9]+([.][0-9]*)?(ns|us|\u{b5}s|\u{3bc}s|ms|s|m|h))+$",
        &["250ms", "1.5s", "1m30s"]
    ));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let Json::String(text) = json else {
            return match json {
                Json::Number(number) => {
                    let help = format!("give it a unit: `\"{number}ms\"` or `\"{number}s\"`");
                    decoder.wrong_type_with_help("duration", json, Self::EXPECTED, help)
                }
                _ => decoder.wrong_type("duration", json, Self::EXPECTED),
            };
        };
        let parsed = parse(text);
        if let Some(length) = parsed.and_then(|nanos| u64::try_from(nanos).ok()).map(Duration::from_nanos)
            && length <= LONGEST
        {
            return Ok(Self(length));
        }
        match parsed {
            Some(_) => {
                decoder.refuse(Code::OutOfRange, "duration too long", format!("{json} is more than one hour"))
            }
            None if text.starts_with('-') => {
                decoder.refuse(Code::OutOfRange, "invalid duration", format!("{json} is negative"))
            }
            None => {
                let label = format!("found {json}, expected {}", Self::EXPECTED);
                decoder.refuse(Code::InvalidValue, "invalid duration", label)
            }
        }
    }
}

/// Parses one or more numbers with units, and returns their sum in nanoseconds. The length is not limited.
pub fn parse(text: &str) -> Option<u128> {
    let mut rest = text;
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at_checked(number_end)?;
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_end)?;
        let size = UNITS.iter().find(|(name, _)| *name == unit)?.1;
        total = total.checked_add(nanoseconds(number, size)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

fn nanoseconds(number: &str, unit: u64) -> Option<u128> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') || part.len() > 18 {
        return None;
    }
    let digits: String = [whole, part].concat();
    let scaled: u128 = digits.parse::<u128>().ok()?.checked_mul(u128::from(unit))?;
    let divisor = 10_u128.checked_pow(u32::try_from(part.len()).ok()?)?;
    Some(scaled / divisor)
}
