//! Documents sent as the wrong protobuf type. Envoy hands a plugin the text of a `google.protobuf.StringValue`, but the
//! serialized message of a `google.protobuf.Struct`
//! (<https://protobuf.dev/reference/protobuf/google.protobuf/#struct>).

use crate::decode::diagnostic::{Code, Diagnostic, Severity};
use crate::decode::json::Json;
use crate::decode::path::Path;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The deepest nesting of a value: more than any document has.
const DEEPEST: usize = 64;
/// The scale of the six decimals that a number keeps. Percentages have four.
const DECIMALS: f64 = 1_000_000.0;
/// Beyond this, not every integer is a double.
const LARGEST: f64 = 9_007_199_254_740_992.0;

/// Returns whether these bytes are a serialized `google.protobuf.Struct`: one length-delimited field 1 after another.
pub fn is_struct(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(field) = rest.strip_prefix(b"\x0a") {
        let Some((entry, next)) = delimited(field) else { return false };
        // Each field is an entry of a map, and begins with its key: another length-delimited field 1.
        if entry.strip_prefix(b"\x0a").and_then(delimited).is_none() {
            return false;
        }
        rest = next;
    }
    rest.is_empty() && !bytes.is_empty()
}

/// Decodes a serialized `google.protobuf.Struct`. `None` if it is malformed or nested too deeply.
pub fn json(bytes: &[u8]) -> Option<Json> {
    object(bytes, DEEPEST)
}

fn object(bytes: &[u8], depth: usize) -> Option<Json> {
    let mut fields = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (entry, next) = delimited(rest.strip_prefix(b"\x0a")?)?;
        let (key, after) = delimited(entry.strip_prefix(b"\x0a")?)?;
        // An entry without a value has the default, null.
        let value = match after.strip_prefix(b"\x12") {
            Some(value) => self::value(delimited(value)?.0, depth.checked_sub(1)?)?,
            None => Json::Null,
        };
        fields.push((text(key)?, value));
        rest = next;
    }
    Some(Json::Object(fields))
}

fn list(bytes: &[u8], depth: usize) -> Option<Json> {
    let mut items = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (item, next) = delimited(rest.strip_prefix(b"\x0a")?)?;
        items.push(value(item, depth.checked_sub(1)?)?);
        rest = next;
    }
    Some(Json::Array(items))
}

fn value(bytes: &[u8], depth: usize) -> Option<Json> {
    let Some((tag, rest)) = bytes.split_first() else { return Some(Json::Null) };
    match tag {
        0x08 => Some(Json::Null),
        0x11 => number(f64::from_le_bytes(rest.try_into().ok()?)),
        0x1a => Some(Json::String(text(delimited(rest)?.0)?)),
        0x20 => Some(Json::Bool(rest.first().is_some_and(|byte| *byte != 0))),
        0x2a => object(delimited(rest)?.0, depth),
        0x32 => list(delimited(rest)?.0, depth),
        _ => None,
    }
}

/// Converts a double to the number as it was most likely written. Formatting floats would make the module larger.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is bounded, and a whole number"
)]
fn number(value: f64) -> Option<Json> {
    // NaN, infinities, and numbers that no document has.
    if !(-LARGEST..=LARGEST).contains(&value) {
        return None;
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = libm::floor(libm::fabs(value));
    let decimals = libm::round((libm::fabs(value) - whole) * DECIMALS);
    let text = match (whole as u64, decimals as u64) {
        (whole, 0) => format!("{sign}{whole}"),
        (whole, decimals) if decimals < 1_000_000 => format!("{sign}{whole}.{decimals:06}"),
        (whole, _) => format!("{sign}{}", whole + 1),
    };
    Json::parse(text.as_bytes()).ok()
}

fn text(bytes: &[u8]) -> Option<String> {
    core::str::from_utf8(bytes).ok().map(String::from)
}

/// Splits a length-delimited field, without its tag, into its content and the rest.
fn delimited(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut length: usize = 0;
    for (position, byte) in bytes.iter().enumerate().take(4) {
        length |= usize::from(byte & 0x7f) << (7 * position);
        if byte & 0x80 == 0 {
            return bytes.get(position + 1..)?.split_at_checked(length);
        }
    }
    None
}

/// Returns the diagnostic for a `Struct` that cannot be decoded.
pub fn unreadable_struct() -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: Code::SentAsStruct,
        path: Path::default(),
        position: None,
        message: "the configuration was sent as a protobuf Struct that cannot be decoded".into(),
        label: "expected a StringValue with the document as JSON text".into(),
        help: Some("write `configuration: {\"@type\": type.googleapis.com/google.protobuf.StringValue, value: '{…}'}`".into()),
    }
}
