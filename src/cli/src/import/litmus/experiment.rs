//! One experiment as a rule.

use super::table::FIELDS;
use crate::import::built::{Built, NamedFaults};
use crate::import::condition::Condition;
use crate::import::fields::{Fields, object};
use crate::import::findings::Findings;
use crate::import::hold;
use crate::import::percentage::{self, ALL};
use crate::import::place::{Node, Place};
use crate::import::rule::Rule;
use crate::import::settle::runnable;
use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::json::Json;
use hyper::StatusCode;
use std::time::Duration;

/// The statuses that Litmus's proxy can answer with.
const STATUSES: [u16; 18] =
    [200, 201, 202, 204, 300, 301, 302, 304, 307, 400, 401, 403, 404, 500, 501, 502, 503, 504];

/// The experiments that a document can express.
pub const NAMES: [&str; 5] = [
    "pod-http-latency",
    "pod-http-reset-peer",
    "pod-http-status-code",
    "pod-http-modify-header",
    "pod-http-modify-body",
];

#[derive(Debug)]
pub struct Experiment {
    /// Its rule, without a schedule.
    pub rule: Rule,
    /// The time that Litmus waits before and after it.
    pub ramp: Duration,
    pub length: Duration,
    /// The place of its duration in the input.
    pub place: Place,
}

impl Experiment {
    /// Reads one of those in [`NAMES`]. `None` if it is wrong.
    pub fn read(node: &Node<'_>, kind: &str, name: &str, findings: &mut Findings) -> Option<Self> {
        let env = node.at(&["spec", "components", "env"]);
        let entries = env.iter().flat_map(|env| findings.list(env)).collect::<Vec<_>>();
        let entries =
            entries.iter().filter_map(|entry| Some((entry.field("name")?.text()?, entry.field("value")?)));
        let fields = Fields::new(findings.take(entries.collect(), &FIELDS, &["common", kind]));
        let mut seconds = |name: &str| fields.then(name, |node| findings.unsigned(node, u64::from(u32::MAX)));
        let (length, ramp) = (seconds("TOTAL_CHAOS_DURATION"), seconds("RAMP_TIME"));
        let share = fields.then("TOXICITY", |node| toxicity(node, findings)).unwrap_or(ALL);
        let faults = match kind {
            "pod-http-latency" => latency(node, &fields, findings),
            "pod-http-reset-peer" => reset_peer(node, &fields, findings),
            "pod-http-status-code" => status_code(node, &fields, findings),
            "pod-http-modify-header" => modify_header(node, &fields, findings)?,
            _ => modify_body(node, &fields, findings),
        };
        let faults = runnable(&Condition::default(), faults, findings)?;
        let rule = Rule { share, fields: faults, ..Rule::of_all(&node.place, name, Condition::default()) };
        let place =
            fields.find("TOTAL_CHAOS_DURATION").map_or_else(|| node.place.clone(), |node| node.place.clone());
        let ramp = Duration::from_secs(ramp.unwrap_or(0));
        Some(Self { rule, ramp, length: Duration::from_secs(length.unwrap_or(60)), place })
    }
}

fn toxicity(node: &Node<'_>, findings: &mut Findings) -> Option<u32> {
    let percent = findings.unsigned(node, 100)?;
    if percent < 100 {
        findings.note(&node.place, "Litmus draws for each connection, a document for each request");
    }
    u32::try_from(percent).ok().map(|percent| percent * (ALL / 100))
}

fn only(name: &str, fault: Option<Built>, place: &Place) -> NamedFaults {
    fault.map(|fault| (name.to_owned(), fault.from(place))).into_iter().collect()
}

fn latency(node: &Node<'_>, fields: &Fields<'_>, findings: &mut Findings) -> NamedFaults {
    let Some(field) = fields.find("LATENCY") else {
        findings.note(&node.place, "without `LATENCY`, it is 2000 ms, as in the experiment's chart");
        let delay = hold::built(&node.place, Duration::from_secs(2), findings).map(hold::fixed);
        return only("response", object([("delay", delay)]), &node.place);
    };
    let delay = hold::milliseconds(field, findings).map(hold::fixed);
    only("response", object([("delay", delay)]), &field.place)
}

fn reset_peer(node: &Node<'_>, fields: &Fields<'_>, findings: &mut Findings) -> NamedFaults {
    let place = fields.find("RESET_TIMEOUT").map_or(&node.place, |node| &node.place);
    let delay = fields.then("RESET_TIMEOUT", |node| hold::milliseconds(node, findings)).map(hold::fixed);
    findings.note(
        place,
        "Litmus resets the connection; here the stream is reset: in HTTP/2 the connection lives on, in HTTP/1 it is closed by \
         FIN after Envoy's `delayed_close_timeout`",
    );
    let mut faults = only("delay", delay, place);
    faults.push(("reset".into(), Built::object::<String>([]).from(place)));
    faults
}

