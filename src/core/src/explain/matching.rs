//! Describes a predicate in plain English, as a whole and part by part.

use crate::predicate::call::Call;
use crate::predicate::direction::TrafficDirection;
use crate::predicate::header::HeaderMatcher;
use crate::predicate::method::Method;
use crate::predicate::node::{NodeFields, NodeMatcher};
use crate::predicate::pair::PairMatcher;
use crate::predicate::source::Source;
use crate::predicate::string::{Pattern, StringMatcher};
use crate::predicate::{Part, Predicate};
use crate::words::{anded, ored, quoted};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// One part of a predicate that must hold.
#[derive(Debug)]
pub struct Condition<'p> {
    pub part: Part,
    /// The description: `path begins with `/pay``. Empty for `all`, `any` and `not`, which have `inner` instead.
    pub words: String,
    /// The predicates inside `all`, `any` or `not`; otherwise empty.
    pub inner: Vec<&'p Predicate>,
}

/// Returns the parts of a predicate in the order in which [`Predicate::failing`] checks them. Destructures every field,
/// so that a new one cannot be forgotten here.
pub fn conditions(predicate: &Predicate) -> Vec<Condition<'_>> {
    let Predicate {
        headers,
        path,
        methods,
        authority,
        query_parameters,
        cookies,
        grpc,
        route,
        virtual_host,
        cluster,
        source,
        node,
        direction,
        all,
        any,
        not,
    } = predicate;
    let string = |subject: &str, matcher: Option<&StringMatcher>| {
        matcher.map(|matcher| format!("{subject} {}", comparison(matcher)))
    };
    let mut list = Vec::new();
    list.extend(one("node", node.as_deref().map(of_node)));
    list.extend(one("methods", methods.as_ref().map(|methods| of_methods(methods))));
    list.extend(one("path", string("path", path.as_ref())));
    list.extend(one("authority", string("host", authority.as_deref())));
    list.extend(one("grpc", grpc.as_deref().map(of_call)));
    list.extend(each("query_parameters", query_parameters, |pair| of_pair("query parameter", pair)));
    list.extend(each("headers", headers, of_header));
    list.extend(each("cookies", cookies, |pair| of_pair("cookie", pair)));
    list.extend(one("direction", direction.map(|to| format!("traffic is {}", direction_name(to)))));
    list.extend(one("route", string("route", route.as_deref())));
    list.extend(one("virtual_host", string("virtual host", virtual_host.as_deref())));
    list.extend(one("cluster", string("cluster", cluster.as_deref())));
    list.extend(one("source", source.as_deref().map(of_source)));
    list.extend(not.as_deref().map(|inner| nested("not", None, [inner])));
    list.extend(all.iter().flatten().enumerate().map(|(index, inner)| nested("all", Some(index), [inner])));
    if let Some(any) = any {
        list.push(nested("any", None, any));
    }
    list
}

fn one<'p>(field: &'static str, words: Option<String>) -> Option<Condition<'p>> {
    words.map(|words| Condition { part: Part { field, index: None }, words, inner: Vec::new() })
}

fn nested<'p>(
    field: &'static str,
    index: Option<usize>,
    inner: impl IntoIterator<Item = &'p Predicate>,
) -> Condition<'p> {
    Condition { part: Part { field, index }, words: String::new(), inner: inner.into_iter().collect() }
}

fn each<'p, T>(
    field: &'static str,
    list: &Option<Vec<T>>,
    words: impl Fn(&T) -> String,
) -> impl Iterator<Item = Condition<'p>> {
    let words: Vec<String> = list.iter().flatten().map(words).collect();
    words.into_iter().enumerate().map(move |(index, words)| Condition {
        part: Part { field, index: Some(index) },
        words,
        inner: Vec::new(),
    })
}

/// Describes the requests that a predicate matches: `requests whose path begins with `/pay``.
pub fn requests(predicate: &Predicate) -> String {
    format!("requests{}", described(predicate))
}

/// Does the same for a rule, which may have no predicate: `requests`.
pub fn requests_of(predicate: Option<&Predicate>) -> String {
    predicate.map_or_else(|| "requests".into(), requests)
}

/// ` whose path begins with `/pay`, except those whose …`, or nothing.
fn described(predicate: &Predicate) -> String {
    let mut with = Vec::new();
    let mut except = Vec::new();
    clauses(predicate, &mut with, &mut except);
    let with = if with.is_empty() { String::new() } else { format!(" {}", anded(&with)) };
    if except.is_empty() { with } else { format!("{with}, except {}", anded(&except)) }
}

fn clauses(predicate: &Predicate, with: &mut Vec<String>, except: &mut Vec<String>) {
    for Condition { part, words, inner } in conditions(predicate) {
        match part.field {
            "all" => inner.into_iter().for_each(|inner| clauses(inner, with, except)),
            "any" => with.push(one_of(&inner)),
            "not" => except.extend(inner.into_iter().map(|inner| format!("those{}", described(inner)))),
            _ => with.push(format!("whose {words}")),
        }
    }
}

