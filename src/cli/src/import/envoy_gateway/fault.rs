//! Imports the `faultInjection` of a `BackendTrafficPolicy`.

use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::fields::Fields;
use crate::import::findings::Findings;
use crate::import::hold;
use crate::import::percentage::{self, ALL, millionths};
use crate::import::place::Node;
use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::json::Json;

/// Returns the faults as fields of a rule.
pub fn faults(node: &Node<'_>, findings: &mut Findings) -> Vec<(String, Built)> {
    let fields = Fields::new(findings.open(node, &FIELDS, "faultInjection").unwrap_or_default());
    if fields.find("delay").is_none() && fields.find("abort").is_none() {
        findings.wrong(
            &node.place,
            Code::MissingField,
            "a fault that does nothing",
            "expected `delay` or `abort`",
        );
    }
    let delay =
        fields.then("delay", |node| Some(("delay".to_owned(), delay(node, findings)?.from(&node.place))));
    let abort =
        fields.then("abort", |node| Some(("abort".to_owned(), abort(node, findings)?.from(&node.place))));
    delay.into_iter().chain(abort).collect()
}

fn delay(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let fields = Fields::new(findings.open(node, &FIELDS, "faultInjection.delay")?);
    let share = share(&fields, findings);
    let Some(length) = fields.find("fixedDelay") else {
        findings.wrong(&node.place, Code::MissingField, "missing field `fixedDelay`", "expected a duration");
        return None;
    };
    let length = hold::written(length, findings)?;
    Some(Built::object([("fixed_delay", length), ("percentage", share)]))
}

fn abort(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let fields = Fields::new(findings.open(node, &FIELDS, "faultInjection.abort")?);
    let share = share(&fields, findings);
    let status = match (fields.find("httpStatus"), fields.find("grpcStatus")) {
        (Some(http), None) => ("http_status", status(http, 200, 599, "invalid HTTP status", findings)?),
        (None, Some(grpc)) => {
            let status = status(grpc, 0, 16, "invalid gRPC status", findings)?;
            let note = "to a request that is not gRPC, Envoy Gateway's proxy answers 200; this module answers with the HTTP status \
                equivalent to the gRPC status";
            findings.note(&grpc.place, note);
            ("grpc_status", status)
        }
        (None, None) => {
            let label = "expected `httpStatus` or `grpcStatus`";
            findings.wrong(&node.place, Code::MissingField, "an abort without a status", label);
            return None;
        }
        _ => {
            let label = "`httpStatus` and `grpcStatus` exclude each other";
            findings.wrong(&node.place, Code::Conflict, "an abort has one status", label);
            return None;
        }
    };
    Some(Built::object([status, ("percentage", share)]))
}

fn status(node: &Node<'_>, least: u64, most: u64, what: &str, findings: &mut Findings) -> Option<Built> {
    let status = findings.unsigned(node, u64::from(u32::MAX))?;
    if !(least..=most).contains(&status) {
        findings.wrong(
            &node.place,
            Code::OutOfRange,
            what,
            format!("found `{status}`, expected {least} to {most}"),
        );
        return None;
    }
    Some(Built::number(status).from(&node.place))
}

/// Returns the percentage; the default is 100.
fn share(fields: &Fields<'_>, findings: &mut Findings) -> Built {
    let given = fields.then("percentage", |node| {
        let number = match node.json {
            Json::Number(number) => number.as_f64().filter(|number| (0.0..=100.0).contains(number)),
            _ => None,
        };
        if number.is_none() {
            findings.wrong_type(node, "percentage", "a number from 0 to 100");
        }
        let (share, exact) = millionths(number? / 100.0);
        if !exact {
            findings.note(&node.place, "rounded to four decimals");
        }
        Some(percentage::built(share).from(&node.place))
    });
    given.unwrap_or_else(|| percentage::built(ALL))
}
