//! `StringMatcher`: one way to compare a string, with Envoy's semantics, on bytes.

use crate::decode::diagnostic::Code;
use crate::decode::json::{Json, Shortened};
use crate::decode::{Decode, Decoder, Fields, listed, schema};
use crate::predicate::regex::Regex;
use crate::view::RequestView;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// So many bytes are compared, or split at separators, for what a state of a pattern takes for one.
pub(super) const CHEAP: usize = 8;

/// The longest pattern, in bytes.
pub(super) const LONGEST_PATTERN: usize = 1024;

/// How to compare.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// The whole string is this one.
    Exact(String),
    /// It begins with it.
    Prefix(String),
    /// It ends with it.
    Suffix(String),
    /// It has it inside.
    Contains(String),
    /// The whole string matches a regular expression (RE2's syntax, linear time).
    Regex(Box<Regex>),
}

/// A comparison with a string.
#[derive(Debug, Clone)]
pub struct StringMatcher {
    /// What to compare with. In lower case already if `ignore_case`.
    pattern: Pattern,
    /// Whether ASCII letters match in either case.
    ignore_case: bool,
}

impl StringMatcher {
    const KINDS: [&'static str; 5] = ["exact", "prefix", "suffix", "contains", "safe_regex"];

    /// Compares with a string that has to be equal.
    pub fn exact(text: impl Into<String>) -> Self {
        Self { pattern: Pattern::Exact(text.into()), ignore_case: false }
    }

    /// How it compares.
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Whether ASCII letters match in either case.
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// Whether `value`, of this request, is what it looks for. `false` if to find out would take too much.
    pub fn matches_in(&self, request: &dyn RequestView, value: &[u8]) -> bool {
        let Some(effort) = request.effort() else { return self.matches(value) };
        match &self.pattern {
            Pattern::Regex(regex) => regex.matches_within(value, effort),
            Pattern::Exact(text) | Pattern::Prefix(text) | Pattern::Suffix(text) => {
                effort.spend(1 + text.len() / CHEAP) && self.matches(value)
            }
            Pattern::Contains(_) => effort.spend(1 + value.len() / 2) && self.matches(value),
        }
    }

    /// Whether `value` is what it looks for.
    pub fn matches(&self, value: &[u8]) -> bool {
        let equal = |a: &[u8], b: &str| match self.ignore_case {
            true => a.eq_ignore_ascii_case(b.as_bytes()),
            false => a == b.as_bytes(),
        };
        match &self.pattern {
            Pattern::Exact(text) => equal(value, text),
            Pattern::Prefix(text) => value.get(..text.len()).is_some_and(|head| equal(head, text)),
            Pattern::Suffix(text) => {
                let start = value.len().checked_sub(text.len());
                start.and_then(|at| value.get(at..)).is_some_and(|tail| equal(tail, text))
            }
            Pattern::Contains(text) if text.is_empty() => true,
            Pattern::Contains(text) => value.windows(text.len()).any(|window| equal(window, text)),
            Pattern::Regex(regex) => regex.matches(value),
        }
    }
}

impl Decode for StringMatcher {
    const EXPECTED: &'static str = "a string matcher such as `{\"prefix\": \"/pay\"}`";

    schema!(|definitions| definitions.object("StringMatcher", |definitions| {
        let text = || crate::decode::describe::text("", &[]);
        crate::decode::describe::Object::new(&["One way to compare a string, byte by byte."])
            .with("exact", "The value is this string.", text())
            .with("prefix", "The value begins with it.", text())
            .with("suffix", "The value ends with it.", text())
            .with("contains", "The value has it inside.", text())
            .with("safe_regex", "The value matches it from end to end.", Regex::schema(definitions))
            .with("ignore_case", "ASCII letters count the same in either case.", bool::schema(definitions))
            .exactly_one(&Self::KINDS)
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        if let Json::String(text) = json {
            decoder.wrong_type::<()>("string matcher", json, "an object");
            return decoder.help(format!("say how to compare: `{{\"exact\": \"{}\"}}`", Shortened(text)));
        }
        let fields = Fields::of(json, decoder, &[&Self::KINDS, &["ignore_case"]], &[])?;
        let ignore_case = fields.optional::<bool>("ignore_case", decoder);
        let present = fields.present(&Self::KINDS);
        let [kind] = present.as_slice() else {
            if present.is_empty() && fields.misnamed() {
                return None;
            }
            let label = match present.as_slice() {
                [] => format!("expected one of {}", listed(&Self::KINDS)),
                several => format!("{} exclude each other", listed(several).replace(" or ", " and ")),
            };
            return decoder.refuse(Code::Conflict, "invalid string matcher", label);
        };
        let (spelled, value) = fields.value(kind)?;
        let folded = ignore_case.flatten().unwrap_or(false);
        let pattern = decoder.field(spelled, |d| pattern(kind, value, folded, d));
        ignore_case?;
        Some(Self { pattern: pattern?, ignore_case: folded })
    }
}

fn pattern(kind: &str, value: &Json, ignore_case: bool, decoder: &mut Decoder) -> Option<Pattern> {
    if kind == "safe_regex" {
        let regex = Regex::decode(value, decoder)?;
        if ignore_case {
            decoder.refuse::<()>(Code::Conflict, "`ignore_case` has no effect on `safe_regex`", "");
            return decoder.help(format!("write `(?i){}`", Shortened(regex.text())));
        }
        return Some(Pattern::Regex(Box::new(regex)));
    }
    let text = String::decode(value, decoder)?;
    if text.len() > LONGEST_PATTERN {
        let label = format!("{} bytes, at most {LONGEST_PATTERN} are allowed", text.len());
        return decoder.refuse(Code::OutOfRange, "pattern too long", label);
    }
    if text.is_empty() && kind != "exact" {
        let label = format!("`{kind}` of nothing matches everything");
        return decoder.refuse(Code::InvalidValue, "empty pattern", label);
    }
    let text = if ignore_case { text.to_ascii_lowercase() } else { text };
    Some(match kind {
        "prefix" => Pattern::Prefix(text),
        "suffix" => Pattern::Suffix(text),
        "contains" => Pattern::Contains(text),
        _ => Pattern::Exact(text),
    })
}

impl Serialize for StringMatcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.pattern {
            Pattern::Exact(text) => map.serialize_entry("exact", text)?,
            Pattern::Prefix(text) => map.serialize_entry("prefix", text)?,
            Pattern::Suffix(text) => map.serialize_entry("suffix", text)?,
            Pattern::Contains(text) => map.serialize_entry("contains", text)?,
            Pattern::Regex(regex) => map.serialize_entry("safe_regex", regex.text())?,
        }
        if self.ignore_case {
            map.serialize_entry("ignore_case", &true)?;
        }
        map.end()
    }
}

impl fmt::Display for StringMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pattern {
            Pattern::Exact(text) => write!(f, "is `{text}`"),
            Pattern::Prefix(text) => write!(f, "begins with `{text}`"),
            Pattern::Suffix(text) => write!(f, "ends with `{text}`"),
            Pattern::Contains(text) => write!(f, "contains `{text}`"),
            Pattern::Regex(regex) => write!(f, "matches `{}`", regex.text()),
        }?;
        if self.ignore_case { f.write_str(" in any case") } else { Ok(()) }
    }
}
