//! gRPC status codes, and the HTTP status that corresponds to each.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, closest, integer, schema};
use alloc::format;
use alloc::string::String;
use percent_encoding::{AsciiSet, CONTROLS, percent_encode};
use serde::{Serialize, Serializer};

/// A gRPC status code, 0 to 16 (<https://grpc.io/docs/guides/status-codes/>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GrpcStatus(u8);

/// The names in the order of the codes, and the HTTP status of each (google/rpc/code.proto).
const STATUSES: [(&str, u16); 17] = [
    ("OK", 200),
    ("CANCELLED", 499),
    ("UNKNOWN", 500),
    ("INVALID_ARGUMENT", 400),
    ("DEADLINE_EXCEEDED", 504),
    ("NOT_FOUND", 404),
    ("ALREADY_EXISTS", 409),
    ("PERMISSION_DENIED", 403),
    ("RESOURCE_EXHAUSTED", 429),
    ("FAILED_PRECONDITION", 400),
    ("ABORTED", 409),
    ("OUT_OF_RANGE", 400),
    ("UNIMPLEMENTED", 501),
    ("INTERNAL", 500),
    ("UNAVAILABLE", 503),
    ("DATA_LOSS", 500),
    ("UNAUTHENTICATED", 401),
];

impl GrpcStatus {
    /// Returns the status with this code, if there is one.
    pub fn new(code: u8) -> Option<Self> {
        (usize::from(code) < STATUSES.len()).then_some(Self(code))
    }

    /// Returns the status with this name, in upper case; `CANCELED` is accepted too.
    pub fn from_name(name: &str) -> Option<Self> {
        let name = if name == "CANCELED" { "CANCELLED" } else { name };
        let code = STATUSES.iter().position(|(known, _)| *known == name)?;
        u8::try_from(code).ok().map(Self)
    }

    pub fn code(self) -> u8 {
        self.0
    }

    /// Returns the name, in upper case.
    pub fn name(self) -> &'static str {
        STATUSES.get(usize::from(self.0)).map_or("UNKNOWN", |(name, _)| name)
    }

    /// Returns the HTTP status for clients that do not use gRPC.
    pub fn http_status(self) -> u16 {
        STATUSES.get(usize::from(self.0)).map_or(500, |(_, status)| *status)
    }
}

impl Decode for GrpcStatus {
    const EXPECTED: &'static str = "a gRPC status: 0 to 16, or a name such as `\"UNAVAILABLE\"`";

    schema!(|_| serde_json::json!({
        "oneOf": [
            { "enum": STATUSES.iter().map(|(name, _)| *name).chain(["CANCELED"]).collect::<alloc::vec::Vec<_>>() },
            crate::decode::describe::integer(0, Some(16)),
        ],
        "examples": ["UNAVAILABLE", 14],
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let found = match json {
            Json::String(name) => Self::from_name(name),
            other => integer(other).and_then(|code| u8::try_from(code).ok()).and_then(Self::new),
        };
        if let Some(found) = found {
            return Ok(found);
        }
        let (code, message) = (Code::InvalidValue, "invalid gRPC status");
        let label = format!("found {json}, expected {}", Self::EXPECTED);
        let close = match json {
            Json::String(name) => {
                let names: alloc::vec::Vec<&str> = STATUSES.iter().map(|(name, _)| *name).collect();
                closest(&name.to_ascii_uppercase(), &names)
            }
            _ => None,
        };
        match close {
            Some(close) => decoder.refuse_with_help(code, message, label, format!("did you mean `{close}`?")),
            None => decoder.refuse(code, message, label),
        }
    }
}

impl Serialize for GrpcStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Returns the gRPC status for an HTTP status (Envoy and gRPC use the same mapping:
/// <https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md>).
pub fn of_http(status: u16) -> u8 {
    match status {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => 14,
        _ => 2,
    }
}

/// Encodes a `grpc-message` for a header: everything that is not printable is percent-encoded
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses>).
pub fn encoded(message: &[u8]) -> String {
    const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
    percent_encode(message, ESCAPED).collect()
}
