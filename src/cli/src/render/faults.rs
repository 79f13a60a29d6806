//! The document to render, and its parts that go to different places.

use super::yaml::{self, Yaml};
use crate::document::text::Text;
use crate::document::{DocumentFile, Mistake};
use brownout_core::decode::Decoder;
use brownout_core::decode::json::Json;
use brownout_core::document::mode::Placement;
use brownout_core::document::rule::Rule;
use brownout_core::document::rules::Rules;
use brownout_core::document::{Document, RouteDocument};
use brownout_core::kind::Kind;
use serde::Serialize;

/// The maximum length of a line of a document.
const WIDTH: usize = 92;

/// The largest whole number that survives a protobuf `Struct`, whose numbers are doubles.
const LARGEST_EXACT: u64 = 1 << 53;

/// A document without mistakes.
#[derive(Debug, Clone)]
pub struct Faults {
    /// The document as the user wrote it.
    written: Json,
    typed: Document,
}

impl Faults {
    /// Checks a document, with the messages of `brownout check`.
    ///
    /// # Errors
    /// Every mistake.
    pub fn read(document: &DocumentFile) -> Result<Self, Vec<Mistake>> {
        let checked = document.check()?;
        // An empty text is a good document.
        let written = match Json::parse(checked.json.as_bytes()) {
            Ok(written @ Json::Object(_)) => written,
            _ => Json::Object(Vec::new()),
        };
        let typed = Decoder::decode(&written).unwrap_or_default();
        Ok(Self { written, typed })
    }

    /// Returns the whole document as the user wrote it.
    pub fn whole(&self) -> Json {
        self.written.clone()
    }

    /// Returns the plugin's configuration for rules on routes: everything except the rules.
    pub fn without_rules(&self) -> Json {
        printed(&Document { rules: None, per_route: Some(true), ..self.typed.clone() })
    }

    /// Returns the routes' metadata in that case: the rules only.
    pub fn rules_only(&self) -> Json {
        printed(&RouteDocument { rules: self.typed.rules.clone().unwrap_or_default() })
    }

    /// Returns the document as the module reads it.
    pub fn typed(&self) -> &Document {
        &self.typed
    }

    /// Returns a field that counts all requests the module sees, whether or not a rule matches them.
    pub fn counts_all_requests(&self) -> Option<&'static str> {
        let limits = self.rules().iter().filter_map(|rule| rule.limits).chain(self.typed.limits);
        let of_all = limits.into_iter().any(|limits| limits.max_percentage.is_some());
        let stops = self.typed.stop_when.is_some().then_some("stop_when");
        stops.or(of_all.then_some("max_percentage"))
    }

    /// Returns whether it is for the filter chain of a cluster.
    pub fn is_upstream(&self) -> bool {
        self.typed.placement == Some(Placement::Upstream)
    }

    /// Returns whether a rule changes requests.
    pub fn changes_requests(&self) -> bool {
        self.rules().iter().any(|rule| rule.action.kinds().iter().any(Kind::changes_request))
    }

    /// Returns whether a rule resets exchanges.
    pub fn resets(&self) -> bool {
        self.faults().any(brownout_core::fault::Faults::reset)
    }

    /// Returns whether a rule answers with this status or changes a response to it.
    pub fn answers_with(&self, status: u16) -> bool {
        self.faults().any(|faults| faults.answer_with(status))
    }

    pub fn rules(&self) -> &[Rule] {
        self.typed.rules.as_ref().map_or(&[], Rules::as_slice)
    }

    /// Returns whether it has a whole number that a control plane would round.
    pub fn has_large_numbers(&self) -> bool {
        is_large(&self.whole())
    }

    fn faults(&self) -> impl Iterator<Item = &brownout_core::fault::Faults> {
        self.rules().iter().flat_map(|rule| rule.action.each_faults())
    }
}

/// A part of a document, spelled as the module prints it.
fn printed(part: &impl Serialize) -> Json {
    let text = serde_json::to_vec(part).unwrap_or_default();
    Json::parse(&text).unwrap_or(Json::Object(Vec::new()))
}

fn is_large(value: &Json) -> bool {
    match value {
        Json::Number(number) => number
            .as_i64()
            .map(i64::unsigned_abs)
            .or(number.as_u64())
            .is_some_and(|number| number > LARGEST_EXACT),
        Json::Array(elements) => elements.iter().any(is_large),
        Json::Object(fields) => fields.iter().any(|(_, value)| is_large(value)),
        Json::Null | Json::Bool(_) | Json::String(_) => false,
    }
}

/// Returns a document as a block of JSON that people can edit.
pub fn block(json: &Json) -> Yaml {
    let mut out = String::new();
    print(json, 0, &mut out);
    Yaml::Block(yaml::escape(&out))
}

fn print(value: &Json, indent: usize, out: &mut String) {
    let short = one_line(value);
    // The outermost object stays open: that is where people add things.
    if indent > 0 && indent + short.len() <= WIDTH {
        return out.push_str(&short);
    }
    let mut inside = |open: char, close: char, parts: Vec<(String, &Json)>| {
        let last = parts.len();
        out.push(open);
        for (index, (name, part)) in parts.into_iter().enumerate() {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2));
            out.push_str(&name);
            print(part, indent + 2, out);
            out.push_str(if index + 1 < last { "," } else { "" });
        }
        if last > 0 {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
        }
        out.push(close);
    };
    match value {
        Json::Array(elements) => {
            inside('[', ']', elements.iter().map(|element| (String::new(), element)).collect());
        }
        Json::Object(fields) => {
            let name = |name: &str| format!("{}: ", serde_json::Value::from(name));
            inside('{', '}', fields.iter().map(|(field, value)| (name(field), value)).collect());
        }
        _ => out.push_str(&short),
    }
}

/// The value on one line, with blanks where people put them.
fn one_line(value: &Json) -> String {
    let join = |parts: Vec<String>| parts.join(", ");
    match value {
        Json::Array(elements) => format!("[{}]", join(elements.iter().map(one_line).collect())),
        Json::Object(fields) if !fields.is_empty() => {
            let part = |(name, value): &(String, Json)| {
                format!("{}: {}", serde_json::Value::from(name.as_str()), one_line(value))
            };
            format!("{{ {} }}", join(fields.iter().map(part).collect()))
        }
        // Printing text and numbers does not fail.
        other => serde_json::to_string(&Text(other)).unwrap_or_default(),
    }
}
