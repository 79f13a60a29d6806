//! One rule of `l7proto: chaos`.

use super::Draws;
use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::condition::Condition;
use crate::import::fields::{Fields, object};
use crate::import::findings::Findings;
use crate::import::hold;
use crate::import::pattern::anywhere;
use crate::import::percentage::{self, ALL, millionths};
use crate::import::place::Node;
use crate::import::rule::Rule;
use crate::import::settle::runnable;
use crate::import::window::{length, of_any_length};
use brownout_core::decode::diagnostic::Code;
use brownout_core::words::percent;
use std::time::Duration;

/// Options that apply to every rule.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    pub draws: Draws,
    /// True to add the headers in which Cilium reports what it did.
    pub headers: bool,
}

/// Reads a rule. `None` if it is wrong, or does nothing.
pub fn read(node: &Node<'_>, name: &str, manner: Manner, findings: &mut Findings) -> Option<Rule> {
    let fields = Fields::new(findings.open(node, &FIELDS, "")?);
    let losses = findings.losses();
    let share = fields.then("probability", |node| probability(node, findings)).unwrap_or(ALL);
    let condition = condition(&fields, findings);
    let mut faults = request(&fields, manner, findings);
    faults.extend(response(&fields, share, manner, findings));
    if faults.is_empty() && findings.losses() == losses {
        findings.note(&node.place, "left out: it does nothing");
        return None;
    }
    let faults = runnable(&condition, faults, findings)?;
    Some(Rule { share, fields: faults, ..Rule::of_all(&node.place, name, condition) })
}

/// Returns the share of requests, in millionths. 0 means all of them, as in Cilium.
fn probability(node: &Node<'_>, findings: &mut Findings) -> Option<u32> {
    let text = findings.text_or_number(node)?;
    let Some(probability) = text.parse::<f64>().ok().filter(|number| number.is_finite()) else {
        let label = format!("found `{text}`, expected a number from 0 to 1");
        findings.wrong(&node.place, Code::InvalidValue, "invalid probability", label);
        return None;
    };
    if probability == 0.0 {
        findings.note(&node.place, "0 means all requests, as in Cilium: the document says 100 %");
        return Some(ALL);
    }
    if probability > 1.0 {
        findings.note(&node.place, "more than 1 means all requests, as in Cilium: the document says 100 %");
    }
    if probability < 0.0 {
        findings.note(&node.place, "less than 0 means no requests, as in Cilium: the document says 0 %");
    }
    let (share, exact) = millionths(probability);
    if !exact && (0.0..1.0).contains(&probability) {
        findings.note(&node.place, format!("rounded to {}: a percentage has four decimals", percent(share)));
    }
    Some(share)
}

fn condition(fields: &Fields<'_>, findings: &mut Findings) -> Condition {
    let method = fields.then("method", |node| {
        let method = findings.text(node).filter(|method| !method.is_empty())?;
        Some(Condition::new("methods", Built::list(vec![Built::text(method).from(&node.place)])))
    });
    let path = fields
        .then("path", |node| Some(Condition::new("path", anywhere(findings.text(node)?, &node.place)?)));
    method.into_iter().chain(path).fold(Condition::default(), Condition::and)
}

type Added = Vec<(String, String)>;

fn request(fields: &Fields<'_>, manner: Manner, findings: &mut Findings) -> Vec<(String, Built)> {
    let given = fields.find("add-request-headers");
    let mut added = given.map(|node| headers(node, findings)).unwrap_or_default();
    let held = fields.find("delay-request");
    let delay = held.and_then(|node| hold::written(node, findings));
    if manner.headers && delay.is_some() {
        let by = held.and_then(Node::text).and_then(of_any_length);
        added
            .push(("x-cilium-delay".into(), format!("Delayed request by {}", as_go(by.unwrap_or_default()))));
    }
    let place = given.or(held).map(|node| node.place.clone()).unwrap_or_default();
    let request = object([("headers", object([("add", built(added))]))]);
    let request = request.map(|request| ("request".to_owned(), request.from(&place)));
    let delay = delay.map(|delay| ("delay".to_owned(), hold::fixed(delay)));
    request.into_iter().chain(delay).collect()
}

