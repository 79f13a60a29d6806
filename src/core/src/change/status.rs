//! A condition on the status of a response.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::path::Segment;
use crate::decode::{Decode, Decoder, Refused, integer, schema};
use alloc::format;
use alloc::vec::Vec;
use serde::{Serialize, Serializer};

/// A set of statuses: one status, a class, or a list of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusMatch(Vec<Statuses>);

/// One status, or a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Statuses {
    One(u16),
    /// All statuses with this first digit.
    Class(u16),
}

/// The status classes of final responses (RFC 9110, section 15).
const CLASSES: [(&str, u16); 4] = [("2xx", 2), ("3xx", 3), ("4xx", 4), ("5xx", 5)];

impl StatusMatch {
    /// Returns whether the set includes a status.
    pub fn includes(&self, status: u16) -> bool {
        self.0.iter().any(|statuses| match statuses {
            Statuses::One(one) => *one == status,
            Statuses::Class(class) => status / 100 == *class,
        })
    }
}

impl Decode for StatusMatch {
    const EXPECTED: &'static str = "a status such as `503` or `\"5xx\"`, or a list of them";

    schema!(|_| {
        let one = || {
            serde_json::json!({
                "oneOf": [
                    crate::decode::describe::integer(200, Some(599)),
                    { "type": "string", "pattern": "^[2-5][xX][xX]$" },
                ],
            })
        };
        serde_json::json!({
            "anyOf": [one(), { "type": "array", "items": one(), "minItems": 1 }],
            "examples": [503, "5xx", [500, "4xx"]],
        })
    });

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let Json::Array(list) = json else {
            return Statuses::decode(json, decoder).map(|one| Self([one].into()));
        };
        if list.is_empty() {
            return decoder.refuse(Code::Conflict, "an empty list matches no status", "");
        }
        let read: Vec<Result<Statuses, Refused>> = list
            .iter()
            .enumerate()
            .map(|(index, one)| decoder.within(Segment::Index(index), |d| Statuses::decode(one, d)))
            .collect();
        read.into_iter().collect::<Result<_, _>>().map(Self)
    }
}

impl Serialize for StatusMatch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_slice() {
            [one] => one.serialize(serializer),
            several => serializer.collect_seq(several),
        }
    }
}

impl Statuses {
    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let found = match json {
            Json::String(text) => {
                let class = CLASSES.iter().find(|(name, _)| text.eq_ignore_ascii_case(name));
                class.map(|(_, class)| Self::Class(*class))
            }
            other => {
                let status = integer(other).filter(|status| (200..600).contains(status));
                status.and_then(|status| u16::try_from(status).ok()).map(Self::One)
            }
        };
        let label = || format!("found {json}, expected 200 to 599, or `2xx` to `5xx`");
        found.ok_or_else(|| decoder.report(Code::InvalidValue, "invalid HTTP status", label()))
    }
}

impl Serialize for Statuses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(status) => serializer.serialize_u16(*status),
            Self::Class(class) => {
                let name = CLASSES.iter().find(|(_, number)| number == class).map_or("", |(name, _)| name);
                serializer.serialize_str(name)
            }
        }
    }
}
