//! `abort`, `delay`, `replace` and `patch`, which act in this order.

use super::spec::header_matchers;
use super::table::FIELDS;
use crate::import::body::{decoded, merge_patch, merged, replaced};
use crate::import::built::{Built, NamedFaults};
use crate::import::fields::{Fields, object};
use crate::import::findings::Findings;
use crate::import::hold;
use crate::import::place::Node;
use brownout_core::decode::diagnostic::Code;
use serde_json::Value;

/// Returns the faults for requests.
pub fn request(fields: &Fields<'_>, findings: &mut Findings) -> NamedFaults {
    let response_only = "it is for responses, but `target` is `Request`";
    fields.ignore(&["code", "response_headers"], response_only, findings);
    if let Some(abort) = abort(fields, findings) {
        return vec![("reset".into(), Built::object::<String>([]).from(&abort.place))];
    }
    let changes = Changes::read(fields, findings);
    changes.replace.ignore(&["code"], response_only, findings);
    let path = changes.replace.then("path", |node| {
        let path = findings.text(node)?;
        Some(Built::text(if path.is_empty() { "/" } else { path }).from(&node.place))
    });
    let method =
        changes.replace.then("method", |node| Some(Built::text(findings.text(node)?).from(&node.place)));
    let set = changes.replace.then("queries", |node| map(node, findings));
    let add = changes.patch.then("queries", |node| Some(pairs(node, false, findings)));
    let changed = object([
        ("headers", changes.headers(findings)),
        ("path", path),
        ("method", method),
        ("query_parameters", object([("set", set), ("add", add)])),
        ("body", changes.body(findings)),
    ]);
    let request = changed.map(|changed| ("request".to_owned(), changed.from(&changes.place(fields))));
    let delay = fields.then("delay", |node| {
        Some(("delay".to_owned(), hold::fixed(hold::written(node, findings)?).from(&node.place)))
    });
    request.into_iter().chain(delay).collect()
}

/// Returns the faults for responses.
pub fn response(fields: &Fields<'_>, findings: &mut Findings) -> NamedFaults {
    let request_only = "it is for requests, but `target` is `Response`";
    let status =
        fields.then("code", |node| Some(Built::number(findings.unsigned(node, 999)?).from(&node.place)));
    let headers = fields.then("response_headers", |node| header_matchers(node, findings));
    let matching = object([("status", status), ("headers", headers)]);
    if let Some(abort) = abort(fields, findings) {
        let reset = Built::object([("after_bytes", Built::number(0))]).from(&abort.place);
        let response = object([("match", matching), ("reset", Some(reset))]);
        return response
            .map(|response| ("response".to_owned(), response.from(&abort.place)))
            .into_iter()
            .collect();
    }
    let changes = Changes::read(fields, findings);
    changes.replace.ignore(&["path", "method", "queries"], request_only, findings);
    changes.patch.ignore(&["queries"], request_only, findings);
    let delay =
        fields.then("delay", |node| Some(hold::fixed(hold::written(node, findings)?).from(&node.place)));
    let status = changes
        .replace
        .then("code", |node| Some(Built::number(findings.unsigned(node, 999)?).from(&node.place)));
    let (headers, body) = (changes.headers(findings), changes.body(findings));
    if delay.is_none() && status.is_none() && headers.is_none() && body.is_none() {
        return Vec::new();
    }
    let response = object([
        ("match", matching),
        ("delay", delay),
        ("status", status),
        ("headers", headers),
        ("body", body),
    ]);
    response
        .map(|response| ("response".to_owned(), response.from(&changes.place(fields))))
        .into_iter()
        .collect()
}

/// Returns the field `abort` if it is true. Nothing happens after an abort.
fn abort<'n, 'a>(fields: &'n Fields<'a>, findings: &mut Findings) -> Option<&'n Node<'a>> {
    let node = fields.find("abort")?;
    if !findings.flag(node)? {
        return None;
    }
    fields.ignore(
        &["delay", "replace", "patch"],
        "nothing happens after an `abort`, which acts first",
        findings,
    );
    findings.note(
        &node.place,
        "Chaos Mesh closes the connection at once; here the stream is reset: in HTTP/2 the connection lives on, in HTTP/1 \
         it is closed by FIN after Envoy's `delayed_close_timeout`",
    );
    Some(node)
}

struct Changes<'a> {
    replace: Fields<'a>,
    patch: Fields<'a>,
}

impl<'a> Changes<'a> {
    fn read(fields: &Fields<'a>, findings: &mut Findings) -> Self {
        let mut open = |name: &str| {
            let opened = fields.then(name, |node| findings.open(node, &FIELDS, name));
            Fields::new(opened.unwrap_or_default())
        };
        Self { replace: open("replace"), patch: open("patch") }
    }

