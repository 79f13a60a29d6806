//! A point in time, in RFC 3339 format: `2026-11-22T13:00:00Z`.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, schema};
use alloc::format;
use alloc::string::ToString;
use core::fmt;
use core::time::Duration;
use serde::{Serialize, Serializer};

const DAY: i64 = 86_400;

/// Microseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns the time since `earlier`; `None` if that is in the future.
    pub fn since(self, earlier: Self) -> Option<Duration> {
        u64::try_from(self.0.checked_sub(earlier.0)?).ok().map(Duration::from_micros)
    }

    /// Parses `2026-11-22T13:00:00Z`, with any fraction and any offset.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once(['T', 't'])?;
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let days_in_month = [31, 28 + i64::from(is_leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let last = *days_in_month.get(usize::try_from(month).ok()?.checked_sub(1)?)?;
        let zone_at = rest.find(['Z', 'z', '+', '-'])?;
        let (time, zone) = rest.split_at_checked(zone_at)?;
        let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
        let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
        let good = (1..=last).contains(&day) && hour < 24 && minute < 60 && second < 60;
        let seconds =
            days_since_1970(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset(zone)?;
        // Years in RFC 3339 have four digits, and an offset can move a time out of that range.
        let in_range =
            (days_since_1970(1, 1, 1) * DAY..days_since_1970(10_000, 1, 1) * DAY).contains(&seconds);
        (good && in_range).then_some(Self(seconds * 1_000_000 + microseconds(fraction)?))
    }
}

/// Parses three numbers of fixed widths with a separator between them.
fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut found = [0; 3];
    for (number, width) in found.iter_mut().zip(widths) {
        let part = parts.next()?;
        let digits = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = if digits { part.parse().ok()? } else { return None };
    }
    parts.next().is_none().then_some(found)
}

fn microseconds(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = fraction.bytes().chain(core::iter::repeat(b'0')).take(6);
    Some(digits.fold(0, |value, digit| value * 10 + i64::from(digit - b'0')))
}

/// Parses an offset, and returns it in seconds east of UTC.
fn offset(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.as_bytes().first()? {
        b'Z' | b'z' => return (zone.len() == 1).then_some(0),
        b'+' => (1, zone.get(1..)?),
        _ => (-1, zone.get(1..)?),
    };
    let [hours, minutes, _] = numbers(&format!("{rest}:00"), ':', [2, 2, 2])?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// Returns the days since 1970-01-01 in the proleptic Gregorian calendar. Years start in March here, so that the leap
/// day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 1 - 719_468
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(1_000_000);
        let (days, of_day) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        // Estimate by the average length of a year, which is a little more than 365 days; then pick the exact year.
        let about = 1970 + (days * 400).div_euclid(146_097);
        let year =
            (about - 1..=about + 1).rev().find(|year| days_since_1970(*year, 1, 1) <= days).unwrap_or(about);
        let month = (1..=12).rev().find(|month| days_since_1970(year, *month, 1) <= days).unwrap_or(1);
        let day = days - days_since_1970(year, month, 1) + 1;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        match self.0.rem_euclid(1_000_000) {
            0 => f.write_str("Z"),
            micros => write!(f, ".{}Z", format!("{micros:06}").trim_end_matches('0')),
        }
    }
}

impl Decode for Timestamp {
    const EXPECTED: &'static str = "a time such as `\"2026-11-22T13:00:00Z\"`";

    schema!(
        |_| serde_json::json!({ "type": "string", "format": "date-time", "examples": ["2026-11-22T13:00:00Z"] })
    );

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let found = match json {
            Json::String(text) => Self::parse(text),
            _ => None,
        };
        found.ok_or_else(|| {
            let label = format!("found {json}, expected {} (RFC 3339)", Self::EXPECTED);
            decoder.report(Code::InvalidValue, "invalid time", label)
        })
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}
