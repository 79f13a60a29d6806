//! The maximum work for one request, whatever the document.

use crate::common;

use brownout_core::engine::event::Event;
use brownout_core::step::HeadersStep;
use common::{Head, Steps};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Returns a document with one rule per condition, each an abort with its own status, and a last rule for everything.
fn document(conditions: &[&str]) -> String {
    let rules = conditions.iter().enumerate().map(|(number, condition)| {
        let status = 400 + number % 100;
        format!(
            r#"{{"name":"r{number}","percentage":100,"match":{condition},"abort":{{"http_status":{status}}}}}"#
        )
    });
    let last = r#"{"name":"last","percentage":100,"abort":{"http_status":599}}"#.to_owned();
    format!(r#"{{"exclude":[],"rules":[{}]}}"#, rules.chain([last]).collect::<Vec<_>>().join(","))
}

/// Returns the status with which a request is aborted, and the number of times that matching gave up.
fn outcome(document: &str, request: &Head) -> (u16, usize) {
    let mut worker = common::proxy(document, &[]);
    let step = worker.request(1, request);
    let HeadersStep::Reply(reply) = step else { panic!("{step:?}") };
    let events = std::iter::from_fn(|| worker.next_event());
    (reply.status, events.filter(|event| *event == Event::GaveUp).count())
}

const PATTERN: &str = r#"{"headers":[{"name":"x","string_match":{"safe_regex":"(.*a)*b"}}]}"#;
const INVERTED: &str =
    r#"{"headers":[{"name":"x","string_match":{"safe_regex":"(.*a)*b"},"invert_match":true}]}"#;
const NEGATED: &str = r#"{"not":{"headers":[{"name":"x","string_match":{"safe_regex":"(.*a)*b"}}]}}"#;

#[test]
fn a_rule_of_which_it_would_take_too_long_does_not_match_inverted_or_not() {
    let long = "a".repeat(50_000) + "b";
    for condition in [PATTERN, INVERTED, NEGATED] {
        let found = outcome(&document(&[condition]), &common::get(&[("x", &long)]));
        assert_eq!(found, (599, 1), "{condition}");
    }
    let short = "a".repeat(50) + "b";
    for (condition, status) in [(PATTERN, 400), (INVERTED, 599), (NEGATED, 599)] {
        let found = outcome(&document(&[condition]), &common::get(&[("x", &short)]));
        assert_eq!(found, (status, 0), "{condition}");
    }
}

#[test]
fn a_hundred_patterns_for_a_path_of_usual_length_are_all_tried() {
    let conditions: Vec<String> =
        (0..100).map(|number| format!(r#"{{"path":{{"safe_regex":"/api/v{number}/.*"}}}}"#)).collect();
    let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
    let path = format!("/api/v99/{}", "x".repeat(100));
    let request = common::head(&[(":method", b"GET"), (":path", path.as_bytes()), (":authority", b"shop")]);
    assert_eq!(outcome(&document(&conditions), &request), (499, 0));
}

#[test]
fn rules_that_need_little_are_tried_after_one_that_would_need_too_much() {
    let cheap = r#"{"path":{"exact":"/"}}"#;
    let long = "a".repeat(50_000);
    let found = outcome(&document(&[PATTERN, PATTERN, cheap]), &common::get(&[("x", &long)]));
    // No budget is left after the first, not even for cheap conditions.
    assert_eq!(found, (599, 1));
}

#[test]
fn a_request_that_may_be_excluded_is() {
    let exclude =
        format!(r#"{{"exclude":[{PATTERN}],"rules":[{{"name":"all","percentage":100,"reset":{{}}}}]}}"#);
    let long = "a".repeat(50_000);
    let mut worker = common::proxy(&exclude, &[]);
    assert_eq!(worker.request(1, &common::get(&[("x", &long)])), HeadersStep::Continue);
    assert_eq!(worker.request(2, &common::get(&[("x", "a")])), HeadersStep::Reset);
}

#[test]
fn what_has_no_patterns_is_bounded_too() {
    let conditions: Vec<String> = (0..500)
        .map(|number| format!(r#"{{"headers":[{{"name":"x","string_match":{{"contains":"n{number}!"}}}}]}}"#))
        .chain((0..500).map(|number| format!(r#"{{"cookies":[{{"name":"n{number}"}}]}}"#)))
        .chain((0..500).map(|number| format!(r#"{{"query_parameters":[{{"name":"n{number}"}}]}}"#)))
        .collect();
    let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
    let long = "n".repeat(20_000);
    let path = format!("/?{}", "%25&".repeat(5_000));
    let request = common::head(&[
        (":method", b"GET"),
        (":path", path.as_bytes()),
        (":authority", b"shop"),
        ("x", long.as_bytes()),
        ("cookie", "a=1; ".repeat(4_000).as_bytes()),
    ]);
    assert_eq!(outcome(&document(&conditions), &request), (599, 1));
}