    /// Returns the place of the first one that is present.
    fn place(&self, fields: &Fields<'_>) -> crate::import::place::Place {
        let first = ["replace", "patch", "delay"].iter().find_map(|name| fields.find(name));
        first.map(|node| node.place.clone()).unwrap_or_default()
    }

    fn headers(&self, findings: &mut Findings) -> Option<Built> {
        let set = self.replace.then("headers", |node| map(node, findings));
        let add = self.patch.then("headers", |node| Some(pairs(node, true, findings)));
        object([("set", set), ("add", add)])
    }

    fn body(&self, findings: &mut Findings) -> Option<Built> {
        let replacement = self.replace.then("body", |node| {
            let bytes = decoded(findings.text(node)?);
            if bytes.is_none() {
                findings.wrong(
                    &node.place,
                    Code::InvalidValue,
                    "invalid body",
                    "expected base64, as in Chaos Mesh",
                );
            }
            Some((bytes?, node))
        });
        let patch = self.patch.then("body", |node| patch(node, findings));
        match (replacement, patch) {
            (Some((bytes, node)), None) => Some(replaced(bytes, &node.place)),
            (None, Some((patch, node))) => {
                findings.note(
                    &node.place,
                    "a body that is not JSON passes untouched and is counted; Chaos Mesh breaks the connection",
                );
                Some(merge_patch(&patch, &node.place))
            }
            (Some((bytes, _)), Some((patch, node))) => match serde_json::from_slice(&bytes) {
                Ok(value) => {
                    findings.note(
                        &node.place,
                        "it is applied to the body of `replace` now, since that body is known",
                    );
                    Some(replaced(merged(value, &patch).to_string().into_bytes(), &node.place))
                }
                Err(_) => {
                    let label = "the body of `replace` is not JSON: Chaos Mesh breaks every connection";
                    findings.wrong(&node.place, Code::Conflict, "a patch that never applies", label);
                    None
                }
            },
            (None, None) => None,
        }
    }
}

fn patch<'n, 'a>(node: &'n Node<'a>, findings: &mut Findings) -> Option<(Value, &'n Node<'a>)> {
    let fields = Fields::new(findings.open(node, &FIELDS, "patch.body")?);
    if let Some(kind) = fields.find("type")
        && findings.text(kind)? != "JSON"
    {
        findings.wrong(&kind.place, Code::InvalidValue, "invalid type of patch", "expected `JSON`");
        return None;
    }
    let Some(value) = fields.find("value") else {
        findings.wrong(&node.place, Code::MissingField, "missing field `value`", "expected JSON in a string");
        return None;
    };
    let patch = serde_json::from_str(findings.text(value)?);
    if let Err(error) = &patch {
        findings.wrong(&value.place, Code::InvalidValue, "invalid patch", format!("not valid JSON: {error}"));
    }
    Some((patch.ok()?, node))
}

/// Copies a map of names and values.
fn map(node: &Node<'_>, findings: &mut Findings) -> Option<Built> {
    let mut entries = Vec::new();
    for (name, value) in findings.map(node) {
        entries.push((name, Built::text(findings.text(&value)?).from(&value.place)));
    }
    (!entries.is_empty()).then(|| Built::object(entries).from(&node.place))
}

/// Converts a list of pairs to an object of lists. With `last_only`, keeps only the last of several values for a name.
fn pairs(node: &Node<'_>, last_only: bool, findings: &mut Findings) -> Built {
    let mut all: Vec<(&str, Vec<Built>)> = Vec::new();
    for pair in findings.list(node) {
        let elements = pair.elements();
        let [name, value] = elements.as_slice() else {
            findings.wrong_type(&pair, "value", "a name and a value: `[name, value]`");
            continue;
        };
        let (Some(name), Some(text)) = (findings.text(name), findings.text(value)) else { continue };
        let built = Built::text(text).from(&value.place);
        match all
            .iter_mut()
            .find(|(known, _)| known.eq_ignore_ascii_case(name) && (last_only || *known == name))
        {
            None => all.push((name, vec![built])),
            Some((_, values)) if last_only => {
                findings.note(
                    &pair.place,
                    format!(
                        "Chaos Mesh adds only the last of several values for `{name}`; so does the document"
                    ),
                );
                *values = vec![built];
            }
            Some((_, values)) => values.push(built),
        }
    }
    Built::object(all.into_iter().map(|(name, values)| (name, Built::list(values)))).from(&node.place)
}
