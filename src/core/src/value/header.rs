//! Header names and values that a document may contain.

use crate::decode::diagnostic::Code;
use crate::decode::json::{Json, Shortened};
use crate::decode::path::Segment;
use crate::decode::{Decode, Decoder, Refused, schema};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The longest header name or value, in bytes.
const LONGEST: usize = 8 * 1024;
/// The most headers that one fault may set.
const MOST: usize = 64;

/// Returns whether a byte is allowed in a header name (RFC 9110, section 5.6.2: `tchar`).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// A header name in lower case, which may be a pseudo-header.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderName(String);

impl HeaderName {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether it is a pseudo-header: `:method`, `:path`, …
    pub fn is_pseudo(&self) -> bool {
        self.0.starts_with(':')
    }
}

impl Decode for HeaderName {
    const EXPECTED: &'static str = "a header name";

    schema!(|_| crate::decode::describe::text("", &["x-tester", ":path"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let name = String::decode(json, decoder)?;
        let token = name.strip_prefix(':').unwrap_or(&name);
        if token.is_empty() || token.len() > LONGEST || !token.bytes().all(is_token) {
            let label = format!("{json} is not a header name (RFC 9110)");
            return decoder.refuse(Code::InvalidValue, "invalid header name", label);
        }
        // Envoy stores both as `:authority` (RFC 9113, section 8.3.1: `:authority` replaces `host`).
        let name =
            if name.eq_ignore_ascii_case("host") { ":authority".into() } else { name.to_ascii_lowercase() };
        Ok(Self(name))
    }
}

impl Serialize for HeaderName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// Headers to set on a reply: `{"retry-after": "30", "set-cookie": ["a=1", "b=2"]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplyHeaders(Vec<(String, String)>);

impl ReplyHeaders {
    /// Iterates over names, in lower case, and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Headers that the proxy derives from the message: a wrong value would break the connection for other requests.
const DERIVED: [&str; 8] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Returns whether the proxy derives the header from the message.
pub(crate) fn is_derived(name: &str) -> bool {
    DERIVED.contains(&name)
}

/// Reply headers that report the outcome of the call: a document that set them could make a failure look like success,
/// or hide an injected fault.
const RESERVED: [&str; 3] = ["grpc-message", "grpc-status", "x-brownout"];

/// Returns whether a document must not change this reply header. The change is ignored rather than refused, so that
/// documents already in force stay valid.
pub fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

impl Decode for ReplyHeaders {
    const EXPECTED: &'static str = "an object of header names and values";

    schema!(|_| serde_json::json!({
        "type": "object",
        "additionalProperties": {
            "oneOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
        },
        "examples": [{ "retry-after": "30", "set-cookie": ["a=1", "b=2"] }],
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let Json::Object(fields) = json else {
            return decoder.wrong_type("headers", json, Self::EXPECTED);
        };
        let count: usize =
            fields.iter().map(|(_, value)| if let Json::Array(list) = value { list.len() } else { 1 }).sum();
        if count > MOST {
            let label = format!("{count} of them, at most {MOST} are allowed");
            return decoder.refuse(Code::OutOfRange, "too many headers", label);
        }
        let mut headers = Vec::new();
        let mut good = Ok(());
        for (name, value) in fields {
            let read = decoder.field(name, |d| one_header(name, value, d));
            good = good.and(read.as_ref().map(|_| ()).map_err(|refused| *refused));
            let name = name.to_ascii_lowercase();
            headers.extend(read.into_iter().flatten().map(|value| (name.clone(), value)));
        }
        good.map(|()| Self(headers))
    }
}

/// Decodes the values of one header, and checks that name and values can be sent.
fn one_header(name: &str, value: &Json, decoder: &mut Decoder) -> Result<Vec<String>, Refused> {
    let named = settable(name, decoder);
    let values = match value {
        Json::String(_) => one_value(value, decoder).map(|value| [value].into()),
        Json::Array(list) => {
            let values: Vec<Result<String, Refused>> = list
                .iter()
                .enumerate()
                .map(|(index, value)| decoder.within(Segment::Index(index), |d| one_value(value, d)))
                .collect();
            values.into_iter().collect()
        }
        other => decoder.wrong_type("header value", other, "a string or a list of strings"),
    };
    named.and(values)
}

/// Returns the lower-case name of a header that a document may set or remove.
fn settable(name: &str, decoder: &mut Decoder) -> Result<String, Refused> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with(':') {
        decoder.refuse(Code::InvalidValue, "pseudo-headers cannot be set", "")
    } else if is_derived(&lower) {
        let label = "the proxy derives it from the message";
        decoder.refuse(Code::InvalidValue, format!("`{lower}` cannot be set"), label)
    } else if lower.is_empty() || lower.len() > LONGEST || !lower.bytes().all(is_token) {
        let label = format!("`{}` is not a header name (RFC 9110)", Shortened(&lower));
        decoder.refuse(Code::InvalidValue, "invalid header name", label)
    } else {
        Ok(lower)
    }
}

/// The name of a header to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemovedName(String);

impl RemovedName {
    /// The name, in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Decode for RemovedName {
    const EXPECTED: &'static str = "a header name";

    schema!(|_| crate::decode::describe::text("", &["x-request-id"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let name = String::decode(json, decoder)?;
        settable(&name, decoder).map(Self)
    }
}

impl Serialize for RemovedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

fn one_value(json: &Json, decoder: &mut Decoder) -> Result<String, Refused> {
    let value = String::decode(json, decoder)?;
    if value.len() > LONGEST {
        let label = format!("{} bytes, at most {LONGEST} are allowed", value.len());
        return decoder.refuse(Code::OutOfRange, "header value too long", label);
    }
    if value.bytes().any(|byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
        // RFC 9110, section 5.5: CR, LF and NUL would allow header injection, or a second reply.
        return decoder.refuse(
            Code::InvalidValue,
            "invalid header value",
            format!("{json} contains a control character"),
        );
    }
    // RFC 9113, section 8.2.1: a message with blanks around a header value is malformed.
    Ok(value.trim_matches([' ', '\t']).into())
}

impl Serialize for ReplyHeaders {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let mut done: Vec<&str> = Vec::new();
        for (name, value) in self.iter() {
            if done.contains(&name) {
                continue;
            }
            done.push(name);
            let values: Vec<&str> = self.iter().filter(|(other, _)| *other == name).map(|(_, v)| v).collect();
            match values.as_slice() {
                [_] => map.serialize_entry(name, value)?,
                several => map.serialize_entry(name, several)?,
            }
        }
        map.end()
    }
}
