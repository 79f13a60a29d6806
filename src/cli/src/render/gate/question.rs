//! One question about one request header that Envoy's matcher can answer.

use brownout_core::predicate::header::HeaderMatcher;
use brownout_core::predicate::string::{Pattern, StringMatcher};

/// A question about a header.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The header's name in lower case; `:path` and the like are names too.
    pub header: String,
    /// The required value. Envoy's matcher joins the values of a repeated header with commas.
    pub compare: Compare,
    /// True if ASCII letters match in either case.
    pub ignore_case: bool,
}

/// The test that a header's value has to pass.
#[derive(Debug, Clone, PartialEq)]
pub enum Compare {
    /// It is present, with any value.
    Present,
    Exact(String),
    Prefix(String),
    Suffix(String),
    Contains(String),
}

impl Question {
    /// Asks whether the header is present.
    pub fn present(header: &str) -> Self {
        Self { header: header.into(), compare: Compare::Present, ignore_case: false }
    }

    /// Asks whether the header's value compares like this.
    pub fn compared(header: &str, compare: Compare) -> Self {
        Self { header: header.into(), compare, ignore_case: false }
    }

    /// Returns the conditions on the joined values of a header, one of which holds whenever the matcher holds for one of
    /// the values.
    pub fn of_header(header: &HeaderMatcher) -> Option<Vec<Self>> {
        if !header.needs_presence() {
            return None;
        }
        let name = header.name.as_str();
        let by_value = header.string_match.as_ref().filter(|_| header.invert_match != Some(true));
        let compare = match by_value.map(StringMatcher::pattern) {
            Some(Pattern::Exact(text)) if !text.is_empty() => Compare::Exact(text.clone()),
            Some(Pattern::Prefix(text)) => Compare::Prefix(text.clone()),
            Some(Pattern::Suffix(text)) => Compare::Suffix(text.clone()),
            Some(Pattern::Contains(text)) => Compare::Contains(text.clone()),
            // Two engines need not agree about every expression, and a range is none of Envoy's matchers.
            _ => return Some(vec![Self::present(name)]),
        };
        let ignore_case = by_value.is_some_and(StringMatcher::ignores_case);
        // What one value has inside, the joined ones have inside; and a header with a colon comes once.
        let is_whole = matches!(compare, Compare::Contains(_)) || name.starts_with(':');
        let joined = (!is_whole).then(|| Self::compared(name, Compare::Contains(",".into())));
        let question = Self { header: name.into(), compare, ignore_case };
        Some([question].into_iter().chain(joined).collect())
    }

    /// What has to hold for the value of a header, if `matcher` holds for the part of it that begins where the value
    /// begins, and ends somewhere.
    pub fn of_beginning(header: &str, matcher: &StringMatcher) -> Option<Self> {
        let compare = match matcher.pattern() {
            Pattern::Exact(text) | Pattern::Prefix(text) if !text.is_empty() => Compare::Prefix(text.clone()),
            Pattern::Suffix(text) | Pattern::Contains(text) => Compare::Contains(text.clone()),
            _ => return None,
        };
        Some(Self { header: header.into(), compare, ignore_case: matcher.ignores_case() })
    }
}
