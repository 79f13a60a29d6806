//! The fields of one object, and those that it should not have.

use super::spelling::{closest, is_spelling, listed, snake};
use super::{Decode, Decoder};
use crate::decode::diagnostic::Code;
use crate::decode::dictionary::Dictionary;
use crate::decode::json::{Json, Shortened};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The fields of one object.
#[derive(Debug)]
pub struct Fields<'a> {
    fields: &'a [(String, Json)],
    /// Whether every name was good.
    good: bool,
}

impl<'a> Fields<'a> {
    /// The fields of `json`, once those that nobody knows, that come twice, or that are not supported yet have
    /// been reported.
    pub fn of(json: &'a Json, decoder: &mut Decoder, known: &[&[&str]], later: &[&str]) -> Option<Self> {
        let Json::Object(fields) = json else {
            return decoder.wrong_type("value", json, "an object");
        };
        let mut earlier = Dictionary::default();
        let told = decoder.told();
        for (name, _) in fields {
            let first = earlier.add(snake(name).as_bytes(), ()).is_none();
            decoder.field(name, |d| if first { check_name(name, d, known, later) } else { twice(name, d) });
        }
        Some(Self { fields, good: decoder.told() == told })
    }

    /// Whether one of its names was complained about: then what seems to be missing is probably what was meant by it.
    pub fn misnamed(&self) -> bool {
        !self.good
    }

    /// The value of a field. One that is `null` counts as absent, as in protobuf's JSON.
    pub fn value(&self, name: &str) -> Option<(&'a str, &'a Json)> {
        let found = self.fields.iter().find(|(spelled, _)| is_spelling(spelled, name))?;
        (found.1 != Json::Null).then_some((found.0.as_str(), &found.1))
    }

    /// Decodes a field that may be absent. The outer `None` is a mistake.
    #[allow(clippy::option_option, reason = "absent and wrong are different things")]
    pub fn optional<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Option<Option<T>> {
        match self.value(name) {
            None => Some(None),
            Some((spelled, json)) => decoder.field(spelled, |d| T::decode(json, d)).map(Some),
        }
    }

    /// Decodes a field that has to be there.
    pub fn required<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Option<T> {
        let found = self.optional(name, decoder)?;
        if found.is_none() {
            decoder.miss(name, T::EXPECTED, T::IF_MISSING);
        }
        found
    }

    /// Which of these fields are there.
    pub fn present<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        names.iter().copied().filter(|name| self.value(name).is_some()).collect()
    }
}

fn twice(name: &str, decoder: &mut Decoder) {
    decoder.refuse::<()>(Code::DuplicateField, format!("field `{}` given twice", Shortened(name)), "");
}

fn check_name(name: &str, decoder: &mut Decoder, known: &[&[&str]], later: &[&str]) {
    if known.iter().copied().flatten().any(|field| is_spelling(name, field)) {
        return;
    }
    if later.iter().any(|field| is_spelling(name, field)) {
        let label = "this release does not know it";
        decoder.refuse::<()>(
            Code::NotSupported,
            format!("`{}` is not supported yet", Shortened(name)),
            label,
        );
        return;
    }
    let names: Vec<&str> = known.iter().copied().flatten().copied().collect();
    let label = format!("expected {}", listed(&names));
    decoder.refuse::<()>(Code::UnknownField, format!("unknown field `{}`", Shortened(name)), label);
    if let Some(close) = closest(name, &names) {
        decoder.help::<()>(format!("did you mean `{close}`?"));
    }
}
