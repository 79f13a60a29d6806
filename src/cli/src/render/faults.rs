//! The document that is rendered, and the parts of it that go to different places.

use super::yaml::{self, Yaml};
use crate::document::text::Text;
use crate::document::{self, Mistake};
use brownout_core::decode::json::Json;
use brownout_core::decode::{Decoder, snake};
use brownout_core::document::Document;

/// How long a line of a document may get before it is broken.
const WIDTH: usize = 92;

/// The largest whole number that survives a protobuf `Struct`, whose numbers are doubles.
const LARGEST_EXACT: u64 = 1 << 53;

/// A document without mistakes.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    document: Vec<(String, Json)>,
}

impl Faults {
    /// Checks a document, with the messages of `brownout check`.
    ///
    /// # Errors
    /// Every mistake.
    pub fn read(document: &document::Document) -> Result<Self, Vec<Mistake>> {
        let checked = document.check()?;
        // An empty text is a good document.
        Ok(match Json::parse(checked.json.as_bytes()) {
            Ok(Json::Object(document)) => Self { document },
            _ => Self { document: Vec::new() },
        })
    }

    /// All of it.
    pub fn whole(&self) -> Json {
        Json::Object(self.document.clone())
    }

    /// What goes into the plugin's configuration when the rules stand with the routes: everything else.
    pub fn without_rules(&self) -> Json {
        let mut fields = self.document.clone();
        fields.retain(|(name, _)| !matches!(name.as_str(), "rules" | "per_route"));
        fields.push(("per_route".into(), Json::Bool(true)));
        Json::Object(fields)
    }

    /// What goes into the routes' metadata then: the rules, and nothing else.
    pub fn rules_only(&self) -> Json {
        let rules = self.field("rules").cloned().unwrap_or_else(|| Json::Array(Vec::new()));
        Json::Object(vec![("rules".into(), rules)])
    }

    /// The same as the module reads it. There is one, since it has been checked.
    pub fn decoded(&self) -> Option<Document> {
        Decoder::decode(&self.whole()).ok()
    }

    /// A field that is about all requests that the module sees, whether or not a rule matches them.
    pub fn counts_all_requests(&self) -> Option<&'static str> {
        let has =
            |fields: &[(String, Json)], name: &str| fields.iter().any(|(field, _)| snake(field) == name);
        let rules = self.field("rules").map(objects).unwrap_or_default();
        let mut limits = rules.iter().copied().chain([&self.document]).filter_map(|fields| {
            let Json::Object(limits) = field(fields, "limits")? else { return None };
            Some(limits)
        });
        if has(&self.document, "stop_when") {
            return Some("stop_when");
        }
        limits.any(|limits| has(limits, "max_percentage")).then_some("max_percentage")
    }

    /// Whether it is for the filter chain of a cluster.
    pub fn is_upstream(&self) -> bool {
        matches!(self.field("placement"), Some(Json::String(placement)) if placement == "upstream")
    }

    /// Whether a rule changes requests, by the field `request`.
    pub fn changes_requests(&self) -> bool {
        self.faults().any(|(name, _)| name == "request")
    }

    /// Whether a rule cuts exchanges off.
    pub fn resets(&self) -> bool {
        let cuts = |(name, fault): &(String, Json)| match (name.as_str(), fault) {
            ("reset" | "hang", _) => true,
            ("response", Json::Object(fields)) => field(fields, "reset").is_some(),
            _ => false,
        };
        self.faults().any(cuts)
    }

    /// Whether a rule answers or replaces an answer with this status.
    pub fn answers_with(&self, status: u16) -> bool {
        let names_it =
            |value: &Json| matches!(value, Json::Number(number) if number.as_u64() == Some(status.into()));
        self.faults().filter(|(name, _)| matches!(name.as_str(), "abort" | "response")).any(|(_, fault)| {
            let Json::Object(fields) = fault else { return false };
            let is_status = |name: &str| matches!(name, "http_status" | "httpStatus" | "status");
            fields.iter().any(|(name, value)| is_status(name) && names_it(value))
        })
    }

    /// Whether it has a whole number that a control plane would round.
    pub fn has_large_numbers(&self) -> bool {
        is_large(&self.whole())
    }

    fn field(&self, name: &str) -> Option<&Json> {
        field(&self.document, name)
    }

    /// The fields of all rules, and those of their outcomes.
    fn faults(&self) -> impl Iterator<Item = &(String, Json)> {
        let rules = self.field("rules").map(objects).unwrap_or_default();
        let inner = rules.iter().filter_map(|rule| field(rule, "outcomes")).flat_map(objects);
        let all: Vec<_> = rules.iter().copied().chain(inner).collect();
        all.into_iter().flatten()
    }
}

fn field<'a>(fields: &'a [(String, Json)], name: &str) -> Option<&'a Json> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value)
}

fn objects(list: &Json) -> Vec<&Vec<(String, Json)>> {
    let Json::Array(elements) = list else { return Vec::new() };
    elements
        .iter()
        .filter_map(|element| if let Json::Object(fields) = element { Some(fields) } else { None })
        .collect()
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

/// A document as a block of JSON that a person can edit.
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
