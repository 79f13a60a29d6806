//! `HTTPFault` as the parts of a rule.

use super::header::matcher;
use super::number::{fixed_delay, percentage, repeated};
use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::condition::Condition;
use crate::import::findings::Findings;
use crate::import::place::{Node, Place};
use crate::import::settle::runnable;
use brownout_core::decode::diagnostic::Code;

const ORDER: [&str; 3] = ["delay", "abort", "response_rate_limit"];
const DOWNSTREAM_NODE: &str = "x-envoy-downstream-service-node";

/// The requests that one `HTTPFault` matches, and its faults.
#[derive(Debug)]
pub struct HttpFault {
    /// Its place in the input.
    pub place: Place,
    pub condition: Condition,
    /// `limits` and the faults. Empty if it does nothing.
    pub fields: Vec<(String, Built)>,
}

impl HttpFault {
    /// Returns a configuration that does nothing.
    pub fn nothing(place: &Place) -> Self {
        Self { place: place.clone(), condition: Condition::default(), fields: Vec::new() }
    }

    /// Returns whether it does nothing to any request.
    pub fn is_nothing(&self) -> bool {
        self.fields.is_empty()
    }

    pub fn read(node: &Node<'_>, findings: &mut Findings) -> Self {
        let mut fault = Self::nothing(&node.place);
        let Some(fields) = findings.open(node, &FIELDS, "") else { return fault };
        let losses = findings.losses();
        let (mut limits, mut faults) = (None, Vec::new());
        for (name, field) in &fields {
            match *name {
                "upstream_cluster" => fault.also(cluster(field, findings)),
                "headers" => fault.also(headers(field, findings)),
                "downstream_nodes" => fault.also(downstream_nodes(field, findings)),
                _ => {}
            }
        }
        let incomplete = findings.losses() != losses;
        for (name, field) in &fields {
            let built = match *name {
                "delay" => delay(field, findings),
                "abort" => abort(field, findings),
                "response_rate_limit" => rate_limit(field, findings),
                "max_active_faults" => {
                    limits = max_active_faults(field, findings).map(|limits| ("limits".to_owned(), limits));
                    continue;
                }
                _ => continue,
            };
            faults.extend(built.map(|built| ((*name).to_owned(), built.from(&field.place))));
        }
        // In the order in which they act, after the limits.
        faults.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name));
        let runnable = runnable(&fault.condition, limits.into_iter().chain(faults).collect(), findings);
        if incomplete && findings.is_good() {
            findings
                .note(&node.place, "left out entirely: without that condition, it would hit other requests");
        } else {
            fault.fields = runnable.unwrap_or_default();
        }
        fault
    }

    fn also(&mut self, condition: Option<Condition>) {
        self.condition = std::mem::take(&mut self.condition).and(condition.unwrap_or_default());
    }
}

fn cluster(node: &Node<'_>, findings: &mut Findings) -> Option<Condition> {
    let name = findings.text(node).filter(|name| !name.is_empty())?;
    let exact = Built::object([("exact", Built::text(name))]);
    Some(Condition::new("cluster", exact.from(&node.place)))
}

fn headers(node: &Node<'_>, findings: &mut Findings) -> Option<Condition> {
    let matchers: Vec<Built> =
        repeated(node).iter().filter_map(|element| matcher(element, findings)).collect();
    (!matchers.is_empty()).then(|| Condition::new("headers", Built::list(matchers).from(&node.place)))
}

fn downstream_nodes(node: &Node<'_>, findings: &mut Findings) -> Option<Condition> {
    let mut conditions = Vec::new();
    for element in repeated(node) {
        let exact = Built::object([("exact", Built::text(findings.text(&element)?))]);
        let matcher = [("name", Built::text(DOWNSTREAM_NODE)), ("string_match", exact)];
        let matcher = Built::object(matcher).from(&element.place);
        conditions.push(Condition::new("headers", Built::list(vec![matcher])));
    }
    Condition::any(conditions)
}

