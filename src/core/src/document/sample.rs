//! Sampling: a rule takes matching requests at random, by a key that is stable per user, or by count.

use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Fields, Nothing, Refused, choice, integer, object, schema, words};
use crate::predicate::pair::PairName;
use crate::predicate::{pair, source};
use crate::value::header::HeaderName;
use crate::view::{Property, RequestView};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::hash::Hasher;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use siphasher::sip::SipHasher24;

object! {
    /// Chooses the share of requests: `by` a key, or by count with `every` or `first`.
    #[derive(Debug, Clone)]
    pub struct Sample {
        /// The key: requests with the same key are all taken or all skipped, in every worker and every proxy.
        pub by: Option<Key>,
        /// The salt, hashed together with the key; the rule's name if absent. Rules with different salts choose
        /// independently, rules with the same salt choose the same keys.
        pub salt: Option<String>,
        /// The decision for a request without the key: `skip` if absent.
        pub missing: Option<Missing>,
        /// Takes one in every N requests, beginning with the first.
        pub every: Option<Positive>,
        /// Takes only the first N requests after the document arrived.
        pub first: Option<Positive>,
        /// With `first`: takes the first N of every M requests.
        pub of: Option<Positive>,
    }
    exactly_one ["by", "every", "first"] else "the sample has no selection", "the sample has more than one selection"
    check Self::check
}

impl Sample {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        if self.by.is_none() && (self.salt.is_some() || self.missing.is_some()) {
            let label = "`salt` and `missing` require `by`";
            return decoder.refuse(Code::Conflict, "invalid sample", label);
        }
        match (self.first, self.of) {
            (None, Some(_)) => decoder.refuse(Code::Conflict, "invalid sample", "`of` requires `first`"),
            (Some(first), Some(of)) if first.0 >= of.0 => {
                let label = format!("the first {} of {} is every request", first.0, of.0);
                decoder.refuse(Code::OutOfRange, "invalid sample", label)
            }
            _ => Ok(()),
        }
    }

    /// Returns whether requests are chosen by count.
    pub fn counts(&self) -> bool {
        self.by.is_none()
    }

    /// Returns whether the request is taken, by count: `ordinal` is its index among the matching requests, from 0.
    pub fn includes_ordinal(&self, ordinal: u64) -> bool {
        match (self.every, self.first, self.of) {
            (Some(every), _, _) => ordinal.is_multiple_of(every.0),
            (None, Some(first), Some(of)) => ordinal.checked_rem(of.0).is_some_and(|place| place < first.0),
            (None, Some(first), None) => ordinal < first.0,
            (None, None, _) => true,
        }
    }
}

/// Maps a key and a salt to a number between 0 and 2^64. SipHash-2-4 with a zero key over the salt's length as 64 bits,
/// little endian, the salt, and the key: the same on every platform, so that it can be computed offline.
pub fn point(salt: &str, key: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(&(salt.len() as u64).to_le_bytes());
    hasher.write(salt.as_bytes());
    hasher.write(key);
    hasher.finish()
}

words! {
    /// The decision for a request without a key.
    #[derive(Default)]
    pub enum Missing as "`missing`", expected "`skip` or `random`" {
        /// The rule does not take it.
        #[default]
        Skip = "skip",
        /// The rule takes it at random.
        Random = "random",
    }
}

choice! {
    /// The key that decides which requests are taken together.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Key else "`by` has no key", "`by` has more than one key" {
        /// The first value of a header.
        Header(HeaderName) = "header",
        /// The first cookie with this name, in any `cookie` header.
        Cookie(PairName) = "cookie",
        /// The first query parameter with this name, percent-decoded.
        QueryParameter(PairName) = "query_parameter",
        /// The downstream remote address, without the port.
        SourceIp(Nothing) = "source_ip",
        /// The first URI SAN of the peer's certificate.
        Principal(Nothing) = "principal",
        /// The trace id from `traceparent` (W3C Trace Context), or else from `x-b3-traceid` or `b3` (Zipkin's B3).
        Trace(Nothing) = "trace",
    }
}

impl Key {
    /// Returns the request's key, or `None` if it has none.
    pub fn of(&self, request: &dyn RequestView) -> Option<Vec<u8>> {
        match self {
            Self::Header(name) => request.first_value(name.as_str()),
            Self::Cookie(name) => {
                let mut value = None;
                request.any_value("cookie", &mut |header| {
                    let found = pair::cookies(header).find(|(found, _)| *found == name.as_str().as_bytes());
                    value = found.map(|(_, value)| value.to_vec());
                    value.is_some()
                });
                value
            }
            Self::QueryParameter(name) => {
                let path = request.first_value(":path")?;
                let found = pair::parameters(&path).find(|(found, _)| **found == *name.as_str().as_bytes());
                found.map(|(_, value)| value.into_owned())
            }
            Self::SourceIp(Nothing) => {
                source::address(request).map(|address| address.to_string().into_bytes())
            }
            Self::Principal(Nothing) => request.property(Property::PeerUriSan),
            Self::Trace(Nothing) => trace_id(request),
        }
    }
}

fn trace_id(request: &dyn RequestView) -> Option<Vec<u8>> {
    let part = |header: &str, index: usize| {
        let value = request.first_value(header)?;
        let part = value.split(|byte| *byte == b'-').nth(index)?;
        (part.len() >= 16 && part.iter().any(|byte| *byte != b'0')).then(|| part.to_vec())
    };
    part("traceparent", 1).or_else(|| part("x-b3-traceid", 0)).or_else(|| part("b3", 0))
}

impl Decode for Key {
    const EXPECTED: &'static str = "a key such as `{\"header\": \"x-user-id\"}`";

    schema!(|definitions| definitions.object("Key", |definitions| {
        Self::describe(crate::decode::describe::Object::new(&["The key to sample by."]), definitions)
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let fields = Fields::of(json, decoder, &[Self::FIELDS], &[])?;
        Self::choose(&fields, decoder)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        self.write(&mut map)?;
        map.end()
    }
}

/// A number of requests, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Positive(u64);

impl Positive {
    pub fn get(self) -> u64 {
        self.0
    }
}

impl Decode for Positive {
    const EXPECTED: &'static str = "a whole number from 1";

    schema!(|_| crate::decode::describe::integer(1, None));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        match integer(json).and_then(|number| u64::try_from(number).ok()) {
            Some(number) if number > 0 => Ok(Self(number)),
            _ => decoder.wrong_type("count", json, Self::EXPECTED),
        }
    }
}

impl Serialize for Positive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}
