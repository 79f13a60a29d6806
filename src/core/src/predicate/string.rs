//! `StringMatcher`: a comparison with a string, byte by byte, with Envoy's semantics.

use crate::decode::diagnostic::Code;
use crate::decode::json::{Json, Shortened};
use crate::decode::{Decode, Decoder, Fields, Refused, choice, schema};
use crate::predicate::regex::Regex;
use crate::view::RequestView;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use core::fmt;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The number of bytes that can be compared, or split at separators, for the cost of one state of a pattern on one
/// byte.
pub(super) const CHEAP: usize = 8;

/// The longest pattern, in bytes.
pub(super) const LONGEST_PATTERN: usize = 1024;

choice! {
    /// The kind of comparison, and the string to compare with.
    #[derive(Debug, Clone)]
    pub enum Pattern else "invalid string matcher", "invalid string matcher" {
        /// The value is this string.
        Exact(String) = "exact",
        /// The value starts with this string.
        Prefix(String) = "prefix",
        /// The value ends with this string.
        Suffix(String) = "suffix",
        /// The value contains this string.
        Contains(String) = "contains",
        /// The whole value matches this regular expression (RE2's syntax, linear time).
        Regex(Box<Regex>) = "safe_regex",
    }
}

impl Pattern {
    fn check(&self, ignore_case: bool, decoder: &mut Decoder) -> Result<(), Refused> {
        let text = match self {
            Self::Exact(text) | Self::Prefix(text) | Self::Suffix(text) | Self::Contains(text) => text,
            Self::Regex(regex) if ignore_case => {
                let message = "`ignore_case` has no effect on `safe_regex`";
                let help = format!("write `(?i){}`", Shortened(regex.text()));
                return decoder.refuse_with_help(Code::Conflict, message, "", help);
            }
            Self::Regex(_) => return Ok(()),
        };
        if text.len() > LONGEST_PATTERN {
            let label = format!("{} bytes, at most {LONGEST_PATTERN} are allowed", text.len());
            return decoder.refuse(Code::OutOfRange, "pattern too long", label);
        }
        if text.is_empty() && !matches!(self, Self::Exact(_)) {
            let label = format!("an empty `{}` matches everything", self.field());
            return decoder.refuse(Code::InvalidValue, "empty pattern", label);
        }
        Ok(())
    }

    fn in_lower_case(&mut self) {
        match self {
            Self::Exact(text) | Self::Prefix(text) | Self::Suffix(text) | Self::Contains(text) => {
                text.make_ascii_lowercase();
            }
            Self::Regex(_) => {}
        }
    }
}

/// A comparison with a string.
#[derive(Debug, Clone)]
pub struct StringMatcher {
    /// The pattern; already in lower case if `ignore_case` is set.
    pattern: Pattern,
    /// True if ASCII letters match in either case.
    ignore_case: bool,
}

impl StringMatcher {
    /// Creates a matcher for exactly this string.
    pub fn exact(text: impl Into<String>) -> Self {
        Self { pattern: Pattern::Exact(text.into()), ignore_case: false }
    }

    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Returns whether ASCII letters match in either case.
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// Returns whether a value of this request matches; `false` if the request's budget runs out.
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
        let object = crate::decode::describe::Object::new(&["A comparison with a string, byte by byte."]);
        Pattern::describe(object, definitions).with(
            "ignore_case",
            "Ignores the case of ASCII letters.",
            bool::schema(definitions),
        )
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        if let Json::String(text) = json {
            let help = format!("say how to compare: `{{\"exact\": \"{}\"}}`", Shortened(text));
            return decoder.wrong_type_with_help("string matcher", json, "an object", help);
        }
        let fields = Fields::of(json, decoder, &[Pattern::FIELDS, &["ignore_case"]], &[])?;
        let ignore_case = fields.optional::<bool>("ignore_case", decoder);
        let mut pattern = Pattern::choose(&fields, decoder)?;
        let folds = matches!(ignore_case, Ok(Some(true)));
        fields.at(pattern.field(), decoder, |d| pattern.check(folds, d))?;
        let ignore_case = ignore_case?.unwrap_or(false);
        if ignore_case {
            pattern.in_lower_case();
        }
        Ok(Self { pattern, ignore_case })
    }
}

impl Serialize for StringMatcher {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.pattern.write(&mut map)?;
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
