//! A block of `match`: conditions of an entry that must all hold.

use super::host::in_namespace;
use super::table::FIELDS;
use crate::import::built::Built;
use crate::import::condition::Condition;
use crate::import::findings::Findings;
use crate::import::place::Node;
use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::json::Json;

/// The context of a block.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// The proxies that the document is for.
    pub gateway: &'a Gateway,
    /// The namespace of the manifest.
    pub namespace: &'a str,
    /// True if a destination of the manifest names a port.
    pub destination_ports: bool,
}

/// A gateway by its name, or all the sidecars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway(pub String);

impl Gateway {
    /// Returns whether it means the sidecars.
    pub fn is_mesh(&self) -> bool {
        self.0 == super::MESH
    }

    /// Returns whether `name` in a manifest in `namespace` means this gateway. A name without a namespace is in the
    /// manifest's.
    pub fn is_named(&self, name: &str, namespace: &str) -> bool {
        name == self.0 || format!("{namespace}/{name}") == self.0 || name == format!("{namespace}/{}", self.0)
    }
}

/// Reads a block: `None` if it is not for the gateway.
pub fn block(node: &Node<'_>, around: Around<'_>, findings: &mut Findings) -> Option<Condition> {
    let fields = findings.open(node, &FIELDS, "http[].match[]")?;
    let gateways = fields.iter().find(|(name, _)| *name == "gateways").map(|(_, list)| findings.list(list));
    let gateways = gateways.unwrap_or_default();
    let named = |gateway: &Node<'_>| {
        findings.text(gateway).is_some_and(|name| around.gateway.is_named(name, around.namespace))
    };
    if !gateways.is_empty() && !gateways.iter().map(named).fold(false, |any, this| any | this) {
        return None;
    }
    let folded =
        fields.iter().any(|(name, node)| *name == "ignore_uri_case" && findings.flag(node) == Some(true));
    let mut condition = Condition::default();
    let mut headers = Vec::new();
    for (name, field) in &fields {
        let also = match *name {
            "uri" => uri(field, folded, findings),
            "method" => method(field, &mut headers, findings),
            "scheme" => one_header(":scheme", field, &mut headers, findings),
            "authority" => one_header(":authority", field, &mut headers, findings),
            "headers" | "without_headers" => {
                let map = findings.map(field);
                headers.extend(map.iter().filter_map(|(header, matcher)| {
                    header_matcher(header, matcher, *name == "without_headers", findings)
                }));
                None
            }
            "query_params" => query(field, findings),
            "port" => port(field, around, findings),
            "source_labels" if gateways.is_empty() => labels(field, findings),
            "source_namespace" if gateways.is_empty() => {
                findings.text(field).filter(|text| !text.is_empty()).map(in_namespace)
            }
            _ => None,
        };
        condition = condition.and(also.unwrap_or_default());
    }
    if !headers.is_empty() {
        condition = condition.and(Condition::new("headers", Built::list(headers)));
    }
    Some(condition)
}

/// The comparison of a `StringMatch`.
enum Match<'a> {
    Exact(&'a str),
    Prefix(&'a str),
    Regex(&'a str),
    /// Any value, as long as it is present.
    Present,
}

impl Match<'_> {
    fn built(&self, folded: bool) -> Built {
        let (how, text) = match self {
            Self::Exact(text) => ("exact", *text),
            Self::Prefix(text) => ("prefix", *text),
            Self::Regex(text) => ("safe_regex", *text),
            Self::Present => ("safe_regex", ".*"),
        };
        let mut fields = vec![(how, Built::text(text))];
        if folded && how != "safe_regex" {
            fields.push(("ignore_case", Built::yes()));
        }
        Built::object(fields)
    }
}

fn string_match<'a>(node: &Node<'a>, findings: &mut Findings) -> Option<Match<'a>> {
    let fields = findings.open(node, &FIELDS, "string_match")?;
    match fields.as_slice() {
        [] => Some(Match::Present),
        [(how, field)] => {
            let text = findings.text(field)?;
            Some(match *how {
                "exact" => Match::Exact(text),
                "prefix" => Match::Prefix(text),
                _ if text == "*" => Match::Present,
                _ => Match::Regex(text),
            })
        }
        [(first, _), (second, _), ..] => {
            let label = format!("`{first}` and `{second}` exclude each other");
            findings.wrong(&node.place, Code::Conflict, "invalid string match", label);
            None
        }
    }
}

