//! Decoding of whole numbers in documents.

use super::{Decode, Decoder, Refused, schema};
use crate::decode::json::Json;
use serde::{Serialize, Serializer};

/// Returns a whole number. `5.0` and `5e0` count: control planes that pass documents through a protobuf Struct turn
/// every number into a double.
pub fn integer(json: &Json) -> Option<i64> {
    let Json::Number(number) = json else { return None };
    number.as_i64().or_else(|| {
        // 2^63 is the first float above the range of `i64`, and `as` would saturate it to the maximum.
        let float = number.as_f64().filter(|float| (-9.2e18..9.2e18).contains(float))?;
        #[allow(clippy::cast_possible_truncation, reason = "compared with the original right after")]
        let whole = float as i64;
        #[allow(clippy::cast_precision_loss, reason = "a loss would show as a difference")]
        let same = whole as f64 == float;
        same.then_some(whole)
    })
}

/// A count, such as of bytes or exchanges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count(pub u64);

impl Decode for Count {
    const EXPECTED: &'static str = "a whole number from 0";

    schema!(|_| crate::decode::describe::integer(0, None));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        match integer(json).and_then(|number| u64::try_from(number).ok()) {
            Some(number) => Ok(Self(number)),
            None => decoder.wrong_type("number", json, Self::EXPECTED),
        }
    }
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}
