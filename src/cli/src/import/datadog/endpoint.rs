//! Faults for the calls of one method.

use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::condition::Condition;
use crate::import::fields::Fields;
use crate::import::findings::Findings;
use crate::import::percentage::{self, ALL};
use crate::import::place::Node;
use crate::import::rule::Rule;
use crate::import::settle::runnable;
use brownout_core::decode::diagnostic::Code;
use brownout_core::value::grpc::GrpcStatus;

/// One alteration, with its percentage if it has one.
struct Alteration<'a> {
    node: Node<'a>,
    path: &'a str,
    fault: (&'static str, Built),
    percent: Option<u64>,
}

/// Returns one rule for each endpoint.
pub fn rules(list: &Node<'_>, name: &str, findings: &mut Findings) -> Vec<Rule> {
    let all: Vec<Alteration<'_>> =
        findings.list(list).iter().filter_map(|node| alteration(node, findings)).collect();
    let mut paths: Vec<&str> = Vec::new();
    for alteration in &all {
        if !paths.contains(&alteration.path) {
            paths.push(alteration.path);
        }
    }
    let mut rules = Vec::new();
    for path in &paths {
        let of_path: Vec<_> = all.iter().filter(|alteration| alteration.path == *path).collect();
        let method = path.rsplit('/').next().unwrap_or(path);
        let name = if paths.len() == 1 { name.to_owned() } else { format!("{name}-{method}") };
        rules.extend(rule(path, &of_path, &name, findings));
    }
    rules
}

fn rule(path: &str, alterations: &[&Alteration<'_>], name: &str, findings: &mut Findings) -> Option<Rule> {
    let first = alterations.first()?;
    let Some((service, method)) = path.strip_prefix('/').and_then(|path| path.split_once('/')) else {
        let label = format!("found `{path}`, expected `/package.Service/Method`");
        findings.wrong(&first.node.place, Code::InvalidValue, "invalid endpoint", label);
        return None;
    };
    let exact = |text: &str| Built::object([("exact", Built::text(text))]);
    let grpc = Built::object([("service", exact(service)), ("method", exact(method))]);
    let condition = Condition::new("grpc", grpc.from(&first.node.place));
    let shares = shares(alterations, findings)?;
    let fields = match alterations {
        [only] => vec![(only.fault.0.to_owned(), only.fault.1.clone())],
        several => {
            let outcome = |(alteration, share): (&&Alteration<'_>, &u32)| {
                let share = ("percentage", percentage::built(*share));
                Built::object([share, alteration.fault.clone()]).from(&alteration.node.place)
            };
            let outcomes = several.iter().zip(&shares).map(outcome).collect();
            vec![("outcomes".to_owned(), Built::list(outcomes).from(&first.node.place))]
        }
    };
    let fields = runnable(&condition, fields, findings)?;
    let share = if alterations.len() == 1 { shares[0] } else { ALL };
    Some(Rule { share, fields, ..Rule::of_all(&first.node.place, name, condition) })
}

/// Returns the shares in millionths. Alterations without a percentage split what the others leave.
fn shares(alterations: &[&Alteration<'_>], findings: &mut Findings) -> Option<Vec<u32>> {
    let claimed: u64 = alterations.iter().filter_map(|alteration| alteration.percent).sum();
    let open = alterations.iter().filter(|alteration| alteration.percent.is_none()).count() as u64;
    if claimed > 100 || 100 - claimed < open {
        let label = format!("{claimed} % are already assigned, and each other alteration needs at least 1 %");
        findings.wrong(
            &alterations.last()?.node.place,
            Code::OutOfRange,
            "the percentages exceed 100 %",
            label,
        );
        return None;
    }
    let rest = (100 - claimed) * 10_000;
    let mut given = 0;
    let share = |alteration: &&Alteration<'_>| {
        let share = alteration.percent.map_or_else(
            || {
                given += 1;
                rest / open + u64::from(given <= rest % open)
            },
            |percent| percent * 10_000,
        );
        u32::try_from(share).unwrap_or(ALL)
    };
    Some(alterations.iter().map(share).collect())
}

fn alteration<'a>(node: &Node<'a>, findings: &mut Findings) -> Option<Alteration<'a>> {
    let fields = Fields::new(findings.open(node, &FIELDS, "grpc.endpoints[]")?);
    let Some(endpoint) = fields.find("endpoint").cloned() else {
        findings.wrong(
            &node.place,
            Code::MissingField,
            "missing field `endpoint`",
            "expected `/package.Service/Method`",
        );
        return None;
    };
    let path = findings.text(&endpoint)?;
    let percent =
        fields.then("queryPercent", |node| findings.unsigned(node, 100)).filter(|percent| *percent > 0);
    let fault = match (fields.find("error"), fields.find("override")) {
        (Some(error), None) => ("abort", abort(error, findings)?),
        (None, Some(message)) => ("response", response(message, findings)?),
        _ => {
            let label = "expected either `error` or `override`";
            findings.wrong(&node.place, Code::Conflict, "unclear what to return", label);
            return None;
        }
    };
    Some(Alteration { node: node.clone(), path, fault, percent })
}

fn abort(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let name = findings.text(node)?;
    if GrpcStatus::from_name(name).is_none() {
        let label = format!("found `{name}`, expected a name such as `UNAVAILABLE`");
        findings.wrong(&node.place, Code::InvalidValue, "invalid gRPC status", label);
        return None;
    }
    let status = Built::text(name).from(&node.place);
    Some(Built::object([("grpc_status", status)]).from(&node.place))
}

/// Returns a message without fields: an empty frame.
fn response(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    if findings.text(node)? != "{}" {
        findings.wrong(
            &node.place,
            Code::InvalidValue,
            "invalid override",
            "expected `\"{}\"`, as in Datadog's schema",
        );
        return None;
    }
    findings.note(
        &node.place,
        "the service handles the call, and its response becomes an empty message; Datadog's interceptor skips the service",
    );
    let body = Built::object([("replace_base64", Built::text("AAAAAAA="))]);
    Some(Built::object([("grpc_status", Built::text("OK")), ("body", body)]).from(&node.place))
}
