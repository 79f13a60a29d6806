//! One `HTTPChaos` as a rule.

use super::action::{request, response};
use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::condition::Condition;
use crate::import::fields::Fields;
use crate::import::findings::Findings;
use crate::import::pattern::wildcards;
use crate::import::place::Node;
use crate::import::pods::Pods;
use crate::import::rule::Rule;
use crate::import::settle::runnable;
use crate::import::window::{Window, length};
use brownout_core::decode::diagnostic::Code;
use std::time::Duration;

/// The effect of one `HTTPChaos`, its pods, and its duration.
#[derive(Debug)]
pub struct Chaos {
    /// The rule, without a schedule.
    pub rule: Rule,
    /// The pods it applies to.
    pub pods: Pods,
    /// Its duration, if it has one.
    pub window: Option<Window>,
}

/// The half of an exchange in which everything happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// Before the request is forwarded.
    Request,
    /// After the response has arrived.
    Response,
}

impl Chaos {
    /// Reads a `spec`. `None` if it is wrong, or does nothing that can be imported.
    pub fn read(node: &Node<'_>, name: &str, findings: &mut Findings) -> Option<Self> {
        let fields = Fields::new(findings.open(node, &FIELDS, "")?);
        mode(node, &fields, findings);
        if fields.find("port").is_none() && node.field("port").is_none() {
            findings.wrong(
                &node.place,
                Code::MissingField,
                "missing field `port`",
                "expected the port of the service",
            );
        }
        let pods = fields.find("selector").map(|selector| pods(selector, findings));
        let window = fields.find("duration").and_then(|node| {
            let length = length(node, findings)?;
            Some(Window { place: node.place.clone(), after: Duration::ZERO, length: Some(length) })
        });
        let target = target(node, &fields, findings)?;
        let losses = findings.losses();
        let condition = condition(&fields, findings);
        let faults = match target {
            Half::Request => request(&fields, findings),
            Half::Response => response(&fields, findings),
        };
        if faults.is_empty() && findings.losses() == losses {
            let label = "expected `abort`, `delay`, `replace` or `patch`";
            findings.wrong(&node.place, Code::MissingField, "an `HTTPChaos` that does nothing", label);
        }
        let faults = runnable(&condition, faults, findings)?;
        let rule = Rule { fields: faults, ..Rule::of_all(&node.place, name, condition) };
        Some(Self {
            rule,
            pods: pods.unwrap_or_else(|| Pods::new(&node.place, Vec::new(), Vec::new())),
            window,
        })
    }
}

fn target(node: &Node<'_>, fields: &Fields<'_>, findings: &mut Findings) -> Option<Half> {
    let Some(field) = fields.find("target") else {
        let label = "expected `Request` or `Response`";
        findings.wrong(&node.place, Code::MissingField, "missing field `target`", label);
        return None;
    };
    match findings.text(field)? {
        "Request" => Some(Half::Request),
        "Response" => Some(Half::Response),
        other => {
            let label = format!("found `{other}`, expected `Request` or `Response`");
            findings.wrong(&field.place, Code::InvalidValue, "invalid target", label);
            None
        }
    }
}

fn mode(node: &Node<'_>, fields: &Fields<'_>, findings: &mut Findings) {
    const OTHERS: [&str; 4] = ["one", "fixed", "fixed-percent", "random-max-percent"];
    let Some(field) = fields.find("mode") else {
        let label = "expected `all`, or which of the pods";
        return findings.wrong(&node.place, Code::MissingField, "missing field `mode`", label);
    };
    match findings.text(field) {
        Some("all") | None => {}
        Some(mode) if OTHERS.contains(&mode) => {
            let why = "no proxy knows how many others there are: choose the pods, give the document to them, and write `mode: all`";
            findings.refuse(&field.place, &format!("mode `{mode}` cannot be imported"), why);
        }
        Some(mode) => {
            let label = format!("found `{mode}`, expected `all` or one of `{}`", OTHERS.join("`, `"));
            findings.wrong(&field.place, Code::InvalidValue, "invalid mode", label);
        }
    }
}

fn pods(node: &Node<'_>, findings: &mut Findings) -> Pods {
    let fields = Fields::new(findings.open(node, &FIELDS, "selector").unwrap_or_default());
    let namespaces = fields.find("namespaces").map(|node| Pods::namespaces(node, findings));
    let labels = fields.find("labelSelectors").map(|node| Pods::labels(node, findings));
    Pods::new(&node.place, namespaces.unwrap_or_default(), labels.unwrap_or_default())
}

fn condition(fields: &Fields<'_>, findings: &mut Findings) -> Condition {
    let path = fields.then("path", |node| {
        let matcher = wildcards(findings.text(node)?, &node.place)?;
        Some(Condition::new("path", matcher))
    });
    let method = fields.then("method", |node| {
        let method = Built::text(findings.text(node)?).from(&node.place);
        Some(Condition::new("methods", Built::list(vec![method])))
    });
    let headers = fields
        .then("request_headers", |node| Some(Condition::new("headers", header_matchers(node, findings)?)));
    [path, method, headers].into_iter().flatten().fold(Condition::default(), Condition::and)
}

/// Returns matchers for a map of names and values that must all be present.
pub fn header_matchers(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let mut matchers = Vec::new();
    for (name, value) in findings.map(node) {
        let exact = Built::object([("exact", Built::text(findings.text(&value)?))]);
        let matcher = [("name", Built::text(name)), ("string_match", exact)];
        matchers.push(Built::object(matcher).from(&value.place));
    }
    (!matchers.is_empty()).then(|| Built::list(matchers).from(&node.place))
}
