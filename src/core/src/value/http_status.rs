//! The HTTP statuses that a document may ask for.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, integer, schema};
use alloc::format;
use serde::{Serialize, Serializer};

/// An HTTP status that a request can be aborted with: 200 to 599, as in Envoy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpStatus(u16);

impl HttpStatus {
    pub fn get(self) -> u16 {
        self.0
    }
}

impl Decode for HttpStatus {
    const EXPECTED: &'static str = "an HTTP status from 200 to 599";

    schema!(|_| crate::decode::describe::integer(200, Some(599)));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let number = integer(json);
        if let Some(status @ 200..=599) = number.and_then(|number| u16::try_from(number).ok()) {
            return Ok(Self(status));
        }
        match number {
            Some(_) => {
                let label = format!("found {json}, expected 200 to 599");
                decoder.refuse(Code::OutOfRange, "invalid HTTP status", label)
            }
            None => decoder.wrong_type("HTTP status", json, "a number from 200 to 599"),
        }
    }
}

impl Serialize for HttpStatus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.0)
    }
}

/// Returns whether a response with this status has no body (RFC 9110, section 6.4.1).
pub(crate) fn is_bodiless(status: u16) -> bool {
    matches!(status, 204 | 304)
}
