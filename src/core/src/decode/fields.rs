//! The fields of one object, with a check for unknown, duplicate and unsupported fields.

use super::spelling::{closest, is_spelling, listed, snake};
use super::{Decode, Decoder, Refused};
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
    /// True if every name was valid.
    good: bool,
}

impl<'a> Fields<'a> {
    /// Returns the fields of `json`, after reporting those that are unknown, given twice, or not supported yet.
    pub fn of(
        json: &'a Json,
        decoder: &mut Decoder,
        known: &[&[&str]],
        later: &[&str],
    ) -> Result<Self, Refused> {
        let Json::Object(fields) = json else {
            return decoder.wrong_type("value", json, "an object");
        };
        let mut earlier = Dictionary::default();
        let told = decoder.told();
        for (name, _) in fields {
            let first = earlier.add(snake(name).as_bytes(), ()).is_none();
            decoder.field(name, |d| if first { check_name(name, d, known, later) } else { twice(name, d) });
        }
        Ok(Self { fields, good: decoder.told() == told })
    }

    /// Returns whether a name was reported: a field that seems to be missing is then probably just misspelled.
    pub fn misnamed(&self) -> bool {
        !self.good
    }

    /// Returns a field's name as spelled, and its value. A `null` counts as absent, as in protobuf's JSON.
    pub fn value(&self, name: &str) -> Option<(&'a str, &'a Json)> {
        let found = self.fields.iter().find(|(spelled, _)| is_spelling(spelled, name))?;
        (found.1 != Json::Null).then_some((found.0.as_str(), &found.1))
    }

    /// Decodes a field that may be absent.
    ///
    /// # Errors
    /// The value is invalid.
    pub fn optional<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Result<Option<T>, Refused> {
        match self.value(name) {
            None => Ok(None),
            Some((spelled, json)) => decoder.field(spelled, |d| T::decode(json, d)).map(Some),
        }
    }

    /// Decodes a required field.
    ///
    /// # Errors
    /// The field is missing, or its value is invalid.
    pub fn required<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Result<T, Refused> {
        self.optional(name, decoder)?.ok_or_else(|| decoder.miss(name, T::EXPECTED, T::IF_MISSING))
    }

    /// Returns the one of these fields that is set.
    ///
    /// # Errors
    /// None of them is set, or several are: `none` and `several` are the messages.
    pub fn exactly_one<'n>(
        &self,
        names: &[&'n str],
        none: &'static str,
        several: &'static str,
        decoder: &mut Decoder,
    ) -> Result<&'n str, Refused> {
        match self.present(names).as_slice() {
            [one] => Ok(one),
            // The missing field is probably the misspelled one.
            [] if self.misnamed() => Err(decoder.refused()),
            [] => decoder.refuse(Code::Conflict, none, format!("expected one of {}", listed(names))),
            given => {
                let label = format!("{} exclude each other", listed(given).replace(" or ", " and "));
                decoder.refuse(Code::Conflict, several, label)
            }
        }
    }

    /// Runs `work` with the path of a field that is set.
    pub fn at<R>(&self, name: &str, decoder: &mut Decoder, work: impl FnOnce(&mut Decoder) -> R) -> R {
        decoder.field(self.value(name).map_or(name, |(spelled, _)| spelled), work)
    }

    /// Returns the fields of these that are set.
    pub fn present<'n>(&self, names: &[&'n str]) -> Vec<&'n str> {
        names.iter().copied().filter(|name| self.value(name).is_some()).collect()
    }
}

fn twice(name: &str, decoder: &mut Decoder) {
    decoder.report(Code::DuplicateField, format!("field `{}` given twice", Shortened(name)), "");
}

fn check_name(name: &str, decoder: &mut Decoder, known: &[&[&str]], later: &[&str]) {
    if known.iter().copied().flatten().any(|field| is_spelling(name, field)) {
        return;
    }
    if later.iter().any(|field| is_spelling(name, field)) {
        let label = "not available in this release";
        decoder.report(Code::NotSupported, format!("`{}` is not supported yet", Shortened(name)), label);
        return;
    }
    let names: Vec<&str> = known.iter().copied().flatten().copied().collect();
    let label = format!("expected {}", listed(&names));
    decoder.report(Code::UnknownField, format!("unknown field `{}`", Shortened(name)), label);
    if let Some(close) = closest(name, &names) {
        decoder.advise(format!("did you mean `{close}`?").into());
    }
}
