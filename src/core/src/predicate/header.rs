//! `HeaderMatcher`, with the semantics of Envoy 1.40: a value matcher matches if any single value of the header
//! matches. (Envoy before 1.39 joined repeated values with commas first.)

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Fields, Refused, integer, object, schema};
use crate::predicate::string::StringMatcher;
use crate::value::header::HeaderName;
use crate::view::RequestView;
use alloc::format;
use core::fmt;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A half-open range of numbers, `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int64Range {
    start: i64,
    end: i64,
}

impl Int64Range {
    /// Returns the smallest number in the range.
    pub fn start(self) -> i64 {
        self.start
    }

    /// Returns whether the value is a decimal number in the range: an optional sign and digits, possibly with blanks
    /// around them.
    fn contains(self, value: &[u8]) -> bool {
        let text = core::str::from_utf8(value.trim_ascii()).ok();
        let number = text.and_then(|text| text.parse::<i64>().ok());
        number.is_some_and(|number| self.start <= number && number < self.end)
    }
}

impl fmt::Display for Int64Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at least {} and below {}", self.start, self.end)
    }
}

impl Decode for Int64Range {
    const EXPECTED: &'static str = "a range such as `{\"start\": 1, \"end\": 5}`";

    schema!(|_| serde_json::json!({
        "type": "object",
        "properties": { "start": { "type": ["integer", "string"] }, "end": { "type": ["integer", "string"] } },
        "additionalProperties": false,
        "description": "Numbers from `start`, inclusive, to `end`, exclusive.",
        "examples": [{ "start": 1, "end": 5 }],
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let fields = Fields::of(json, decoder, &[&["start", "end"]], &[])?;
        let start = bound(&fields, "start", decoder);
        let end = bound(&fields, "end", decoder);
        let range = Self { start: start?, end: end? };
        if range.start >= range.end {
            let label = format!("no number is at least {} and below {}", range.start, range.end);
            return decoder.refuse(Code::OutOfRange, "empty range", label);
        }
        Ok(range)
    }
}

/// Decodes a bound of a range. The default is 0, as in Envoy. A string is accepted, because protobuf prints 64-bit
/// numbers as strings.
fn bound(fields: &Fields<'_>, name: &str, decoder: &mut Decoder) -> Result<i64, Refused> {
    let Some((spelled, json)) = fields.value(name) else { return Ok(0) };
    let number = match json {
        Json::String(text) => text.parse().ok(),
        other => integer(other),
    };
    match number {
        Some(number) => Ok(number),
        None => decoder.field(spelled, |d| d.wrong_type("bound", json, "a 64-bit integer")),
    }
}

impl Serialize for Int64Range {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("start", &self.start)?;
        map.serialize_entry("end", &self.end)?;
        map.end()
    }
}

object! {
    /// A condition on a header. Without `string_match`, `range_match` and `present_match`, the header must be
    /// present.
    #[derive(Debug, Clone)]
    pub struct HeaderMatcher {
        /// The header name, in any case. `:method`, `:path` (with the query) and `:authority` are allowed.
        pub name: HeaderName,
        /// Matches a value as a string.
        pub string_match: Option<StringMatcher>,
        /// Matches a value as a decimal number.
        pub range_match: Option<Int64Range>,
        /// True if the header must be present, false if it must be absent.
        pub present_match: Option<bool>,
        /// Inverts the result. A missing header still does not match `string_match` or `range_match`.
        pub invert_match: Option<bool>,
        /// Treats a missing header as present with an empty value.
        pub treat_missing_header_as_empty: Option<bool>,
    }
    check Self::check
}

impl HeaderMatcher {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        let given = [self.string_match.is_some(), self.range_match.is_some(), self.present_match.is_some()];
        if given.into_iter().filter(|given| *given).count() > 1 {
            let label = "`string_match`, `range_match` and `present_match` exclude each other";
            return decoder.refuse(Code::Conflict, "invalid header matcher", label);
        }
        Ok(())
    }

    /// Returns whether only requests with the header can match.
    pub fn needs_presence(&self) -> bool {
        let inverted = self.invert_match == Some(true);
        let by_value = self.string_match.is_some() || self.range_match.is_some();
        self.treat_missing_header_as_empty != Some(true)
            && (by_value || self.present_match.unwrap_or(true) != inverted)
    }

    /// Returns whether the request matches.
    pub fn matches(&self, request: &dyn RequestView) -> bool {
        let inverted = self.invert_match == Some(true);
        let mut test: &mut dyn FnMut(&[u8]) -> bool = &mut |_| true;
        let (mut by_string, mut by_range);
        let by_value = match (&self.string_match, self.range_match) {
            (Some(string), _) => {
                by_string = |value: &[u8]| string.matches_in(request, value);
                test = &mut by_string;
                true
            }
            (None, Some(range)) => {
                by_range = move |value: &[u8]| range.contains(value);
                test = &mut by_range;
                true
            }
            (None, None) => false,
        };
        let found = request.any_value(self.name.as_str(), test);
        if !by_value {
            let present = found.is_some() || self.treat_missing_header_as_empty == Some(true);
            return (present == self.present_match.unwrap_or(true)) != inverted;
        }
        match found {
            Some(matched) => matched != inverted,
            None if self.treat_missing_header_as_empty == Some(true) => test(b"") != inverted,
            None => false,
        }
    }
}