fn max_active_faults(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    // Envoy also accepts the number's wrapper message.
    let node = node.field("value").unwrap_or_else(|| node.clone());
    let most = findings.unsigned(&node, u64::from(u32::MAX))?;
    if most == 0 {
        findings.note(&node.place, "0 allows no faults, as in Envoy");
    }
    let most = Built::number(most).from(&node.place);
    Some(Built::object([("max_active_faults", most)]).from(&node.place))
}

/// Returns the one of these fields that is present.
fn one_of<'n, 'a>(
    node: &Node<'_>,
    fields: &'n [(&'static str, Node<'a>)],
    names: &[&str],
    findings: &mut Findings,
) -> Option<&'n (&'static str, Node<'a>)> {
    let given: Vec<_> = fields.iter().filter(|(name, _)| names.contains(name)).collect();
    match given.as_slice() {
        [one] => return Some(one),
        [] => {
            let label = format!("expected one of `{}`", names.join("`, `"));
            findings.wrong(&node.place, Code::MissingField, "incomplete fault", label);
        }
        [(first, _), (second, _), ..] => {
            let label = format!("`{first}` and `{second}` exclude each other");
            findings.wrong(&node.place, Code::Conflict, "conflicting fields", label);
        }
    }
    None
}

fn empty() -> Built {
    Built::object::<String>([])
}

fn delay(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let fields = findings.open(node, &FIELDS, "delay")?;
    let (name, field) = one_of(node, &fields, &["fixed_delay", "header_delay"], findings)?;
    let length = match *name {
        "fixed_delay" => fixed_delay(field, findings)??,
        _ => empty().from(&field.place),
    };
    Some(Built::object([(*name, length), ("percentage", percentage(node, findings))]))
}

fn abort(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let fields = findings.open(node, &FIELDS, "abort")?;
    let (name, field) = one_of(node, &fields, &["http_status", "grpc_status", "header_abort"], findings)?;
    let status = match *name {
        "header_abort" => empty(),
        "grpc_status" => grpc_status(field, findings)?,
        _ => Built::number(findings.unsigned(field, u64::from(u32::MAX))?),
    };
    let mut built = vec![(*name, status.from(&field.place))];
    if let Some((_, body)) = fields.iter().find(|(name, _)| *name == "response_body")
        && let Some(text) = findings.text(body).filter(|text| !text.is_empty())
    {
        built.push(("body", Built::text(text).from(&body.place)));
    }
    built.push(("percentage", percentage(node, findings)));
    Some(Built::object(built))
}

fn grpc_status(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let status = findings.unsigned(node, u64::from(u32::MAX))?;
    if status > 16 {
        let what = format!("gRPC status {status}");
        findings.refuse(&node.place, &what, "a Wasm module can send 0 to 16: use one of them");
        return None;
    }
    let note = "to a request that is not gRPC, Envoy's filter answers 200; this module answers with the HTTP status \
        equivalent to the gRPC status";
    findings.note(&node.place, note);
    Some(Built::number(status))
}

fn rate_limit(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let fields = findings.open(node, &FIELDS, "response_rate_limit")?;
    let (name, field) = one_of(node, &fields, &["fixed_limit", "header_limit"], findings)?;
    let limit = if *name == "fixed_limit" { fixed_limit(field, findings)? } else { empty() };
    let percentage = percentage(node, findings);
    Some(Built::object([(*name, limit.from(&field.place)), ("percentage", percentage)]))
}

fn fixed_limit(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let fields = findings.open(node, &FIELDS, "response_rate_limit.fixed_limit")?;
    let kbps = match fields.first() {
        Some((_, field)) => findings.unsigned(field, u64::MAX)?,
        None => 0,
    };
    if kbps == 0 {
        findings.wrong(&node.place, Code::OutOfRange, "invalid `limit_kbps`", "expected at least 1 KiB/s");
        return None;
    }
    Some(Built::object([("limit_kbps", Built::number(kbps))]))
}
