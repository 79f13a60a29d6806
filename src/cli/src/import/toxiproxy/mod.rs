//! Toxiproxy's toxics.
//!
//! They act on connections, and each toxic decides at random which ones. Here, a proxy becomes a rule for all requests,
//! and each of its toxics a fault with its own percentage.

mod table;
mod toxic;

pub use table::FIELDS;

use super::built::Built;
use super::condition::Condition;
use super::findings::Findings;
use super::names::Names;
use super::percentage::{self, ALL};
use super::place::{Node, Place};
use super::rule::Rule;
use super::settle::{finish, runnable};
use super::sources::Sources;
use super::{Imported, Rejected};
use crate::document::DocumentFile;
use crate::import::fields::Fields;
use brownout_core::decode::diagnostic::Code;
use toxic::Toxic;

/// In the order in which they act.
const ORDER: [&str; 6] = ["delay", "reset", "hang", "request_rate_limit", "response", "response_rate_limit"];

/// The options for importing from Toxiproxy.
#[derive(Debug, Clone, Default)]
pub struct ToxiproxyChoices {
    /// True to leave out input that cannot be imported, with a note; false to report a mistake.
    pub partial: bool,
    /// The name of the proxy to import; required if the input has several.
    pub proxy: Option<String>,
}

/// Imports what Toxiproxy's API returns for its proxies (`GET /proxies`, or one of them), or toxics alone.
///
/// # Errors
/// What is wrong with it, or cannot be imported.
pub fn import(file: DocumentFile, choices: &ToxiproxyChoices) -> Result<Imported, Rejected> {
    let sources = Sources::read(vec![file])?;
    let mut findings = Findings::new(choices.partial);
    let nodes = sources.nodes();
    let mut proxies: Vec<Node<'_>> = nodes.iter().flat_map(proxies).collect();
    if let Some(wanted) = &choices.proxy {
        proxies.retain(|proxy| proxy.field("name").and_then(|name| name.text()) == Some(wanted));
    }
    if let [first, second, ..] = proxies.as_slice() {
        let names: Vec<&str> =
            proxies.iter().filter_map(|proxy| proxy.field("name").and_then(|name| name.text())).collect();
        let label = format!("`{}` are different services", names.join("`, `"));
        findings.wrong(&second.place, Code::Conflict, "more than one proxy", label);
        findings.help("a document is for one of them: choose it with `--proxy`");
        proxies = vec![first.clone()];
    }
    let toxics: Vec<Node<'_>> = nodes.iter().flat_map(lone_toxics).collect();
    let rule = match proxies.first() {
        Some(proxy) => self::proxy(proxy, &mut findings),
        None => rule(
            "toxics",
            nodes.first().map(|node| node.place.clone()).unwrap_or_default(),
            &toxics,
            &mut findings,
        ),
    };
    if rule.is_none() && findings.is_good() && findings.losses() == 0 {
        let label = "expected proxies as `GET /proxies` returns them, or toxics";
        findings.wrong(&Place::default(), Code::MissingField, "no toxic to import", label);
    }
    let rules = rule.into_iter().map(|rule| rule.built(&mut Names::default())).collect();
    finish(&sources, findings, rules)
}

/// Returns the proxies with toxics: one, a list of them, or the map of `GET /proxies`.
fn proxies<'a>(node: &Node<'a>) -> Vec<Node<'a>> {
    let has_toxics =
        |node: &Node<'a>| node.field("toxics").is_some_and(|toxics| !toxics.elements().is_empty());
    if node.field("toxics").is_some() {
        return vec![node.clone()];
    }
    let inner = node.entries().into_iter().map(|(_, inner)| inner).chain(node.elements());
    inner.filter(has_toxics).collect()
}

/// Returns toxics without a proxy: one, or a list of them.
fn lone_toxics<'a>(node: &Node<'a>) -> Vec<Node<'a>> {
    let is_toxic = |node: &Node<'a>| node.field("type").is_some();
    if is_toxic(node) { vec![node.clone()] } else { node.elements().into_iter().filter(is_toxic).collect() }
}

fn proxy(node: &Node<'_>, findings: &mut Findings) -> Option<Rule> {
    let fields = Fields::new(findings.open(node, &FIELDS, "")?);
    let name = fields.then("name", |node| findings.text(node)).unwrap_or("toxics");
    let toxics = fields.find("toxics").map(|node| findings.list(node)).unwrap_or_default();
    let mut rule = rule(name, node.place.clone(), &toxics, findings)?;
    if fields.then("enabled", |node| findings.flag(node)) == Some(false) {
        findings.note(
            &node.place,
            "the proxy is disabled: the rule's mode is `off`, whereas Toxiproxy refuses connections",
        );
        rule.fields.push(("mode".into(), Built::text("off")));
    }
    Some(rule)
}

fn rule(name: &str, place: Place, toxics: &[Node<'_>], findings: &mut Findings) -> Option<Rule> {
    let toxics: Vec<Toxic> = toxics.iter().filter_map(|node| Toxic::read(node, findings)).collect();
    let share = match toxics.as_slice() {
        [only] => only.share,
        _ => ALL,
    };
    let mut faults: Vec<Toxic> = Vec::new();
    for toxic in toxics {
        match faults.iter_mut().find(|other| other.fault.0 == toxic.fault.0) {
            None => faults.push(toxic),
            Some(other) => {
                let overlap =
                    |(field, _): &(String, Built)| other.fault.1.iter().any(|(name, _)| name == field);
                if toxic.fault.1.iter().any(overlap) || other.share != ALL || toxic.share != ALL {
                    let why = "a rule has at most one fault of each kind: import them one at a time, into documents for two listeners";
                    findings.refuse(&toxic.place, "a second toxic that becomes the same fault", why);
                } else {
                    other.fault.1.extend(toxic.fault.1);
                }
            }
        }
    }
    faults.sort_by_key(|toxic| ORDER.iter().position(|known| *known == toxic.fault.0));
    let one = faults.len() == 1;
    let built = faults.into_iter().map(|Toxic { place, fault: (name, fields), share }| {
        let own = (!one).then(|| ("percentage".to_owned(), percentage::built(share)));
        // In `response` it comes first, for readability.
        let (first, last) = if name == "response" { (own, None) } else { (None, own) };
        (name.to_owned(), Built::object(first.into_iter().chain(fields).chain(last)).from(&place))
    });
    let built = runnable(&Condition::default(), built.collect(), findings)?;
    Some(Rule { share, fields: built, ..Rule::of_all(&place, name, Condition::default()) })
}
