//! Requests and patterns made to burn time. How long it takes is measured natively; in wasm there is no clock.
#![cfg(not(target_family = "wasm"))]

use crate::common;

use brownout_core::decode::Decoder;
use brownout_core::predicate::Predicate;
use brownout_core::view::Property;
use common::asked::Asked;
use common::{Head, Steps, about_match, json, matching, mistakes, taking};
use std::time::{Duration, Instant};

/// Twice Envoy's limit for all headers together.
const LONG: usize = 120 * 1024;
/// Linear work takes a small part of this, even unoptimised and on a busy machine. Quadratic work takes several times
/// as long, and exponential work does not end.
const DEADLINE: Duration = Duration::from_secs(15);

#[track_caller]
fn within_the_deadline<R>(what: &str, work: impl FnOnce() -> R) -> R {
    let begun = Instant::now();
    let result = work();
    assert!(begun.elapsed() < DEADLINE, "{what}: {:?}", begun.elapsed());
    result
}

fn predicate(text: &str) -> Predicate {
    Decoder::decode(&json(text)).unwrap_or_else(|found| panic!("{text}: {found:?}"))
}

#[test]
fn the_classic_bad_patterns_take_time_linear_in_the_value() {
    for (pattern, end) in [
        ("(a+)+b", "!"),
        ("(a*)*b", "!"),
        ("(a|a)*b", "!"),
        ("(a|aa)+b", "!"),
        ("(a|a?)+b", "!"),
        ("(.*)*x", "!"),
        ("(.*a){12}b", "!"),
        ("([a-zA-Z]+)*1", "!"),
        ("^(([a-z])+.)+[A-Z]([a-z])+$", "!"),
        ("(a?){25}a{25}", "b"),
        (".*.*.*.*=.*", "!"),
        ("a*a*a*a*a*a*b", "!"),
        ("(?:a|b|ab)*c", "abab"),
        ("(x+x+)+y", "x"),
    ] {
        let text = format!(r#"{{"headers":[{{"name":"h","string_match":{{"safe_regex":"{pattern}"}}}}]}}"#);
        let predicate = predicate(&text);
        let request = common::get(&[("h", &("a".repeat(LONG) + end))]);
        assert!(!within_the_deadline(pattern, || predicate.matches(&request)), "{pattern}");
    }
}

#[test]
fn no_pattern_that_is_accepted_holds_up_a_worker() {
    let compiled = |pattern: &str| {
        let text = format!(r#"{{"headers":[{{"name":"h","string_match":{{"safe_regex":"{pattern}"}}}}]}}"#);
        Decoder::decode::<Predicate>(&json(&text))
    };
    let request = common::get(&[("h", &("a".repeat(LONG / 4) + "\u{e9}"))]);
    for part in ["(?:.*a)", "(?:a?)", "(?:[a-z]*[a-z]*)", "(?:(?:a|b)*c?)"] {
        let accepted = (1..=50).rev().find_map(|tens| compiled(&format!("{part}{{{}}}", tens * 10)).ok());
        let predicate = accepted.expect("one that is accepted");
        within_the_deadline(part, || predicate.matches(&request));
    }
}

#[test]
fn patterns_that_explode_are_refused_before_they_do() {
    for pattern in [
        "(((a{100}){100}){100}){100}",
        "((((((a{9}){9}){9}){9}){9}){9}){9}",
        "(?:.*a){500}",
        "a{1000}{1000}",
        "((a|b|c|d){50}){50}",
        "[a-z]{5000}",
        "((((((((((x+)+)+)+)+)+)+)+)+)+){1000}",
    ] {
        let matcher = format!(r#"{{"path":{{"safe_regex":"{pattern}"}}}}"#);
        let said = within_the_deadline(pattern, || about_match(&matcher));
        let reason = "path.safe_regex: invalid regular expression: too large once compiled";
        assert_eq!(said, [reason], "{pattern}");
    }
}

#[test]
fn a_document_cannot_have_more_patterns_than_fit() {
    let header = r#"{"name":"h","string_match":{"safe_regex":"(?:.*ab?){20}"}}"#;
    let headers = vec![header; 10_000].join(",");
    let said = mistakes(matching(&format!(r#"{{"headers":[{headers}]}}"#)));
    let reason = "string_match.safe_regex: the document takes too much memory: more than 32 MiB once decoded";
    assert!(said.len() == 100 && said[..99].iter().all(|line| line.ends_with(reason)), "{said:#?}");
}

#[test]
fn headers_made_to_be_split_take_time_linear_in_their_length() {
    let pairs =
        |field: &str| predicate(&format!(r#"{{"{field}":[{{"name":"a","string_match":{{"exact":"1"}}}}]}}"#));
    let (query, cookies) = (pairs("query_parameters"), pairs("cookies"));
    for unit in
        ["&", "a&", "=", "a=b&", "%", "%25", "%2", "a=%31%32&", "#", "?", ";", "a=;", " ; ", "\t", "a"]
    {
        let text = unit.repeat(LONG / unit.len());
        let path = format!("/?{text}");
        let request = common::head(&[(":path", path.as_bytes()), ("cookie", text.as_bytes())]);
        assert!(!within_the_deadline(unit, || query.matches(&request)), "query of `{unit}`");
        assert!(!within_the_deadline(unit, || cookies.matches(&request)), "cookie of `{unit}`");
    }
}

#[test]
fn thousands_of_lines_of_one_header_take_time_linear_in_their_number() {
    let both = predicate(
        r#"{"headers":[{"name":"h","string_match":{"exact":"no"},"invert_match":true}],
            "cookies":[{"name":"a","present_match":false}]}"#,
    );
    let lines = [("h".to_owned(), b"".to_vec()), ("cookie".to_owned(), b"b".to_vec())];
    let request = Head { headers: lines.iter().cycle().take(LONG / 4).cloned().collect(), ..Head::default() };
    assert!(within_the_deadline("lines", || both.matches(&request)));
}

#[test]
fn keys_of_any_length_and_any_bytes_are_keys_or_none() {
    let long = |unit: &[u8]| unit.repeat(LONG / unit.len());
    for by in [
        r#"{"header":"h"}"#,
        r#"{"cookie":"a"}"#,
        r#"{"query_parameter":"a"}"#,
        r#"{"trace":{}}"#,
        r#"{"source_ip":{}}"#,
        r#"{"principal":{}}"#,
    ] {
        let document = taking(&format!(r#""percentage":50,"sample":{{"by":{by}}}"#));
        for unit in [&b"\xff"[..], b"\0", b"-", b"a=", b"%", b":", b"[", b"0", b"00-", b";a=\xff"] {
            let value = long(unit);
            let path = [b"/?a=", value.as_slice()].concat();
            let headers: [(&str, &[u8]); 6] = [
                (":path", &path),
                ("h", &value),
                ("cookie", &value),
                ("traceparent", &value),
                ("x-b3-traceid", &value),
                ("b3", &value),
            ];
            let request = Asked::of(common::head(&headers))
                .with(Property::SourceAddress, &value)
                .with(Property::PeerUriSan, &value);
            let status = || within_the_deadline(by, || common::proxy(&document, &[]).status(&request));
            assert_eq!(status(), status(), "{by} {unit:?}");
        }
    }
}

#[test]
fn no_property_is_too_odd_for_a_predicate() {
    let odd: [&[u8]; 11] = [
        b"\xff",
        b"\0",
        b":",
        b"[",
        b"[]",
        b"[]:1",
        b"[:]:1",
        b"1:2:3",
        b"%",
        b"10.0.0.1:",
        b"\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    let predicates = [
        r#"{"source":{"cidrs":["0.0.0.0/0","::/0"]}}"#,
        r#"{"direction":"inbound"}"#,
        r#"{"source":{"principal":{"safe_regex":"(a+)+"}}}"#,
        r#"{"route":{"suffix":"abc"}}"#,
    ]
    .map(predicate);
    for value in odd {
        let request =
            [Property::SourceAddress, Property::ListenerDirection, Property::PeerUriSan, Property::RouteName]
                .into_iter()
                .fold(Asked::get(&[]), |request, property| request.with(property, value));
        assert_eq!(
            predicates.each_ref().map(|predicate| predicate.matches(&request)),
            [false; 4],
            "{value:?}"
        );
    }
}
