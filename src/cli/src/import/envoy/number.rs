//! Values as Envoy reads them from JSON and YAML, more leniently than their schema says: fractions of requests, durations,
//! booleans, lists.

use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::findings::Findings;
use crate::import::percentage::{self, ALL};
use crate::import::place::Node;
use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::integer;
use brownout_core::decode::json::Json;
use brownout_core::value::duration::{LONGEST, Written};
use std::time::Duration;

const DENOMINATORS: [(&str, u32); 3] = [("HUNDRED", 100), ("TEN_THOUSAND", 10_000), ("MILLION", 1_000_000)];

/// Returns the percentage of a fault, from `node`'s field `percentage`. Without one, the fault never happens. Reports
/// a wrong one.
pub fn percentage(fault: &Node<'_>, findings: &mut Findings) -> Built {
    match fault.field("percentage") {
        Some(node) => fraction(&node, findings).unwrap_or_else(|| percentage::built(0)),
        None => {
            findings.note(
                &fault.place,
                "without a percentage it never fires, as in Envoy: the document says 0 %",
            );
            percentage::built(0)
        }
    }
}

fn fraction(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let fields = findings.open(node, &FIELDS, "percentage")?;
    let (mut numerator, mut denominator) = (0, 100);
    for (name, field) in fields {
        match name {
            "numerator" => numerator = findings.unsigned(&field, u64::from(u32::MAX))?,
            _ => denominator = self::denominator(&field, findings)?,
        }
    }
    if numerator > u64::from(denominator) {
        findings.note(
            &node.place,
            format!("{numerator} of {denominator} means all requests, as in Envoy: the document says 100 %"),
        );
    }
    if numerator == 0 {
        findings.note(&node.place, "0 % never fires, as in Envoy");
    }
    let numerator = u32::try_from(numerator).unwrap_or(u32::MAX).min(denominator);
    Some(percentage::built(numerator * (ALL / denominator)).from(&node.place))
}

fn denominator(node: &Node<'_>, findings: &mut Findings) -> Option<u32> {
    let found = match (node.text(), integer(node.json)) {
        (Some(name), _) => DENOMINATORS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)),
        (None, Some(number)) => usize::try_from(number).ok().and_then(|number| DENOMINATORS.get(number)),
        (None, None) => None,
    };
    if found.is_none() {
        let label = format!("found {}, expected `HUNDRED`, `TEN_THOUSAND` or `MILLION`", node.json);
        findings.wrong(&node.place, Code::InvalidValue, "invalid denominator", label);
    }
    found.map(|(_, value)| *value)
}

/// Returns the length of a fixed delay: the outer `None` is a mistake, the inner one no delay.
#[allow(clippy::option_option, reason = "no delay and a wrong one are different things")]
pub fn fixed_delay(node: &Node<'_>, findings: &mut Findings) -> Option<Option<Built>> {
    let text = findings.text(node)?;
    let Some(duration) = seconds(text) else {
        let label =
            format!("found `{text}`, expected seconds such as `\"1.5s\"`: Envoy accepts no other unit");
        findings.wrong(&node.place, Code::InvalidValue, "invalid duration", label);
        return None;
    };
    if duration.is_zero() {
        findings.wrong(
            &node.place,
            Code::OutOfRange,
            "invalid duration",
            "a fixed delay must be greater than zero",
        );
        return None;
    }
    if duration > LONGEST {
        findings.refuse(&node.place, "a delay of more than an hour", "one hour is the maximum");
        return Some(None);
    }
    let cut = Duration::from_millis(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX));
    if cut.is_zero() {
        findings.note(&node.place, "left out: Envoy counts whole milliseconds, and this is less than one");
        return Some(None);
    }
    if cut != duration {
        findings.note(
            &node.place,
            format!("truncated to {}: Envoy counts whole milliseconds", Written::from(cut)),
        );
    }
    Some(Some(Built::text(Written::from(cut).to_string()).from(&node.place)))
}

/// Protobuf's `"1.5s"`: seconds with at most nine decimals.
fn seconds(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 9 || number.ends_with('.') {
        return None;
    }
    let nanos = format!("{part:0<9}").parse().ok()?;
    Some(Duration::new(whole.parse().ok()?, nanos))
}

/// Reads a boolean; `"true"` is one, too.
pub fn flag(node: &Node<'_>, findings: &mut Findings) -> Option<bool> {
    match node.text() {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => findings.flag(node),
    }
}

/// Returns the values of a repeated field; a single value counts as a list, too.
pub fn repeated<'a>(node: &Node<'a>) -> Vec<Node<'a>> {
    match node.json {
        Json::Array(_) => node.elements(),
        _ => vec![node.clone()],
    }
}