fn uri(node: &Node<'_>, folded: bool, findings: &mut Findings) -> Option<Condition> {
    let matched = string_match(node, findings)?;
    // Every path begins with this: no condition.
    if matches!(matched, Match::Prefix("" | "/") | Match::Present) {
        return None;
    }
    Some(Condition::new("path", matched.built(folded).from(&node.place)))
}

fn method(node: &Node<'_>, headers: &mut Vec<Built>, findings: &mut Findings) -> Option<Condition> {
    match string_match(node, findings)? {
        Match::Exact(method)
            if !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase()) =>
        {
            Some(Condition::new("methods", Built::list(vec![Built::text(method)]).from(&node.place)))
        }
        _ => one_header(":method", node, headers, findings),
    }
}

/// Adds a condition on a part of the request line, which every request has.
fn one_header(
    name: &str,
    node: &Node<'_>,
    headers: &mut Vec<Built>,
    findings: &mut Findings,
) -> Option<Condition> {
    let matched = string_match(node, findings)?;
    if !matches!(matched, Match::Present) {
        let fields = [("name", Built::text(name)), ("string_match", matched.built(false))];
        headers.push(Built::object(fields).from(&node.place));
    }
    None
}

fn header_matcher(name: &str, node: &Node<'_>, without: bool, findings: &mut Findings) -> Option<Built> {
    if name.starts_with("@request.auth.claims") {
        let why = "a Wasm module does not see the claims of a JWT: have the proxy copy them into a header, and match that";
        findings.refuse(&node.place, "a condition on a claim", why);
        return None;
    }
    let matched = if *node.json == Json::Null { Match::Present } else { string_match(node, findings)? };
    let mut fields = vec![("name", Built::text(name))];
    match (matched, without) {
        (Match::Present, false) => fields.push(("present_match", Built::yes())),
        (Match::Present, true) => fields.push(("present_match", Built::value(Json::Bool(false)))),
        (matched, false) => fields.push(("string_match", matched.built(false))),
        (matched, true) => fields.extend([
            ("string_match", matched.built(false)),
            ("invert_match", Built::yes()),
            ("treat_missing_header_as_empty", Built::yes()),
        ]),
    }
    Some(Built::object(fields).from(&node.place))
}

fn query(node: &Node<'_>, findings: &mut Findings) -> Option<Condition> {
    let mut matchers = Vec::new();
    for (name, inner) in findings.map(node) {
        let mut fields = vec![("name", Built::text(name))];
        fields.push(match string_match(&inner, findings)? {
            Match::Present => ("present_match", Built::yes()),
            matched => ("string_match", matched.built(false)),
        });
        matchers.push(Built::object(fields).from(&inner.place));
    }
    if matchers.is_empty() {
        return None;
    }
    let note = "a parameter is compared unescaped, and one given twice matches by either value; Istio compares the \
        first, as it is escaped";
    findings.note(&node.place, note);
    Some(Condition::new("query_parameters", Built::list(matchers).from(&node.place)))
}

fn port(node: &Node<'_>, around: Around<'_>, findings: &mut Findings) -> Option<Condition> {
    let port = findings.unsigned(node, 65535).filter(|port| *port != 0)?;
    if !around.gateway.is_mesh() || around.destination_ports {
        let why =
            "a document sees the port that a request goes to, not the one it was sent to: match on `cluster`";
        findings.refuse(&node.place, "a condition on the port", why);
        return None;
    }
    let note = "it is matched by the port in the name of the cluster, which is the same unless a request goes to another port \
        than it was sent to";
    findings.note(&node.place, note);
    let prefix = Built::object([("prefix", Built::text(format!("outbound|{port}|")))]);
    Some(Condition::new("cluster", prefix.from(&node.place)))
}

fn labels(node: &Node<'_>, findings: &mut Findings) -> Option<Condition> {
    let mut labels = Vec::new();
    for (name, value) in findings.map(node) {
        labels.push((name, Built::text(findings.text(&value)?)));
    }
    let labels = (!labels.is_empty()).then(|| Built::object(labels))?;
    Some(Condition::new("node", Built::object([("labels", labels)]).from(&node.place)))
}
