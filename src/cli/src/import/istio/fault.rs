//! `fault` of an entry, checked as Istio checks it.

use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::findings::Findings;
use crate::import::percentage::{self, ALL};
use crate::import::place::Node;
use brownout_core::decode::Decoder;
use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::json::Json;
use brownout_core::value::duration::Written;
use brownout_core::value::grpc::GrpcStatus;

/// Returns the faults as fields of a rule.
pub fn faults(node: &Node<'_>, findings: &mut Findings) -> Vec<(String, Built)> {
    let Some(fields) = findings.open(node, &FIELDS, "fault") else { return Vec::new() };
    if fields.is_empty() {
        let label = "expected `delay` or `abort`";
        findings.wrong(&node.place, Code::MissingField, "a fault that does nothing", label);
    }
    let mut built = Vec::new();
    for (name, field) in &fields {
        let fault = if *name == "delay" { delay(field, findings) } else { abort(field, findings) };
        built.extend(fault.map(|fault| ((*name).to_owned(), fault.from(&field.place))));
    }
    built.sort_by_key(|(name, _)| name == "abort");
    built
}

fn delay(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let losses = findings.losses();
    let fields = findings.open(node, &FIELDS, "fault.delay")?;
    let percentage = percentage(node, findings);
    let Some((_, field)) = fields.iter().find(|(name, _)| *name == "fixed_delay") else {
        if findings.losses() == losses {
            findings.wrong(
                &node.place,
                Code::MissingField,
                "missing field `fixedDelay`",
                "expected a duration",
            );
        }
        return None;
    };
    let length = fixed_delay(field, findings)?;
    Some(Built::object([("fixed_delay", length), ("percentage", percentage)]))
}

fn fixed_delay(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let length = match Decoder::decode::<Written>(node.json) {
        Ok(length) => length,
        Err(mistakes) => {
            for mistake in mistakes {
                findings.wrong(&node.place, mistake.code, mistake.message, mistake.label);
            }
            return None;
        }
    };
    let nanos = length.get().as_nanos();
    if nanos == 0 || nanos % 1_000_000 != 0 {
        let label = format!("found {}, expected whole milliseconds, at least one", node.json);
        findings.wrong(&node.place, Code::OutOfRange, "invalid duration", label);
        return None;
    }
    Some(Built::text(length.to_string()).from(&node.place))
}

fn abort(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let losses = findings.losses();
    let fields = findings.open(node, &FIELDS, "fault.abort")?;
    let given: Vec<_> =
        fields.iter().filter(|(name, _)| ["http_status", "grpc_status"].contains(name)).collect();
    let status = match given.as_slice() {
        [("http_status", field)] => ("http_status", http_status(field, findings)),
        [(_, field)] => ("grpc_status", grpc_status(field, findings)),
        [] => {
            if findings.losses() == losses {
                findings.note(
                    &node.place,
                    "left out: an abort without a status: Istio warns about it and does nothing",
                );
            }
            return None;
        }
        _ => {
            let label = "`httpStatus` and `grpcStatus` exclude each other";
            findings.wrong(&node.place, Code::Conflict, "an abort has one status", label);
            return None;
        }
    };
    let percentage = percentage(node, findings);
    Some(Built::object([(status.0, status.1?), ("percentage", percentage)]))
}

fn http_status(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let status = findings.unsigned(node, u64::from(u32::MAX))?;
    if status == 600 {
        let label = "Istio accepts 600, but Envoy then rejects the whole configuration";
        findings.wrong(&node.place, Code::OutOfRange, "invalid HTTP status", label);
        findings.help("use 200 to 599");
        return None;
    }
    if !(200..600).contains(&status) {
        let label = format!("found `{status}`, expected 200 to 599");
        findings.wrong(&node.place, Code::OutOfRange, "invalid HTTP status", label);
        return None;
    }
    Some(Built::number(status).from(&node.place))
}

fn grpc_status(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let name = findings.text(node)?;
    // The core also accepts gRPC's other spelling, which Istio does not.
    let known = GrpcStatus::from_name(name).filter(|_| name != "CANCELED");
    if known.is_none() {
        let label = format!("found `{name}`, expected a name such as `UNAVAILABLE`");
        findings.wrong(&node.place, Code::InvalidValue, "invalid gRPC status", label);
        return None;
    }
    let note = "to a request that is not gRPC, Istio's proxy answers 200; this module answers with the HTTP status \
        equivalent to the gRPC status";
    findings.note(&node.place, note);
    Some(Built::text(name).from(&node.place))
}

/// Returns the percentage of a fault. Istio's default is Envoy's: never. Reports a wrong one.
fn percentage(fault: &Node<'_>, findings: &mut Findings) -> Built {
    let millionths = match (fault.field("percentage"), fault.field("percent")) {
        (Some(node), _) => precise(&node, findings).map(|share| (share, node)),
        (None, Some(node)) => whole(&node, findings).map(|share| (share, node)),
        (None, None) => {
            findings.note(
                &fault.place,
                "without a percentage it never fires, as in Istio: the document says 0 %",
            );
            None
        }
    };
    let Some((millionths, node)) = millionths else { return percentage::built(0) };
    if millionths == 0 {
        findings.note(&node.place, "0 % never fires, as in Istio");
    }
    percentage::built(millionths).from(&node.place)
}

fn whole(node: &Node<'_>, findings: &mut Findings) -> Option<u32> {
    let percent = findings.unsigned(node, 100)?;
    findings.note(&node.place, "deprecated: Istio has `percentage` instead");
    u32::try_from(percent).ok().map(|percent| percent * 10_000)
}

fn precise(node: &Node<'_>, findings: &mut Findings) -> Option<u32> {
    let fields = findings.open(node, &FIELDS, "percentage")?;
    let Some((_, field)) = fields.first() else { return Some(0) };
    let Json::Number(number) = field.json else {
        findings.wrong_type(field, "percentage", "a number from 0 to 100");
        return None;
    };
    let value = number.as_f64().unwrap_or(f64::NAN);
    if !(value == 0.0 || (0.0001..=100.0).contains(&value)) {
        let label = format!("found {}, expected 0, or 0.0001 to 100", field.json);
        findings.wrong(&field.place, Code::OutOfRange, "invalid percentage", label);
        return None;
    }
    // Istio multiplies floats and truncates, so that 0.0003 becomes 0.0002.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the cut is the point; it is 0 to 100"
    )]
    let millionths = (value * 10_000.0) as u32;
    let written = f64::from(millionths) / 10_000.0;
    if (written - value).abs() > f64::EPSILON {
        findings.note(&field.place, format!("{value} becomes {written}, as Istio truncates it"));
    }
    Some(millionths.min(ALL))
}
