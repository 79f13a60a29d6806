//! Decides whether every request that satisfies one condition also satisfies another. `false` if that is unknown.

use crate::predicate::Predicate;
use crate::predicate::string::{Pattern, StringMatcher};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use serde::Serialize;

/// Returns whether every request that satisfies `narrow` also satisfies `wide`.
pub fn covers(wide: Option<&Predicate>, narrow: Option<&Predicate>) -> bool {
    let Some(wide) = wide else { return true };
    let everything = Predicate::default();
    conjunction(wide, narrow.unwrap_or(&everything))
}

/// Returns one of `wide`'s conditions on name-value pairs, if it has any. Every predicate that it covers has it too.
pub fn required(wide: &Predicate) -> Option<String> {
    pairs(wide).next()
}

/// Returns all conditions on pairs that `narrow` requires, including those in an `all`.
pub fn all_pairs(narrow: &Predicate) -> Vec<String> {
    let inner = narrow.all.iter().flatten().flat_map(all_pairs);
    pairs(narrow).chain(inner).collect()
}

/// Returns the conditions on pairs, each prefixed with its kind, since a cookie and a header may print the same.
fn pairs(predicate: &Predicate) -> impl Iterator<Item = String> {
    let headers = predicate.headers.iter().flatten().map(|pair| format!("header {}", printed(pair)));
    let parameters =
        predicate.query_parameters.iter().flatten().map(|pair| format!("parameter {}", printed(pair)));
    let cookies = predicate.cookies.iter().flatten().map(|pair| format!("cookie {}", printed(pair)));
    headers.chain(parameters).chain(cookies)
}

/// Returns the JSON of a condition, which is the same for equal conditions.
pub fn printed(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn conjunction(wide: &Predicate, narrow: &Predicate) -> bool {
    // The narrow condition may be inside an `all`.
    if narrow.all.iter().flatten().any(|inner| conjunction(wide, inner)) {
        return true;
    }
    let strings = [
        (wide.path.as_ref(), narrow.path.as_ref()),
        (wide.authority.as_deref(), narrow.authority.as_deref()),
        (wide.route.as_deref(), narrow.route.as_deref()),
        (wide.virtual_host.as_deref(), narrow.virtual_host.as_deref()),
        (wide.cluster.as_deref(), narrow.cluster.as_deref()),
    ];
    let methods = wide.methods.as_ref().is_none_or(|wide| {
        let listed = |narrow: &str| wide.iter().any(|method| method.as_str() == narrow);
        narrow.methods.as_ref().is_some_and(|narrow| narrow.iter().all(|method| listed(method.as_str())))
    });
    let calls = wide.grpc.as_ref().is_none_or(|wide| {
        narrow.grpc.as_ref().is_some_and(|narrow| {
            string(wide.service.as_ref(), narrow.service.as_ref())
                && string(wide.method.as_ref(), narrow.method.as_ref())
        })
    });
    strings.iter().all(|(wide, narrow)| string(*wide, *narrow))
        && methods
        && calls
        && among(&wide.headers, &narrow.headers)
        && among(&wide.query_parameters, &narrow.query_parameters)
        && among(&wide.cookies, &narrow.cookies)
        && same(&wide.source, &narrow.source)
        && same(&wide.node, &narrow.node)
        && same(&wide.direction, &narrow.direction)
        && same(&wide.not, &narrow.not)
        && wide.all.iter().flatten().all(|inner| conjunction(inner, narrow))
        && wide.any.as_ref().is_none_or(|any| any.iter().any(|inner| conjunction(inner, narrow)))
}

/// Returns whether each condition of `wide` is also one of `narrow`.
fn among<T: Serialize>(wide: &Option<Vec<T>>, narrow: &Option<Vec<T>>) -> bool {
    if wide.iter().flatten().next().is_none() {
        return true;
    }
    let narrow: Vec<String> = narrow.iter().flatten().map(printed).collect();
    wide.iter().flatten().all(|condition| narrow.contains(&printed(condition)))
}

fn same<T: Serialize>(wide: &Option<T>, narrow: &Option<T>) -> bool {
    wide.as_ref().is_none_or(|wide| narrow.as_ref().is_some_and(|narrow| printed(wide) == printed(narrow)))
}

fn string(wide: Option<&StringMatcher>, narrow: Option<&StringMatcher>) -> bool {
    let Some(wide) = wide else { return true };
    narrow.is_some_and(|narrow| implied(wide, narrow))
}

/// Lowercases `narrow` if `wide` ignores case: matchers that ignore case store their text in lower case already.
fn folded<'n>(wide: &StringMatcher, narrow: &'n str) -> Cow<'n, str> {
    match wide.ignores_case() {
        true => Cow::Owned(narrow.to_ascii_lowercase()),
        false => Cow::Borrowed(narrow),
    }
}

