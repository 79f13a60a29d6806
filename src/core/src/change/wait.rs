//! How long something waits: a fixed time, one drawn from a distribution, or what the request asks for.

use crate::change::distribution::Distribution;
use crate::change::header_control::{self, Nothing};
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Field, Fields, listed, schema};
use crate::entropy::Entropy;
use crate::value::duration::Written;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::format;
use core::time::Duration;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// How long a request waits: at most an hour, whatever the distribution.
#[derive(Debug, Clone)]
pub struct Wait {
    /// Where the length comes from.
    pub length: Length,
    /// Cuts longer ones.
    pub max: Option<Written>,
    /// The share of the rule's requests that wait: all, if it is absent.
    pub percentage: Option<FractionalPercent>,
}

/// What says how long a delay is.
#[derive(Debug, Clone)]
pub enum Length {
    /// A distribution.
    Drawn(Distribution),
    /// The request itself, by the header that Envoy's filter takes.
    Header,
}

impl Length {
    const FIELDS: &'static [&'static str] = &[
        "fixed_delay",
        "uniform",
        "normal",
        "lognormal",
        "exponential",
        "pareto",
        "percentiles",
        "header_delay",
    ];

    fn decode(field: &str, json: &Json, decoder: &mut Decoder) -> Option<Self> {
        if field != "header_delay" {
            return Distribution::decode(field, json, decoder).map(Self::Drawn);
        }
        Fields::of(json, decoder, &[], &[]).map(|_| Self::Header)
    }

    fn write<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        match self {
            Self::Drawn(distribution) => distribution.write(map),
            Self::Header => map.serialize_entry("header_delay", &Nothing),
        }
    }
}

impl Wait {
    const COMMON: &'static [&'static str] = &["max", "percentage"];

    /// How long this request waits: not at all if it comes out so.
    pub fn length(&self, request: &dyn RequestView, entropy: &mut dyn Entropy) -> Option<Duration> {
        let drawn = match &self.length {
            Length::Drawn(distribution) => distribution.sample(entropy),
            Length::Header => header_control::delay(request),
        };
        let length = self.max.map_or(drawn, |max| drawn.min(max.get()));
        (!length.is_zero()).then_some(length)
    }
}

impl Decode for Wait {
    const EXPECTED: &'static str = "a delay such as `{\"fixed_delay\": \"250ms\"}`";

    schema!(|definitions| definitions.object("Delay", |definitions| {
        let share = FractionalPercent::schema(definitions);
        let delay = crate::decode::describe::Object::new(&[
            "How long a request waits: at most an hour, whatever the distribution.",
        ]);
        let delay = Distribution::describe(delay, definitions)
            .with(
                "header_delay",
                "As long as the request itself says, by a header.",
                Nothing::schema(definitions),
            )
            .with("max", "Cuts longer ones.", Written::schema(definitions))
            .with("percentage", "The share of the rule's requests that wait: all, if it is absent.", share);
        delay.exactly_one(Length::FIELDS)
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(json, decoder, &[Length::FIELDS, Self::COMMON], &[])?;
        let max: Option<Option<Written>> = Field::read(&fields, "max", decoder);
        if let (Some(Some(max)), Some((name, _))) = (max, fields.value("max"))
            && max.get().is_zero()
        {
            decoder.field(name, |d| {
                d.refuse::<()>(Code::OutOfRange, "invalid duration", "a delay of nothing does nothing")
            });
        }
        let percentage = Field::read(&fields, "percentage", decoder);
        let present = fields.present(Length::FIELDS);
        let length = match present.as_slice() {
            [field] => fields
                .value(field)
                .and_then(|(spelled, value)| decoder.field(spelled, |d| Length::decode(field, value, d))),
            [] if fields.misnamed() => None,
            [] => {
                let label = format!("expected one of {}", listed(Length::FIELDS));
                decoder.refuse(Code::Conflict, "a delay needs a length", label)
            }
            several => {
                let label = format!("{} exclude each other", listed(several).replace(" or ", " and "));
                decoder.refuse(Code::Conflict, "a delay has one length", label)
            }
        };
        Some(Self { length: length?, max: max?, percentage: percentage? })
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
