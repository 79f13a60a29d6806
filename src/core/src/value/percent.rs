//! A share of requests, stored in exact integers: Envoy's `FractionalPercent`.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Fields, Refused, integer, schema, words};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// 100 %, in millionths.
pub const WHOLE: u32 = 1_000_000;

words! {
    /// The denominator of a percentage.
    pub enum Denominator as "denominator", expected "`HUNDRED`, `TEN_THOUSAND` or `MILLION`" {
        /// 100, Envoy's default.
        Hundred = "HUNDRED",
        /// 10,000, so that the numerator counts hundredths of a percent.
        TenThousand = "TEN_THOUSAND",
        /// 1,000,000, so that the numerator counts millionths.
        Million = "MILLION",
    }
}

impl Denominator {
    /// Returns the denominator as a number.
    pub fn value(self) -> u32 {
        match self {
            Self::Hundred => 100,
            Self::TenThousand => 10_000,
            Self::Million => 1_000_000,
        }
    }
}

/// A share from 0 % to 100 %, as a numerator and a denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FractionalPercent {
    numerator: u32,
    denominator: Denominator,
}

impl FractionalPercent {
    pub const NEVER: Self = Self { numerator: 0, denominator: Denominator::Hundred };
    pub const ALWAYS: Self = Self { numerator: 100, denominator: Denominator::Hundred };

    /// Creates the share `numerator` / `denominator`, capped at 100 % as in Envoy.
    pub fn new(numerator: u32, denominator: Denominator) -> Self {
        Self { numerator: numerator.min(denominator.value()), denominator }
    }

    /// Returns this share with its numerator capped at `numerator`: a request may ask for less by a header.
    #[must_use]
    pub fn at_most(self, numerator: u64) -> Self {
        let numerator = u32::try_from(numerator).unwrap_or(u32::MAX).min(self.numerator);
        Self { numerator, ..self }
    }

    /// Returns the smallest denominator that can express a percentage with this many decimals.
    fn denominator_for(decimals: usize) -> Denominator {
        match decimals {
            0 => Denominator::Hundred,
            1 | 2 => Denominator::TenThousand,
            _ => Denominator::Million,
        }
    }

    /// Returns whether a uniform draw falls into the share, by Envoy's rule: `random % denominator < numerator`.
    pub fn includes(self, draw: u64) -> bool {
        draw % u64::from(self.denominator.value()) < u64::from(self.numerator)
    }

    /// Returns whether no draw can fall into the share.
    pub fn is_never(self) -> bool {
        self.numerator == 0
    }

    /// Returns whether every draw falls into the share.
    pub fn is_always(self) -> bool {
        self.numerator >= self.denominator.value()
    }

    /// Returns the share in millionths of all requests.
    pub fn millionths(self) -> u32 {
        self.numerator * (Denominator::Million.value() / self.denominator.value())
    }

    /// Returns the numerator, in units of [`Self::denominator`].
    pub fn numerator(self) -> u32 {
        self.numerator
    }

    pub fn denominator(self) -> Denominator {
        self.denominator
    }
}

/// Prints the share in percent, without the sign: `12.5`.
impl fmt::Display for FractionalPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&in_percent(self.millionths().into()))
    }
}

/// Formats millionths of all requests in percent, without the sign: `12.5`.
pub(crate) fn in_percent(millionths: u64) -> String {
    let (whole, part) = (millionths / 10_000, millionths % 10_000);
    match part {
        0 => format!("{whole}"),
        _ => format!("{whole}.{part:04}").trim_end_matches('0').into(),
    }
}

impl Serialize for FractionalPercent {
    /// Serializes as a number, unless that would be decoded with another denominator.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let millionths = self.millionths();
        let decimals = self.to_string().split_once('.').map_or(0, |(_, decimals)| decimals.len());
        if Self::denominator_for(decimals) != self.denominator {
            let mut map = serializer.serialize_map(Some(2))?;
            map.serialize_entry("numerator", &self.numerator)?;
            map.serialize_entry("denominator", self.denominator.name())?;
            return map.end();
        }
        if millionths.is_multiple_of(10_000) {
            return serializer.serialize_u32(millionths / 10_000);
        }
        serializer.serialize_f64(f64::from(millionths) / 10_000.0)
    }
}

