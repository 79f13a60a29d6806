//! `{}`: a choice without options.

use super::{Decode, Decoder, Fields, Refused, schema};
use crate::decode::json::Json;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// `{}`: a choice without options.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Nothing;

impl Decode for Nothing {
    const EXPECTED: &'static str = "`{}`";

    schema!(|_| serde_json::json!({ "type": "object", "additionalProperties": false }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        Fields::of(json, decoder, &[], &[]).map(|_| Self)
    }
}

impl Serialize for Nothing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_map(Some(0))?.end()
    }
}
