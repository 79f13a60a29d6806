//! The rules of a document.

use super::rule::Rule;
use crate::decode::diagnostic::Code;
use crate::decode::dictionary::Dictionary;
use crate::decode::json::{Json, Shortened};
use crate::decode::path::Segment;
use crate::decode::{Decode, Decoder, Refused, schema};
use crate::view::Property;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use serde::{Serialize, Serializer};

/// The most rules that one document may have.
const MOST_RULES: usize = 10_000;

/// The rules of a document, in order.
#[derive(Debug, Clone, Default)]
pub struct Rules(Rc<Vec<Rule>>);

impl Rules {
    pub fn as_slice(&self) -> &[Rule] {
        &self.0
    }

    /// Evaluates the conditions that depend only on the proxy.
    pub fn settle(&self, proxy: &dyn Fn(Property<'_>) -> Option<Vec<u8>>) {
        for predicate in self.0.iter().filter_map(|rule| rule.matches.as_ref()) {
            predicate.settle(proxy);
        }
    }
}

impl Decode for Rules {
    const EXPECTED: &'static str = "a list of rules";

    schema!(
        |definitions| serde_json::json!({ "type": "array", "items": Rule::schema(definitions), "maxItems": MOST_RULES })
    );

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let Json::Array(list) = json else {
            return decoder.wrong_type("rules", json, Self::EXPECTED);
        };
        if list.len() > MOST_RULES {
            let label = format!("{} of them, at most {MOST_RULES} are allowed", list.len());
            return decoder.refuse(Code::OutOfRange, "too many rules", label);
        }
        // Compare the raw JSON, so that a rule with another mistake in it is compared too.
        refuse_equal_names(list, decoder);
        Vec::decode(json, decoder).map(|rules| Self(Rc::new(rules)))
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
    let mut first = Dictionary::default();
    for (index, rule) in rules.iter().enumerate() {
        let Some(name) = name(rule) else { continue };
        if let Some(earlier) = first.add(name.as_bytes(), index) {
            decoder.within(Segment::Index(index), |d| {
                d.field("name", |d| {
                    let label = format!("already used by `rules[{earlier}]`");
                    d.report(
                        Code::DuplicateName,
                        format!("rule name `{}` given twice", Shortened(&name)),
                        label,
                    );
                });
            });
        }
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.as_slice())
    }
}
