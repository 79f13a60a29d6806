//! Delays: of a fixed length, drawn from a distribution, or as the request asks for.

use crate::change::length::Length;
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Field, Fields, Refused, schema};
use crate::entropy::Entropy;
use crate::value::duration::Written;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::format;
use alloc::string::String;
use core::time::Duration;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A delay: at most an hour, whatever the distribution.
#[derive(Debug, Clone)]
pub struct Wait {
    pub length: Length,
    /// The longest delay; longer ones are cut to it.
    pub max: Option<Written>,
    /// The share of the rule's requests that are delayed: all if absent.
    pub percentage: Option<FractionalPercent>,
}

impl Wait {
    const COMMON: &'static [&'static str] = &["max", "percentage"];

    /// Returns the delay of this request, or `None` if it is zero.
    pub fn length(&self, request: &dyn RequestView, entropy: &mut dyn Entropy) -> Option<Duration> {
        let drawn = self.length.draw(request, entropy);
        let length = self.max.map_or(drawn, |max| drawn.min(max.get()));
        (!length.is_zero()).then_some(length)
    }

    /// Describes the length as a clause: `2s`, `between 1s and 9s (uniform), at most 5s`.
    pub fn how_long(&self) -> String {
        let length = self.length.words();
        match self.max {
            None => length,
            Some(max) => format!("{length}, at most {}", crate::words::length(max)),
        }
    }
}

impl Decode for Wait {
    const EXPECTED: &'static str = "a delay such as `{\"fixed_delay\": \"250ms\"}`";

    schema!(|definitions| definitions.object("Delay", |definitions| {
        let share = FractionalPercent::schema(definitions);
        let object = crate::decode::describe::Object::new(&[
            "The length of a delay: at most an hour, whatever the distribution.",
        ]);
        Length::describe(object, definitions)
            .with("max", "The longest delay; longer ones are cut to it.", Written::schema(definitions))
            .with("percentage", "The share of the rule's requests that are delayed: all if absent.", share)
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let fields = Fields::of(json, decoder, &[Length::FIELDS, Self::COMMON], &[])?;
        let max: Result<Option<Written>, Refused> = Field::read(&fields, "max", decoder);
        let max = max.and_then(|max| match max {
            Some(max) if max.get().is_zero() => fields.at("max", decoder, |d| {
                d.refuse(Code::OutOfRange, "invalid duration", "a zero delay has no effect")
            }),
            max => Ok(max),
        });
        let percentage = Field::read(&fields, "percentage", decoder);
        let length = Length::choose(&fields, decoder);
        Ok(Self { length: length?, max: max?, percentage: percentage? })
    }
}

impl Serialize for Wait {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.length.write(&mut map)?;
        self.max.write("max", &mut map)?;
        self.percentage.write("percentage", &mut map)?;
        map.end()
    }
}