fn implied(wide: &StringMatcher, narrow: &StringMatcher) -> bool {
    if narrow.ignores_case() && !wide.ignores_case() {
        return false;
    }
    match (wide.pattern(), narrow.pattern()) {
        (Pattern::Regex(_), Pattern::Regex(_)) => printed(wide) == printed(narrow),
        (_, Pattern::Exact(text)) => wide.matches(text.as_bytes()),
        (Pattern::Prefix(head), Pattern::Prefix(narrow)) => folded(wide, narrow).starts_with(head.as_str()),
        (Pattern::Suffix(tail), Pattern::Suffix(narrow)) => folded(wide, narrow).ends_with(tail.as_str()),
        (
            Pattern::Contains(part),
            Pattern::Prefix(narrow) | Pattern::Suffix(narrow) | Pattern::Contains(narrow),
        ) => folded(wide, narrow).contains(part.as_str()),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::expect_used, reason = "a test may fail")]
mod tests {
    use super::covers;
    use crate::decode::Decoder;
    use crate::decode::json::Json;
    use crate::predicate::Predicate;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    fn predicate(text: &str) -> Predicate {
        Decoder::decode(&Json::parse(text.as_bytes()).expect("JSON")).expect("a predicate")
    }

    /// Returns whether the first covers the second, and the second the first.
    fn both(one: &str, other: &str) -> (bool, bool) {
        let (one, other) = (predicate(one), predicate(other));
        (covers(Some(&one), Some(&other)), covers(Some(&other), Some(&one)))
    }

    #[test]
    fn a_wider_condition_covers_a_narrower_one_and_not_the_other_way_round() {
        let pairs = [
            ("{}", r#"{"methods": ["GET"]}"#),
            (r#"{"path": {"prefix": "/A", "ignore_case": true}}"#, r#"{"path": {"prefix": "/a"}}"#),
            (r#"{"path": {"prefix": "/a"}}"#, r#"{"path": {"prefix": "/a/b"}}"#),
            (r#"{"path": {"prefix": "/A", "ignore_case": true}}"#, r#"{"path": {"exact": "/a/b"}}"#),
            (r#"{"path": {"safe_regex": "/a/.*"}}"#, r#"{"path": {"exact": "/a/b"}}"#),
            (r#"{"methods": ["GET", "PUT"]}"#, r#"{"methods": ["PUT"], "path": {"prefix": "/a"}}"#),
            (r#"{"headers": [{"name": "a"}]}"#, r#"{"headers": [{"name": "b"}, {"name": "a"}]}"#),
            (r#"{"path": {"contains": "b"}}"#, r#"{"all": [{"path": {"prefix": "/a/b"}}]}"#),
            (r#"{"any": [{"methods": ["GET"]}, {"methods": ["PUT"]}]}"#, r#"{"methods": ["PUT"]}"#),
            (r#"{"grpc": {}}"#, r#"{"grpc": {"service": {"exact": "a"}}}"#),
        ];
        for (wide, narrow) in pairs {
            assert_eq!(both(wide, narrow), (true, false), "{wide} and {narrow}");
        }
    }

    #[test]
    fn conditions_that_only_look_alike_do_not_cover_each_other() {
        let pairs = [
            (r#"{"path": {"suffix": "a"}}"#, r#"{"path": {"prefix": "a"}}"#),
            (r#"{"headers": [{"name": "a"}]}"#, r#"{"headers": [{"name": "a", "present_match": false}]}"#),
            (r#"{"not": {"methods": ["GET"]}}"#, r#"{"methods": ["PUT"]}"#),
        ];
        for (one, other) in pairs {
            assert_eq!(both(one, other), (false, false), "{one} and {other}");
        }
        assert_eq!(both(r#"{"direction": "inbound"}"#, r#"{"direction": "inbound"}"#), (true, true));
    }
}
