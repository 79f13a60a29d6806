//! Lints for conditions that match no request, or not the requests that they seem to match.

use super::cover::printed;
use super::lints::Lints;
use crate::decode::diagnostic::Code;
use crate::decode::json::Shortened;
use crate::decode::path::Segment;
use crate::predicate::Predicate;
use crate::predicate::header::HeaderMatcher;
use crate::predicate::string::{Pattern, StringMatcher};
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;
use serde::Serialize;

/// Checks a predicate and the predicates nested in it.
pub fn predicate(predicate: &Predicate, lints: &mut Lints) {
    path(predicate.path.as_ref(), lints);
    authority(predicate.authority.as_deref(), lints);
    headers(predicate, lints);
    twice("query_parameters", predicate.query_parameters.as_deref(), lints);
    twice("cookies", predicate.cookies.as_deref(), lints);
    for (field, list) in [("all", &predicate.all), ("any", &predicate.any)] {
        twice(field, list.as_deref(), lints);
        lints.at(field, |lints| {
            for (index, inner) in list.iter().flatten().enumerate() {
                lints.within(Segment::Index(index), |lints| self::predicate(inner, lints));
            }
        });
    }
    if let Some(inner) = &predicate.not {
        lints.at("not", |lints| self::predicate(inner, lints));
    }
}

/// Returns the text that a value must contain, and the name of the field that says where.
fn text(matcher: &StringMatcher) -> Option<(&'static str, &str)> {
    match matcher.pattern() {
        Pattern::Exact(text) => Some(("exact", text)),
        Pattern::Prefix(text) => Some(("prefix", text)),
        Pattern::Suffix(text) => Some(("suffix", text)),
        Pattern::Contains(text) => Some(("contains", text)),
        Pattern::Regex(_) => None,
    }
}

fn path(matcher: Option<&StringMatcher>, lints: &mut Lints) {
    let Some((field, text)) = matcher.and_then(text) else { return };
    lints.at("path", |lints| {
        lints.at(field, |lints| {
            if text.contains(['?', '#']) {
                let help = "match the query with `query_parameters`";
                lints.say(
                    Code::NeverMatches,
                    "a path that no request has",
                    "the query is not part of the path",
                    help,
                );
            } else if matches!(field, "exact" | "prefix") && !text.starts_with(['/', '*']) {
                let help = format!("write `/{}`", Shortened(text));
                lints.say(Code::NeverMatches, "a path that no request has", "paths begin with `/`", &help);
            }
        });
    });
}

fn authority(matcher: Option<&StringMatcher>, lints: &mut Lints) {
    let Some((field @ ("exact" | "suffix"), text)) = matcher.and_then(text) else { return };
    let port =
        text.rsplit_once(':').map(|(host, port)| (host, port.bytes().all(|byte| byte.is_ascii_digit())));
    let Some((host, true)) = port else { return };
    // `[::1]` has colons but no port.
    if host.contains(':') && !host.ends_with(']') {
        return;
    }
    lints.at("authority", |lints| {
        lints.at(field, |lints| {
            let help = format!("write `{}`, or match the header `:authority`", Shortened(host));
            lints.say(
                Code::NeverMatches,
                "a host that no request can have",
                "hosts are matched without the port",
                &help,
            );
        });
    });
}

fn headers(predicate: &Predicate, lints: &mut Lints) {
    twice("headers", predicate.headers.as_deref(), lints);
    lints.at("headers", |lints| {
        for (index, header) in predicate.headers.iter().flatten().enumerate() {
            lints.within(Segment::Index(index), |lints| inverted(header, lints));
        }
    });
}

/// Reports inverted value matchers: in Envoy, and here, a missing header satisfies neither a value matcher nor its
/// inversion.
fn inverted(header: &HeaderMatcher, lints: &mut Lints) {
    let by_value = header.string_match.is_some() || header.range_match.is_some();
    let is_always_there = header.name.as_str().starts_with(':') || header.name.as_str() == "host";
    if header.invert_match == Some(true)
        && by_value
        && !is_always_there
        && header.treat_missing_header_as_empty != Some(true)
    {
        lints.at("invert_match", |lints| {
            let label = format!("a request without `{}` does not match", header.name.as_str());
            let help = "add `\"treat_missing_header_as_empty\": true`, or use `not`";
            lints.say(
                Code::InvertedMissing,
                "an inverted matcher that a missing header does not satisfy",
                label,
                help,
            );
        });
    }
}

/// Reports conditions that occur twice in a list.
fn twice<T: Serialize>(field: &str, list: Option<&[T]>, lints: &mut Lints) {
    let mut earlier: BTreeSet<String> = BTreeSet::new();
    lints.at(field, |lints| {
        for (index, condition) in list.into_iter().flatten().enumerate() {
            if !earlier.insert(printed(condition)) {
                lints.within(Segment::Index(index), |lints| {
                    lints.say(Code::Repeated, "a duplicate condition", "it is already in this list", "");
                });
            }
        }
    });
}