/// Returns the alternatives in parentheses, since a mix of `and` and `or` would be ambiguous.
fn one_of(inner: &[&Predicate]) -> String {
    let each: Vec<String> = inner
        .iter()
        .map(|inner| match described(inner).trim_start() {
            "" => "of any kind".into(),
            text => text.trim_start_matches(", ").into(),
        })
        .collect();
    match each.as_slice() {
        [only] => only.clone(),
        several => format!("({})", ored(several)),
    }
}

/// Describes the comparison with a string: `begins with `/pay``.
pub fn comparison(matcher: &StringMatcher) -> String {
    let (verb, text) = match matcher.pattern() {
        Pattern::Exact(text) => ("is", text.as_str()),
        Pattern::Prefix(text) => ("begins with", text.as_str()),
        Pattern::Suffix(text) => ("ends with", text.as_str()),
        Pattern::Contains(text) => ("contains", text.as_str()),
        Pattern::Regex(regex) => ("matches", regex.text()),
    };
    let value = if text.is_empty() { "empty".into() } else { quoted(text) };
    let case = if matcher.ignores_case() { " in any case" } else { "" };
    format!("{verb} {value}{case}")
}

fn of_header(header: &HeaderMatcher) -> String {
    let HeaderMatcher {
        name,
        string_match,
        range_match,
        present_match,
        invert_match,
        treat_missing_header_as_empty,
    } = header;
    let inverted = *invert_match == Some(true);
    let name = match name.as_str() {
        ":authority" => "header `host` (`:authority`)".to_string(),
        other => format!("header `{other}`"),
    };
    let condition = match (string_match, range_match) {
        (Some(string), _) => comparison(string),
        (None, Some(range)) => format!("is a number {range}"),
        (None, None) => {
            let there = present_match.unwrap_or(true) != inverted;
            let empty = *treat_missing_header_as_empty == Some(true);
            return match (there, empty) {
                (true, false) => format!("{name} is there"),
                (true, true) => format!("{name} is there or missing, which always holds"),
                (false, false) => format!("{name} is missing"),
                (false, true) => format!("{name} is missing, which never holds here"),
            };
        }
    };
    match (inverted, *treat_missing_header_as_empty == Some(true)) {
        (false, false) => format!("{name} {condition}"),
        (false, true) => format!("{name}, or nothing if it is missing, {condition}"),
        (true, false) => format!("{name} is there and is not one that {condition}"),
        (true, true) => format!("{name}, or nothing if it is missing, is not one that {condition}"),
    }
}

fn of_methods(methods: &[Method]) -> String {
    let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    format!("method is {}", ored(&names))
}

fn of_pair(kind: &str, pair: &PairMatcher) -> String {
    let PairMatcher { name, string_match, present_match } = pair;
    let name = quoted(name);
    match (string_match, present_match.unwrap_or(true)) {
        (Some(string), _) => format!("{kind} {name} {}", comparison(string)),
        (None, true) => format!("{kind} {name} is there"),
        (None, false) => format!("{kind} {name} is missing"),
    }
}

fn of_call(call: &Call) -> String {
    let Call { service, method } = call;
    let part = |subject: &str, matcher: &Option<StringMatcher>| {
        matcher.as_ref().map(|matcher| format!("{subject} {}", comparison(matcher)))
    };
    let parts: Vec<String> =
        [part("gRPC service", service), part("gRPC method", method)].into_iter().flatten().collect();
    if parts.is_empty() { "content type is gRPC".into() } else { anded(&parts) }
}

fn of_source(source: &Source) -> String {
    let Source { cidrs, principal } = source;
    let networks = cidrs.as_ref().map(|cidrs| {
        let names: Vec<String> = cidrs.iter().map(|cidr| format!("`{cidr}`")).collect();
        format!("source address is in {}", ored(&names))
    });
    let principal = principal.as_ref().map(|matcher| format!("principal {}", comparison(matcher)));
    let parts: Vec<String> = networks.into_iter().chain(principal).collect();
    if parts.is_empty() { "source is any".into() } else { anded(&parts) }
}

fn of_node(node: &NodeMatcher) -> String {
    let NodeFields { id, cluster, labels, namespace } = node.fields();
    let part = |subject: &str, matcher: &Option<StringMatcher>| {
        matcher.as_ref().map(|matcher| format!("{subject} {}", comparison(matcher)))
    };
    let named = [part("id", id), part("cluster", cluster), part("namespace", namespace)];
    let labels = labels.iter().flat_map(|labels| labels.iter());
    let labels = labels.map(|(name, value)| format!("label {} is {}", quoted(name), quoted(value)));
    let parts: Vec<String> = named.into_iter().flatten().chain(labels).collect();
    if parts.is_empty() { "proxy is any".into() } else { format!("proxy's {}", anded(&parts)) }
}

/// Returns the direction's name: `inbound` or `outbound`.
pub fn direction_name(direction: TrafficDirection) -> &'static str {
    match direction {
        TrafficDirection::Inbound => "inbound",
        TrafficDirection::Outbound => "outbound",
    }
}