impl Decode for FractionalPercent {
    const EXPECTED: &'static str = "a percentage from 0 to 100";
    const IF_MISSING: Option<&'static str> =
        Some("there is no default, since tools disagree about it: write `100` for every request");

    schema!(|definitions| {
        let fraction = definitions.object("FractionalPercent", |_| {
            let denominators = Denominator::WORDS;
            crate::decode::describe::Object::new(&["Envoy's form of a percentage."])
                .with(
                    "numerator",
                    "How many parts of the denominator.",
                    crate::decode::describe::integer(0, Some(1_000_000)),
                )
                .with(
                    "denominator",
                    "`HUNDRED` if it is absent.",
                    crate::decode::describe::one_of(denominators),
                )
        });
        serde_json::json!({
            "oneOf": [
                { "type": "number", "minimum": 0, "maximum": 100 },
                { "type": "string", "pattern": "^ *[0-9]+([.][0-9]*)? *$" },
                fraction,
            ],
            "examples": [10, 0.5],
        })
    });

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        match json {
            Json::Number(number) => from_decimal(&plain(number), json, decoder),
            Json::String(text) => from_decimal(text.trim(), json, decoder),
            Json::Object(_) => from_fraction(json, decoder),
            other => decoder.wrong_type(
                "percentage",
                other,
                "a number from 0 to 100, or `{\"numerator\": …, \"denominator\": …}`",
            ),
        }
    }
}

/// Writes a number without an exponent: `1e-6` is valid JSON too.
fn plain(number: &serde_json::Number) -> String {
    let text = number.to_string();
    let Some((mantissa, exponent)) = text.split_once('e') else { return text };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    match exponent.parse::<i64>().unwrap_or(0) {
        small @ ..0 => format!("0.{}{whole}{part}", zeros(-small - 1)),
        // Numbers are printed with an exponent from 10^16 on, where they have no decimals.
        large => format!("{whole}{part}{}", zeros(large - part.len() as i64)),
    }
}

/// Parses the digits as written: a float would only approximate 0.0001.
fn from_decimal(text: &str, found: &Json, decoder: &mut Decoder) -> Result<FractionalPercent, Refused> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) {
        let negative = text.starts_with('-');
        let code = if negative { Code::OutOfRange } else { Code::InvalidValue };
        return decoder.refuse(code, "invalid percentage", format!("found {found}, expected 0 to 100"));
    }
    let part = part.trim_end_matches('0');
    if part.len() > 4 {
        return decoder.refuse_with_help(
            Code::OutOfRange,
            "invalid percentage",
            format!("{found} is finer than one in a million"),
            "use at most four decimals",
        );
    }
    let mut millionths = String::from(whole);
    millionths.push_str(part);
    millionths.push_str("0000".get(part.len()..).unwrap_or_default());
    let denominator = FractionalPercent::denominator_for(part.len());
    let unit = Denominator::Million.value() / denominator.value();
    match millionths.parse::<u32>() {
        Ok(millionths @ 0..=1_000_000) => Ok(FractionalPercent::new(millionths / unit, denominator)),
        _ => decoder.refuse(Code::OutOfRange, "invalid percentage", format!("{found} is more than 100")),
    }
}

/// Decodes Envoy's `{"numerator": 5, "denominator": "TEN_THOUSAND"}`; the denominator defaults to `HUNDRED`.
fn from_fraction(json: &Json, decoder: &mut Decoder) -> Result<FractionalPercent, Refused> {
    let fields = Fields::of(json, decoder, &[&["numerator", "denominator"]], &[])?;
    let denominator = fields.optional("denominator", decoder);
    let Some((name, value)) = fields.value("numerator") else {
        return decoder.refuse(Code::MissingField, "missing field `numerator`", "expected a number");
    };
    let denominator = denominator?.unwrap_or(Denominator::Hundred);
    let limit = denominator.value();
    let number = integer(value);
    if let Some(numerator) =
        number.and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= limit)
    {
        return Ok(FractionalPercent::new(numerator, denominator));
    }
    decoder.field(name, |d| match number {
        Some(number) if number > 0 => {
            let label = format!("{number} of {limit} is more than all requests");
            d.refuse_with_help(
                Code::OutOfRange,
                "invalid percentage",
                label,
                format!("use at most {limit}, or a larger denominator"),
            )
        }
        _ => d.wrong_type("numerator", value, &format!("a whole number from 0 to {limit}")),
    })
}
