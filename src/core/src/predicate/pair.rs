//! Conditions on name-value pairs: query parameters and cookies. A name that occurs more than once matches if any of
//! its values does.

use super::string::CHEAP;
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Refused, object, schema};
use crate::predicate::string::StringMatcher;
use crate::view::RequestView;
use alloc::borrow::Cow;
use alloc::string::String;
use serde::{Serialize, Serializer};

object! {
    /// A condition on a query parameter or a cookie. Without `string_match` and `present_match`, it must be
    /// present.
    #[derive(Debug, Clone)]
    pub struct PairMatcher {
        /// Its name, which is case-sensitive.
        pub name: String,
        /// Matches its value; a missing value counts as empty.
        pub string_match: Option<StringMatcher>,
        /// True if it must be present, false if it must be absent.
        pub present_match: Option<bool>,
    }
    check Self::check
}

impl PairMatcher {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        if self.name.is_empty() {
            return decoder.field("name", |d| d.refuse(Code::InvalidValue, "empty name", ""));
        }
        if self.string_match.is_some() && self.present_match.is_some() {
            let label = "`string_match` and `present_match` exclude each other";
            return decoder.refuse(Code::Conflict, "invalid matcher", label);
        }
        Ok(())
    }

    /// Returns whether the request's query matches.
    pub fn in_query(&self, request: &dyn RequestView) -> bool {
        let mut found = Found::default();
        request.any_value(":path", &mut |path| {
            if may_split(request, path) {
                parameters(path).for_each(|(name, value)| self.look_at(request, &name, &value, &mut found));
            }
            true
        });
        self.verdict(found)
    }

    /// Returns whether the request's cookies match.
    pub fn in_cookies(&self, request: &dyn RequestView) -> bool {
        let mut found = Found::default();
        request.any_value("cookie", &mut |header| {
            if may_split(request, header) {
                cookies(header).for_each(|(name, value)| self.look_at(request, name, value, &mut found));
            }
            false
        });
        self.verdict(found)
    }

    fn look_at(&self, request: &dyn RequestView, name: &[u8], value: &[u8], found: &mut Found) {
        if name == self.name.as_bytes() {
            found.present = true;
            found.matched |=
                self.string_match.as_ref().is_some_and(|string| string.matches_in(request, value));
        }
    }

    fn verdict(&self, found: Found) -> bool {
        match self.string_match {
            Some(_) => found.matched,
            None => found.present == self.present_match.unwrap_or(true),
        }
    }
}

/// Returns whether the budget allows splitting a value, which each condition does separately.
fn may_split(request: &dyn RequestView, value: &[u8]) -> bool {
    request.effort().is_none_or(|effort| effort.spend(1 + value.len() / CHEAP))
}

#[derive(Default)]
struct Found {
    present: bool,
    matched: bool,
}

/// Returns the parameters of a path's query, percent-decoded (RFC 3986, section 2.1). A `+` is a literal plus.
pub fn parameters(path: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Cow<'_, [u8]>)> {
    let path = path.split(|byte| *byte == b'#').next().unwrap_or_default();
    let query = path.iter().position(|byte| *byte == b'?').and_then(|at| path.get(at + 1..));
    let query = query.unwrap_or_default();
    let pairs = query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = split_at_equals(pair);
        (percent_decoded(name), percent_decoded(value))
    })
}

/// Returns the cookies of one `cookie` header (RFC 6265, section 4.2.1).
pub fn cookies(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = header.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty());
    pairs.map(split_at_equals)
}

/// The name of a cookie or a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairName(String);

impl PairName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Decode for PairName {
    const EXPECTED: &'static str = "a name";

    schema!(|_| crate::decode::describe::text("", &["session"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let name = String::decode(json, decoder)?;
        if name.is_empty() { decoder.refuse(Code::InvalidValue, "empty name", "") } else { Ok(Self(name)) }
    }
}

impl Serialize for PairName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

pub(crate) fn split_at_equals(pair: &[u8]) -> (&[u8], &[u8]) {
    let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
    let (name, rest) = pair.split_at(at);
    (name, rest.strip_prefix(b"=").unwrap_or(rest))
}

/// Decodes percent-encoding; invalid escapes stay as they are.
pub(crate) fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    percent_encoding::percent_decode(text).into()
}
