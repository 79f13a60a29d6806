//! `delay`: the request waits before it is forwarded.

use super::distribution::Distribution;
use super::{Effects, Fault};
use crate::decode::{Decode, Decoder, Field, Fields, listed};
use crate::diagnostic::Code;
use crate::duration::Written;
use crate::entropy::Entropy;
use crate::json::Json;
use crate::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::format;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// How long a request waits: at most an hour, whatever the distribution.
#[derive(Debug, Clone)]
pub struct Delay {
    /// Where the length comes from.
    pub length: Distribution,
    /// Cuts longer ones.
    pub max: Option<Written>,
    /// The share of the rule's requests that wait: all, if it is absent.
    pub percentage: Option<FractionalPercent>,
}

impl Delay {
    const COMMON: &'static [&'static str] = &["max", "percentage"];
    const LATER: &'static [&'static str] = &["header_delay"];
}

impl Decode for Delay {
    const EXPECTED: &'static str = "a delay such as `{\"fixed_delay\": \"250ms\"}`";

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(json, decoder, &[Distribution::FIELDS, Self::COMMON], Self::LATER)?;
        let max = Field::read(&fields, "max", decoder);
        let percentage = Field::read(&fields, "percentage", decoder);
        let present = fields.present(Distribution::FIELDS);
        let length = match present.as_slice() {
            [field] => fields.value(field).and_then(|(spelled, value)| {
                decoder.field(spelled, |d| Distribution::decode(field, value, d))
            }),
            [] if fields.present(Self::LATER).is_empty() => {
                let label = format!("expected one of {}", listed(Distribution::FIELDS));
                decoder.refuse(Code::Conflict, "a delay needs a length", label)
            }
            [] => None,
            several => {
                let label = format!("{} exclude each other", listed(several).replace(" or ", " and "));
                decoder.refuse(Code::Conflict, "a delay has one length", label)
            }
        };
        Some(Self { length: length?, max: max?, percentage: percentage? })
    }
}

impl Serialize for Delay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.length.write(&mut map)?;
        self.max.write("max", &mut map)?;
        self.percentage.write("percentage", &mut map)?;
        map.end()
    }
}

impl Fault for Delay {
    fn percentage(&self) -> FractionalPercent {
        self.percentage.unwrap_or(FractionalPercent::ALWAYS)
    }

    /// A length that comes out as nothing is no delay.
    fn apply(&self, _request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        let drawn = self.length.sample(entropy);
        let length = self.max.map_or(drawn, |max| drawn.min(max.get()));
        if length.is_zero() {
            return false;
        }
        effects.hold = Some(length);
        true
    }
}
