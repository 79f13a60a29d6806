//! Changes to the query of a path (RFC 3986, section 3.4). Parameters that a change does not name stay byte for byte as
//! they were.

use crate::predicate::pair::{percent_decoded, split_at_equals};
use crate::value::query::RESERVED;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use percent_encoding::utf8_percent_encode;

/// The query of a path, as a list of parameters.
pub struct Query<'a>(Vec<Parameter<'a>>);

enum Parameter<'a> {
    /// A parameter of the original query, unchanged.
    Before(&'a [u8]),
    /// A parameter that has been set or added.
    Now(String),
}

impl<'a> Query<'a> {
    /// Splits a path from its query. A fragment, which no client sends, is dropped.
    pub fn split(path: &'a [u8]) -> (&'a [u8], Self) {
        let path = path.split(|byte| *byte == b'#').next().unwrap_or_default();
        let at = path.iter().position(|byte| *byte == b'?').unwrap_or(path.len());
        let (path, query) = path.split_at(at);
        let query = query.strip_prefix(b"?").unwrap_or_default();
        let parameters = query.split(|byte| *byte == b'&').filter(|parameter| !parameter.is_empty());
        (path, Self(parameters.map(Parameter::Before).collect()))
    }

    /// Removes all parameters with a name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|parameter| !parameter.is_called(name));
    }

    /// Replaces all parameters with a name, at the position of the first one, or at the end if there is none.
    pub fn set(&mut self, name: &str, values: &[String]) {
        let place = self.0.iter().position(|parameter| parameter.is_called(name)).unwrap_or(self.0.len());
        self.remove(name);
        let place = place.min(self.0.len());
        self.0.splice(place..place, values.iter().map(|value| Parameter::Now(parameter(name, value))));
    }

    /// Adds a parameter at the end.
    pub fn add(&mut self, name: &str, value: &str) {
        self.0.push(Parameter::Now(parameter(name, value)));
    }

    /// Returns the path with this query.
    pub fn after(&self, path: &[u8]) -> Vec<u8> {
        let mut whole = path.to_vec();
        for (position, parameter) in self.0.iter().enumerate() {
            whole.push(if position == 0 { b'?' } else { b'&' });
            whole.extend_from_slice(match parameter {
                Parameter::Before(bytes) => bytes,
                Parameter::Now(text) => text.as_bytes(),
            });
        }
        whole
    }
}

impl Parameter<'_> {
    fn is_called(&self, name: &str) -> bool {
        let bytes = match self {
            Self::Before(bytes) => bytes,
            Self::Now(text) => text.as_bytes(),
        };
        *percent_decoded(split_at_equals(bytes).0) == *name.as_bytes()
    }
}

fn parameter(name: &str, value: &str) -> String {
    let encoded = |text| utf8_percent_encode(text, RESERVED);
    format!("{}={}", encoded(name), encoded(value))
}
