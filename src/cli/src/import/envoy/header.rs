//! `HeaderMatcher`: copied to the document unchanged, except for fields that Envoy has deprecated.

use super::number::flag;
use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::findings::Findings;
use crate::import::place::Node;
use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::json::Json;

/// The ways to match a value; a matcher has at most one.
const SPECIFIERS: [&str; 8] = [
    "string_match",
    "range_match",
    "present_match",
    "exact_match",
    "safe_regex_match",
    "prefix_match",
    "suffix_match",
    "contains_match",
];

/// A matcher, for the document.
pub fn matcher(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let fields = findings.open(node, &FIELDS, "headers[]")?;
    let given: Vec<&str> =
        fields.iter().map(|(name, _)| *name).filter(|name| SPECIFIERS.contains(name)).collect();
    if let [first, second, ..] = given.as_slice() {
        let label = format!("`{first}` and `{second}` exclude each other");
        findings.wrong(&node.place, Code::Conflict, "invalid header matcher", label);
        return None;
    }
    let mut built = Vec::new();
    for (name, field) in &fields {
        let (name, value) = match *name {
            "string_match" => ("string_match", string(field, findings)?),
            "safe_regex_match" => ("string_match", only("safe_regex", regex(field, findings)?, field)),
            "exact_match" => ("string_match", only("exact", copied(field), field)),
            "prefix_match" => ("string_match", only("prefix", copied(field), field)),
            "suffix_match" => ("string_match", only("suffix", copied(field), field)),
            "contains_match" => ("string_match", only("contains", copied(field), field)),
            "present_match" => ("present_match", boolean(flag(field, findings)?, field)),
            "invert_match" | "treat_missing_header_as_empty" => match flag(field, findings)? {
                true => (*name, boolean(true, field)),
                false => continue,
            },
            other => (other, copied(field)),
        };
        built.push((name, value));
    }
    Some(Built::object(built).from(&node.place))
}

fn copied(node: &Node<'_>) -> Built {
    Built::value(node.json.clone()).from(&node.place)
}

fn boolean(flag: bool, node: &Node<'_>) -> Built {
    Built::value(Json::Bool(flag)).from(&node.place)
}

fn only(name: &str, value: Built, node: &Node<'_>) -> Built {
    Built::object([(name, value)]).from(&node.place)
}

fn string(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let losses = findings.losses();
    let fields = findings.open(node, &FIELDS, "headers[].string_match")?;
    let mut built = Vec::new();
    for (name, field) in &fields {
        let value = match *name {
            "safe_regex" => regex(field, findings)?,
            "ignore_case" => match flag(field, findings)? {
                true => boolean(true, field),
                false => continue,
            },
            _ => copied(field),
        };
        built.push((*name, value));
    }
    // Without the refused part, it would be a different matcher.
    (findings.losses() == losses).then(|| Built::object(built).from(&node.place))
}

/// The expression of `{"regex": "…"}`.
fn regex(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let Some(regex) = node.field("regex") else {
        findings.wrong(
            &node.place,
            Code::MissingField,
            "missing field `regex`",
            "expected a regular expression",
        );
        return None;
    };
    for (name, field) in
        node.entries().iter().filter(|(name, _)| !["regex", "google_re2", "googleRe2"].contains(name))
    {
        findings.wrong(
            &field.place,
            Code::UnknownField,
            format!("unknown field `{name}`"),
            "expected `regex`",
        );
    }
    if findings.text(&regex)?.is_empty() {
        findings.wrong(&regex.place, Code::InvalidValue, "empty regular expression", "Envoy refuses it");
        return None;
    }
    Some(copied(&regex))
}
