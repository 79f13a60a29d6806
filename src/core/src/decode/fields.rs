//! The fields of one object, and those that it should not have.

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
    /// Whether every name was good.
    good: bool,
}

impl<'a> Fields<'a> {
    /// The fields of `json`, once those that nobody knows, that come twice, or that are not supported yet have
    /// been reported.
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

    /// Whether one of its names was complained about: then what seems to be missing is probably what was meant by it.
    pub fn misnamed(&self) -> bool {
        !self.good
    }

    /// The value of a field. One that is `null` counts as absent, as in protobuf's JSON.
    pub fn value(&self, name: &str) -> Option<(&'a str, &'a Json)> {
        let found = self.fields.iter().find(|(spelled, _)| is_spelling(spelled, name))?;
        (found.1 != Json::Null).then_some((found.0.as_str(), &found.1))
    }

    /// Decodes a field that may be absent.
    ///
    /// # Errors
    /// Its value is wrong.
    pub fn optional<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Result<Option<T>, Refused> {
        match self.value(name) {
            None => Ok(None),
            Some((spelled, json)) => decoder.field(spelled, |d| T::decode(json, d)).map(Some),
        }
    }

    /// Decodes a field that has to be there.
    ///
    /// # Errors
    /// It is missing, or its value is wrong.
    pub fn required<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Result<T, Refused> {
        self.optional(name, decoder)?.ok_or_else(|| decoder.miss(name, T::EXPECTED, T::IF_MISSING))
    }

    /// The one of these fields that is there.
    ///
    /// # Errors
    /// None is, or several are: the messages say so.
    pub fn exactly_one<'n>(
        &self,
        names: &[&'n str],
        none: &'static str,
        several: &'static str,
        decoder: &mut Decoder,
    ) -> Result<&'n str, Refused> {
        match self.present(names).as_slice() {
            [one] => Ok(one),
            // What is missing is probably what was meant by it.
            [] if self.misnamed() => Err(decoder.refused()),
            [] => decoder.refuse(Code::Conflict, none, format!("expected one of {}", listed(names))),
            given => {
                let label = format!("{} exclude each other", listed(given).replace(" or ", " and "));
                decoder.refuse(Code::Conflict, several, label)
            }
        }
    }

    /// Does something at a field that is there.
    pub fn at<R>(&self, name: &str, decoder: &mut Decoder, work: impl FnOnce(&mut Decoder) -> R) -> R {
        decoder.field(self.value(name).map_or(name, |(spelled, _)| spelled), work)
    }

    /// Which of these fields are there.
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
        let label = "this release does not know it";
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
