//! The document as it is written.

use crate::decode::{Decode, Decoder, Field, Fields, object};
use crate::diagnostic::Code;
use crate::fault::Faults;
use crate::json::Json;
use crate::path::Segment;
use crate::percent::FractionalPercent;
use crate::predicate::Predicate;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The most rules that one document may have.
const MOST_RULES: usize = 10_000;

/// How far a document goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mode {
    /// Nothing is looked at.
    Off,
    /// What would be done is counted, and nothing is touched.
    Shadow,
    /// Faults are injected.
    #[default]
    Inject,
}

impl Mode {
    const NAMES: [(Self, &'static str); 3] =
        [(Self::Inject, "inject"), (Self::Shadow, "shadow"), (Self::Off, "off")];

    /// Its name in a document.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(mode, _)| *mode == self).map_or("off", |(_, name)| name)
    }
}

impl Decode for Mode {
    const EXPECTED: &'static str = "`inject`, `shadow` or `off`";

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let found = match json {
            Json::String(text) => Self::NAMES.iter().find(|(_, name)| name == text).map(|(mode, _)| *mode),
            // YAML 1.1 reads a bare `off` as a boolean.
            Json::Bool(false) => Some(Self::Off),
            _ => None,
        };
        found.or_else(|| {
            let label = format!("found {json}, expected {}", Self::EXPECTED);
            decoder.refuse(Code::InvalidValue, "invalid mode", label)
        })
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A rule's name: it stands in headers, logs and the names of metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName(String);

impl RuleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Decode for RuleName {
    const EXPECTED: &'static str = "a name such as `\"slow-checkout\"`";
    const IF_MISSING: Option<&'static str> =
        Some("metrics, logs and the response header call the rule by its name");

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let name = String::decode(json, decoder)?;
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        let outer = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if name.len() > 63 || !name.bytes().all(inner) || !name.bytes().next().is_some_and(outer) {
            decoder.refuse::<()>(Code::InvalidValue, "invalid rule name", format!("found {json}"));
            return decoder
                .help("use 1 to 63 of `a-z`, `0-9`, `_`, `.` and `-`, beginning with a letter or digit");
        }
        Some(Self(name))
    }
}

impl Serialize for RuleName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// One rule: which requests, how many of them, and what happens to those.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Unique in the document.
    pub name: RuleName,
    /// Overrides the document's mode, towards less only.
    pub mode: Option<Mode>,
    /// Which requests: every request, if it is absent.
    pub matches: Option<Predicate>,
    /// The share of them that the rule takes.
    pub percentage: FractionalPercent,
    /// What happens to a request that the rule takes.
    pub faults: Faults,
}

impl Rule {
    const FIELDS: &'static [&'static str] = &["name", "mode", "match", "percentage"];
    const LATER: &'static [&'static str] = &[
        "sample",
        "schedule",
        "limits",
        "outcomes",
        "reset",
        "hang",
        "request",
        "request_rate_limit",
        "response",
        "response_rate_limit",
    ];
}

impl Decode for Rule {
    const EXPECTED: &'static str = "a rule";

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(json, decoder, &[Self::FIELDS, Faults::FIELDS], Self::LATER)?;
        let name = Field::read(&fields, "name", decoder);
        let mode = Field::read(&fields, "mode", decoder);
        let matches = Field::read(&fields, "match", decoder);
        let percentage = Field::read(&fields, "percentage", decoder);
        let faults = Faults::read(&fields, decoder);
        let later = fields.present(Self::LATER);
        if later.is_empty() && fields.present(Faults::FIELDS).is_empty() {
            decoder.refuse::<()>(Code::Conflict, "a rule without a fault", "");
            decoder.help::<()>("add `delay` or `abort`");
        }
        Some(Self { name: name?, mode: mode?, matches: matches?, percentage: percentage?, faults: faults? })
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.name.write("name", &mut map)?;
        self.mode.write("mode", &mut map)?;
        self.matches.write("match", &mut map)?;
        self.percentage.write("percentage", &mut map)?;
        self.faults.write(&mut map)?;
        map.end()
    }
}

/// The rules of a document, in order.
#[derive(Debug, Clone, Default)]
pub struct Rules(pub Vec<Rule>);

impl Decode for Rules {
    const EXPECTED: &'static str = "a list of rules";

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let Json::Array(list) = json else {
            return decoder.wrong_type("rules", json, Self::EXPECTED);
        };
        if list.len() > MOST_RULES {
            let label = format!("{} of them, at most {MOST_RULES} are allowed", list.len());
            return decoder.refuse(Code::OutOfRange, "too many rules", label);
        }
        // By the text, so that a rule with another mistake in it is compared too.
        refuse_equal_names(list, decoder);
        Vec::decode(json, decoder).map(Self)
    }
}

fn refuse_equal_names(rules: &[Json], decoder: &mut Decoder) {
    let name = |rule: &'_ Json| match rule {
        Json::Object(fields) => {
            fields.iter().find(|(field, _)| field == "name").and_then(|(_, name)| match name {
                Json::String(name) => Some(name.clone()),
                _ => None,
            })
        }
        _ => None,
    };
    let mut first = alloc::collections::BTreeMap::new();
    for (index, rule) in rules.iter().enumerate() {
        let Some(name) = name(rule) else { continue };
        let earlier = *first.entry(name.clone()).or_insert(index);
        if earlier != index {
            decoder.within(Segment::Index(index), |d| {
                d.field("name", |d| {
                    let label = format!("`rules[{earlier}]` is called so too");
                    d.refuse::<()>(Code::DuplicateName, format!("rule name `{name}` given twice"), label);
                });
            });
        }
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

object! {
    /// A whole document. An empty one does nothing.
    #[derive(Debug, Clone, Default)]
    pub struct Document {
        /// How far it goes: `inject` if it is absent.
        pub mode: Option<Mode>,
        /// In order: the first rule that matches a request and takes it is the only one that it suffers.
        pub rules: Option<Rules>,
    }
    later ["placement", "experiment", "exclude", "limits", "stop_when", "per_route", "report"]
}