fn status_code(node: &Node<'_>, fields: &Fields<'_>, findings: &mut Findings) -> NamedFaults {
    let field = fields.find("STATUS_CODE");
    let place = field.map_or(&node.place, |node| &node.place);
    let text = field.and_then(|node| findings.text_or_number(node)).unwrap_or_default();
    let statuses = statuses(&text, place, findings);
    let modify = fields.then("MODIFY_RESPONSE_BODY", |node| flag(node, findings)).unwrap_or(true);
    if !modify {
        let unused = ["RESPONSE_BODY", "CONTENT_TYPE", "CONTENT_ENCODING"];
        fields.ignore(&unused, "`MODIFY_RESPONSE_BODY` is false", findings);
    }
    let given = fields.then("RESPONSE_BODY", |node| findings.text(node)).filter(|text| !text.is_empty());
    if modify && given.is_none() && !statuses.is_empty() {
        let place = fields.find("RESPONSE_BODY").map_or(place, |node| &node.place);
        findings.note(place, "without `RESPONSE_BODY`, Litmus answers with its own text; here, the body is the name of the status");
    }
    let response = |status: u16, findings: &mut Findings| {
        let name = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        // In HTTP, responses with these statuses have no body.
        let has_body = modify && ![204, 304].contains(&status);
        let text = given.unwrap_or_else(|| name.unwrap_or_default());
        let body = has_body.then(|| Built::object([("replace", Built::text(text))]));
        let headers = if has_body { content(fields, findings) } else { None };
        object([("status", Some(Built::number(u64::from(status)))), ("headers", headers), ("body", body)])
    };
    match statuses.as_slice() {
        [] => Vec::new(),
        [one] => only("response", response(*one, findings), place),
        several => {
            let note =
                "Litmus picks one of them when it starts; here, one is picked at random for each request";
            findings.note(place, note);
            let outcomes = shares(several.len()).zip(several).map(|(share, status)| {
                let response = response(*status, findings).into_iter().map(|response| ("response", response));
                Built::object([("percentage", percentage::built(share))].into_iter().chain(response))
            });
            vec![("outcomes".into(), Built::list(outcomes.collect()).from(place))]
        }
    }
}

/// Equal shares that sum to all.
fn shares(count: usize) -> impl Iterator<Item = u32> {
    let count = u32::try_from(count).unwrap_or(1).max(1);
    (0..count).map(move |index| ALL / count + u32::from(index < ALL % count))
}

/// Returns those in a list that Litmus knows; for an empty text, all of them.
fn statuses(text: &str, place: &Place, findings: &mut Findings) -> Vec<u16> {
    if text.is_empty() {
        findings.note(place, "without `STATUS_CODE`, it is any status that Litmus knows");
        return STATUSES.to_vec();
    }
    let parts: Vec<&str> = text.split(',').collect();
    let known = |part: &&str| part.parse().ok().filter(|status| STATUSES.contains(status));
    let good: Vec<u16> = parts.iter().filter_map(known).collect();
    let bad: Vec<&str> = parts.iter().filter(|part| known(part).is_none()).copied().collect();
    if good.is_empty() {
        let all = STATUSES.map(|status| status.to_string()).join(", ");
        let label = format!("found `{text}`, expected some of {all}");
        findings.wrong(place, Code::InvalidValue, "invalid status", label);
    } else if !bad.is_empty() {
        findings.note(place, format!("left out: `{}`, which Litmus skips too", bad.join("`, `")));
    }
    good
}

fn flag(node: &Node<'_>, findings: &mut Findings) -> Option<bool> {
    match node.json {
        Json::String(text) if ["true", "True", "TRUE", "t", "T", "1"].contains(&text.as_str()) => Some(true),
        // Litmus treats anything it cannot parse as false.
        Json::String(_) => Some(false),
        _ => findings.flag(node),
    }
}

fn modify_header(node: &Node<'_>, fields: &Fields<'_>, findings: &mut Findings) -> Option<NamedFaults> {
    let mode = fields.then("HEADER_MODE", |node| findings.text(node)).unwrap_or("response");
    let Some(field) = fields.find("HEADERS_MAP") else {
        let label = "expected names and values as JSON";
        findings.wrong(&node.place, Code::MissingField, "missing variable `HEADERS_MAP`", label);
        return None;
    };
    let text = findings.text(field)?;
    let Ok(Json::Object(headers)) = Json::parse(text.as_bytes()) else {
        let label = "expected names and values as JSON: `{\"x-name\": \"value\"}`";
        findings.wrong(&field.place, Code::InvalidValue, "invalid headers", label);
        return None;
    };
    let (mut set, mut remove) = (Vec::new(), Vec::new());
    for (name, value) in headers {
        match value {
            Json::String(text) if text.is_empty() => remove.push(Built::text(name)),
            Json::String(text) => set.push((name, Built::text(text))),
            other => {
                let label = format!("found {other} for `{name}`, expected a string");
                findings.wrong(&field.place, Code::WrongType, "invalid value", label);
            }
        }
    }
    let set = (!set.is_empty()).then(|| Built::object(set));
    let remove = (!remove.is_empty()).then(|| Built::list(remove));
    let headers = object([("set", set), ("remove", remove)]);
    let half = if mode == "request" { "request" } else { "response" };
    Some(only(half, object([("headers", headers)]), &field.place))
}

fn modify_body(node: &Node<'_>, fields: &Fields<'_>, findings: &mut Findings) -> NamedFaults {
    let field = fields.find("RESPONSE_BODY");
    let text = field.and_then(|node| findings.text(node)).unwrap_or_default();
    let body = Built::object([("replace", Built::text(text))]);
    let place = field.map_or(&node.place, |node| &node.place);
    only("response", object([("headers", content(fields, findings)), ("body", Some(body))]), place)
}

/// The headers that go with a body.
fn content(fields: &Fields<'_>, findings: &mut Findings) -> Option<Built> {
    let given = fields.then("CONTENT_TYPE", |node| findings.text(node)).filter(|text| !text.is_empty());
    let set = Built::object([("content-type", Built::text(given.unwrap_or("text/plain")))]);
    let encoding =
        fields.find("CONTENT_ENCODING").filter(|node| node.text().is_some_and(|text| !text.is_empty()));
    let remove = encoding.map(|node| {
        findings
            .note(&node.place, "the body is sent unencoded: a client that decodes bodies sees the same text");
        Built::list(vec![Built::text("content-encoding")])
    });
    object([("set", Some(set)), ("remove", remove)])
}