fn response(
    fields: &Fields<'_>,
    share: u32,
    manner: Manner,
    findings: &mut Findings,
) -> Option<(String, Built)> {
    const ACTIONS: [&str; 3] = ["delay-response", "add-response-headers", "rewrite-status"];
    let Some(first) = ACTIONS.iter().find_map(|name| fields.find(name)) else {
        fields.ignore(
            &["status-code"],
            "it applies only to responses, and this rule does not change them",
            findings,
        );
        return None;
    };
    let status = fields.then("status-code", |node| number(node, findings));
    let delay = fields.then("delay-response", |node| hold::written(node, findings));
    let mut added =
        fields.find("add-response-headers").map(|node| headers(node, findings)).unwrap_or_default();
    let rewritten = fields.then("rewrite-status", |node| rewrite(node, findings));
    if manner.headers && delay.is_some() {
        // Cilium reports the request's delay here.
        let by = fields.find("delay-request").and_then(|node| length(node, findings)).unwrap_or_default();
        added.push(("x-cilium-delay".into(), format!("Delayed response by {}", as_go(by))));
    }
    if manner.headers && rewritten.is_some() {
        let text = "The status code has been modified by Cilium";
        added.push(("x-cilium-modified-status-code".into(), text.into()));
    }
    if delay.is_none() && added.is_empty() && rewritten.is_none() {
        return None;
    }
    let response = object([
        ("percentage", again(share, first, manner.draws, findings)),
        ("match", object([("status", status)])),
        ("delay", delay.map(hold::fixed)),
        ("status", rewritten),
        ("headers", object([("add", built(added))])),
    ]);
    response.map(|response| ("response".to_owned(), response.from(&first.place)))
}

/// Returns the percentage for Cilium's second draw, which it makes for the response.
fn again(share: u32, node: &Node<'_>, draws: Draws, findings: &mut Findings) -> Option<Built> {
    if share == ALL {
        return None;
    }
    let squared = f64::from(share) * f64::from(share) / f64::from(ALL) / f64::from(ALL);
    let (once, twice) = (percent(share), percent(millionths(squared).0));
    match draws {
        Draws::Twice => {
            let note = format!(
                "Cilium draws again for the response, so {twice} of all requests get this; with `--intended` it would be {once}"
            );
            findings.note(&node.place, note);
            Some(percentage::built(share))
        }
        Draws::Once => {
            let note = format!(
                "{once} of the requests get this, as intended; in Cilium, which draws twice, it is {twice}"
            );
            findings.note(&node.place, note);
            Some(percentage::built(ALL))
        }
    }
}

fn number(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let text = findings.text_or_number(node)?;
    let number = text.parse::<u64>();
    if number.is_err() {
        let label = format!("found `{text}`, expected a status such as `503`");
        findings.wrong(&node.place, Code::InvalidValue, "invalid status", label);
    }
    number.ok().filter(|number| *number != 0).map(|number| Built::number(number).from(&node.place))
}

/// Reads `504 Application Error`: without words, Cilium treats the number as words and keeps the status.
fn rewrite(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let text = findings.text(node).filter(|text| !text.is_empty())?;
    let status = text.split_once(' ').and_then(|(number, _)| number.parse::<u64>().ok());
    let Some(status) = status else {
        let note = "left out: without both a number and words, as in `504 Gateway Timeout`, Cilium changes the words but not the status";
        findings.note(&node.place, note);
        return None;
    };
    findings.note(
        &node.place,
        format!("the status becomes {status}; its words are left out, and stay the proxy's own"),
    );
    Some(Built::number(status).from(&node.place))
}

/// Reads `K=V,K2=V2`; if a name is given twice, the last one wins.
fn headers(node: &Node<'_>, findings: &mut Findings) -> Added {
    let Some(text) = findings.text(node) else { return Vec::new() };
    let mut added: Added = Vec::new();
    for header in text.split(',') {
        let (name, value) = header.split_once('=').unwrap_or((header, ""));
        added.retain(|(known, _)| known != name);
        added.push((name.to_owned(), value.to_owned()));
    }
    added
}

fn built(added: Added) -> Option<Built> {
    let mut all: Vec<(String, Vec<Built>)> = Vec::new();
    for (name, value) in added {
        match all.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(&name)) {
            Some((_, values)) => values.push(Built::text(value)),
            None => all.push((name, vec![Built::text(value)])),
        }
    }
    let lists = all.into_iter().map(|(name, values)| (name, Built::list(values))).collect::<Vec<_>>();
    (!lists.is_empty()).then(|| Built::object(lists))
}

/// A duration as Go prints it: `1m30s`, `250ms`.
fn as_go(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        let millis = duration.as_secs_f64() * 1000.0;
        return if duration.is_zero() { "0s".into() } else { format!("{millis}ms") };
    }
    let whole = duration.as_secs();
    let seconds = format!("{}s", duration.as_secs_f64() - (whole - whole % 60) as f64);
    match (whole / 3600, whole / 60 % 60) {
        (0, 0) => seconds,
        (0, minutes) => format!("{minutes}m{seconds}"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}"),
    }
}
