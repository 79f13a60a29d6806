//! `default.http`: a sequence of filters, converted to rules.

use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::fields::Fields;
use crate::import::findings::Findings;
use crate::import::hold;
use crate::import::percentage::{self, ALL, millionths};
use crate::import::place::{Node, Place};
use brownout_core::decode::diagnostic::Code;

/// A fault with the share of requests it hits.
#[derive(Debug, Clone)]
struct KumaFault {
    name: &'static str,
    place: Place,
    value: (&'static str, Built),
    share: u32,
}

/// The share and faults of one rule.
#[derive(Debug, Clone)]
pub struct RulePart {
    /// Its place in the input.
    pub place: Place,
    /// The share of the requests that the rule takes, in millionths.
    pub share: u32,
    pub faults: Vec<(String, Built)>,
}

/// Returns the parts in order: a request that one takes never reaches the next.
pub fn parts(node: &Node<'_>, findings: &mut Findings) -> Vec<RulePart> {
    let fields = findings.open(node, &FIELDS, "default").unwrap_or_default();
    let Some(list) = Fields::new(fields).find("http").cloned() else { return Vec::new() };
    let mut faults: Vec<KumaFault> =
        findings.list(&list).iter().flat_map(|node| entry(node, findings)).collect();
    let mut parts = Vec::new();
    // A leading abort ends its requests: later faults apply only to the others.
    while faults.len() > 1 && faults[0].name == "abort" {
        let abort = faults.remove(0);
        let value = Built::object([abort.value]).from(&abort.place);
        parts.push(RulePart {
            place: abort.place,
            share: abort.share,
            faults: vec![("abort".into(), value)],
        });
    }
    let mut together: Vec<KumaFault> = Vec::new();
    for fault in faults {
        if together.iter().any(|other| other.name == fault.name) {
            let what = format!("a second `{}` for the same requests", spelled(fault.name));
            findings.refuse(
                &fault.place,
                &what,
                "a rule has at most one fault of each kind: combine them, or give each its own percentage",
            );
            continue;
        }
        let aborted = together.iter().any(|other| other.name == "abort");
        if aborted && fault.name == "delay" {
            let note = "in Kuma, an abort before a delay answers at once; here, the delay comes first";
            findings.note(&fault.place, note);
        }
        together.push(fault);
    }
    together.sort_by_key(|fault| {
        ["delay", "abort", "response_rate_limit"].iter().position(|name| *name == fault.name)
    });
    if let Some(first) = together.first() {
        let place = if together.len() == 1 { first.place.clone() } else { list.place.clone() };
        let built = together.iter().map(|fault| {
            let share = ("percentage", percentage::built(fault.share));
            (fault.name.to_owned(), Built::object([fault.value.clone(), share]).from(&fault.place))
        });
        parts.push(RulePart { place, share: ALL, faults: built.collect() });
    }
    parts
}

fn spelled(name: &str) -> &str {
    if name == "response_rate_limit" { "responseBandwidth" } else { name }
}

/// Returns the faults of one entry, in the order of its filter.
fn entry(node: &Node<'_>, findings: &mut Findings) -> Vec<KumaFault> {
    let fields = Fields::new(findings.open(node, &FIELDS, "default.http[]").unwrap_or_default());
    let delay = fields.then("delay", |node| {
        let fields = Fields::new(findings.open(node, &FIELDS, "default.http[].delay")?);
        let share = share(node, &fields, findings);
        let length = required(node, &fields, "value", findings)?;
        let value = ("fixed_delay", hold::written(length, findings)?);
        Some(KumaFault { name: "delay", place: node.place.clone(), value, share: share? })
    });
    let abort = fields.then("abort", |node| {
        let fields = Fields::new(findings.open(node, &FIELDS, "default.http[].abort")?);
        let share = share(node, &fields, findings);
        let status = required(node, &fields, "httpStatus", findings)?;
        let number = findings.unsigned(status, 999)?;
        if !(200..600).contains(&number) {
            let label = format!("found `{number}`, expected 200 to 599: Envoy rejects others");
            findings.wrong(&status.place, Code::OutOfRange, "invalid HTTP status", label);
        }
        let value = ("http_status", Built::number(number).from(&status.place));
        Some(KumaFault { name: "abort", place: node.place.clone(), value, share: share? })
    });
    let limit = fields.then("responseBandwidth", |node| {
        let fields = Fields::new(findings.open(node, &FIELDS, "default.http[].responseBandwidth")?);
        let share = share(node, &fields, findings);
        let limit = required(node, &fields, "limit", findings)?;
        let kbps = bandwidth(limit, findings)?;
        let limit = Built::object([("limit_kbps", Built::number(kbps).from(&limit.place))]);
        let value = ("fixed_limit", limit);
        Some(KumaFault { name: "response_rate_limit", place: node.place.clone(), value, share: share? })
    });
    delay.into_iter().chain(abort).chain(limit).collect()
}

fn required<'n, 'a>(
    node: &Node<'_>,
    fields: &'n Fields<'a>,
    name: &str,
    findings: &mut Findings,
) -> Option<&'n Node<'a>> {
    let field = fields.find(name);
    if field.is_none() {
        findings.wrong(&node.place, Code::MissingField, format!("missing field `{name}`"), "");
    }
    field
}

/// Reads a percentage: a whole number, or a string with decimals.
fn share(node: &Node<'_>, fields: &Fields<'_>, findings: &mut Findings) -> Option<u32> {
    let field = required(node, fields, "percentage", findings)?;
    let number =
        findings.text_or_number(field)?.parse::<f64>().ok().filter(|number| (0.0..=100.0).contains(number));
    if number.is_none() {
        findings.wrong_type(field, "percentage", "a number from 0 to 100");
    }
    let (share, exact) = millionths(number? / 100.0);
    if !exact {
        findings.note(&field.place, "rounded to four decimals");
    }
    if share == 0 {
        findings.note(&field.place, "0 % never fires, as in Kuma");
    }
    Some(share)
}

/// Reads a bandwidth such as `10kbps`, `1 Mbps` or `1Gbps`, and returns it in kbps.
fn bandwidth(node: &Node<'_>, findings: &mut Findings) -> Option<u64> {
    let text = findings.text(node)?;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "kbps" => Some(1),
        "Mbps" => Some(1000),
        "Gbps" => Some(1_000_000),
        _ => None,
    };
    let kbps = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    let Some(kbps) = kbps.filter(|kbps| *kbps > 0) else {
        let label = format!("found `{text}`, expected one such as `100kbps`, `10Mbps` or `1Gbps`");
        findings.wrong(&node.place, Code::InvalidValue, "invalid bandwidth", label);
        return None;
    };
    let note = format!(
        "Kuma passes {kbps} to Envoy, which counts KiB: the actual limit, also in the document, is {kbps} KiB/s"
    );
    findings.note(&node.place, note);
    Some(kbps)
}
