//! One toxic as a fault.

use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::fields::{Fields, object};
use crate::import::findings::Findings;
use crate::import::hold;
use crate::import::percentage::{ALL, millionths};
use crate::import::place::{Node, Place};
use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::json::Json;
use std::time::Duration;

const TYPES: [&str; 7] =
    ["latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"];
const AN_HOUR: Duration = Duration::from_secs(3600);

/// A fault with the share of requests it hits.
#[derive(Debug)]
pub struct Toxic {
    /// Its place in the input.
    pub place: Place,
    /// The name of the fault, and its fields without a percentage.
    pub fault: (&'static str, Vec<(String, Built)>),
    /// The share of requests that it hits, in millionths.
    pub share: u32,
}

impl Toxic {
    /// Reads a toxic. `None` if it is wrong or has no effect.
    pub fn read(node: &Node<'_>, findings: &mut Findings) -> Option<Self> {
        let fields = Fields::new(findings.open(node, &FIELDS, "toxics[]")?);
        let Some(kind) = fields.find("type") else {
            let label = format!("expected one of `{}`", TYPES.join("`, `"));
            findings.wrong(&node.place, Code::MissingField, "missing field `type`", label);
            return None;
        };
        let name = findings.text(kind)?;
        if !TYPES.contains(&name) {
            let label = format!("found `{name}`, expected one of `{}`", TYPES.join("`, `"));
            findings.wrong(&kind.place, Code::InvalidValue, "invalid type of toxic", label);
            return None;
        }
        let request = match fields.then("stream", |node| Some((findings.text(node)?, node))) {
            Some(("upstream", _)) => true,
            None | Some(("downstream" | "", _)) => false,
            Some((other, node)) => {
                let label = format!("found `{other}`, expected `upstream` or `downstream`");
                findings.wrong(&node.place, Code::InvalidValue, "invalid stream", label);
                return None;
            }
        };
        let share = fields.then("toxicity", |node| toxicity(node, findings)).unwrap_or(ALL);
        let losses = findings.losses();
        let attributes = fields.then("attributes", |node| findings.open(node, &FIELDS, name));
        let attributes = Fields::new(attributes.unwrap_or_default());
        if findings.losses() != losses {
            return None;
        }
        let fault = match name {
            "latency" => latency(&attributes, request, findings),
            "bandwidth" => bandwidth(node, &attributes, request, findings),
            "limit_data" => limit_data(node, &attributes, request, findings),
            "timeout" => cut(node, &attributes, request, true, findings),
            "reset_peer" => cut(node, &attributes, request, false, findings),
            other => {
                findings.refuse(
                    &node.place,
                    &format!("toxic `{other}` cannot be imported"),
                    "a document acts on HTTP, not on connections",
                );
                None
            }
        };
        Some(Self { place: node.place.clone(), fault: fault?, share })
    }
}

fn toxicity(node: &Node<'_>, findings: &mut Findings) -> Option<u32> {
    let number = match node.json {
        Json::Number(number) => number.as_f64().filter(|number| (0.0..=1.0).contains(number)),
        _ => None,
    };
    let Some(number) = number else {
        findings.wrong_type(node, "toxicity", "a number from 0 to 1");
        return None;
    };
    let (share, _) = millionths(number);
    if share < ALL {
        findings.note(&node.place, "Toxiproxy draws for each connection, a document for each request");
    }
    Some(share)
}

type ToxicFault = Option<(&'static str, Vec<(String, Built)>)>;

fn some(name: &'static str, fields: impl IntoIterator<Item = (&'static str, Option<Built>)>) -> ToxicFault {
    let given = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Some((name, given.collect()))
}

fn milliseconds(attributes: &Fields<'_>, name: &str, findings: &mut Findings) -> u64 {
    attributes.then(name, |node| findings.unsigned(node, u64::from(u32::MAX))).unwrap_or(0)
}

fn latency(attributes: &Fields<'_>, request: bool, findings: &mut Findings) -> ToxicFault {
    let (latency, jitter) =
        (milliseconds(attributes, "latency", findings), milliseconds(attributes, "jitter", findings));
    let place = attributes.find("latency").or(attributes.find("jitter"))?.place.clone();
    let mut length = |millis: u64| hold::built(&place, Duration::from_millis(millis), findings);
    let delay = if jitter == 0 {
        ("fixed_delay", length(latency)?)
    } else {
        let least = length(latency.saturating_sub(jitter)).unwrap_or_else(|| Built::text("0s"));
        ("uniform", Built::object([("min", least), ("max", length(latency + jitter)?)]).from(&place))
    };
    let (name, value) = delay;
    if request {
        some("delay", [(name, Some(value))])
    } else {
        some("response", [("delay", Some(Built::object([(name, value)])))])
    }
}

fn bandwidth(node: &Node<'_>, attributes: &Fields<'_>, request: bool, findings: &mut Findings) -> ToxicFault {
    let rate = attributes.then("rate", |node| findings.unsigned(node, u64::from(u32::MAX)));
    let place = attributes.find("rate").map_or(&node.place, |node| &node.place);
    let Some(rate) = rate.filter(|rate| *rate > 0) else {
        findings.refuse(place, "a bandwidth of zero", "a document needs at least 1 KiB/s: use `timeout`");
        return None;
    };
    let kib = (rate * 1000 + 512) / 1024;
    let note = format!(
        "{rate} times 1000 bytes per second for each connection become {} KiB/s for each request",
        kib.max(1)
    );
    findings.note(place, note);
    let limit = Built::object([("limit_kbps", Built::number(kib.max(1)).from(place))]);
    let name = if request { "request_rate_limit" } else { "response_rate_limit" };
    some(name, [("fixed_limit", Some(limit))])
}

fn limit_data(
    node: &Node<'_>,
    attributes: &Fields<'_>,
    request: bool,
    findings: &mut Findings,
) -> ToxicFault {
    let bytes = attributes.then("bytes", |node| findings.unsigned(node, u64::from(u32::MAX))).unwrap_or(0);
    let place = attributes.find("bytes").map_or(&node.place, |node| &node.place);
    if request {
        findings.refuse(place, "a limit on the request's bytes", "a document can cut responses only");
        return None;
    }
    findings
        .note(place, "here, it counts the bytes of one body; Toxiproxy counts all bytes of the connection");
    let reset = Built::object([("after_bytes", Built::number(bytes).from(place))]);
    some("response", [("reset", Some(reset))])
}

/// Converts `timeout` and `reset_peer`: nothing gets through, and after a while the connection ends.
fn cut(
    node: &Node<'_>,
    attributes: &Fields<'_>,
    request: bool,
    forever: bool,
    findings: &mut Findings,
) -> ToxicFault {
    let timeout = milliseconds(attributes, "timeout", findings);
    let place = attributes.find("timeout").map_or(&node.place, |node| &node.place);
    let length = if timeout == 0 && forever {
        findings.note(place, "0 means forever in Toxiproxy; here, it ends after an hour");
        AN_HOUR
    } else {
        Duration::from_millis(timeout)
    };
    findings.note(place, "the stream is reset, not the connection: in HTTP/2 the connection lives on, in HTTP/1 it is closed by FIN after Envoy's `delayed_close_timeout`");
    let held = hold::built(place, length, findings);
    if held.is_none() && !length.is_zero() {
        return None;
    }
    match (request, held) {
        (true, None) => some("reset", []),
        (true, Some(held)) => some("hang", [("max", Some(held))]),
        (false, held) => {
            let reset = object([("after_bytes", Some(Built::number(0)))]);
            some("response", [("delay", held.map(hold::fixed)), ("reset", reset)])
        }
    }
}
