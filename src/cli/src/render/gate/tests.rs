//! A gate lets in whatever a rule matches: every predicate here is asked about every request here, and so is its gate,
//! as Envoy's matcher would.

use super::need::Need;
use super::question::{Compare, Question};
use crate::request::{Request, Url};
use brownout_core::decode::Decoder;
use brownout_core::decode::json::Json;
use brownout_core::predicate::Predicate;

const HEADER: [&str; 18] = [
    r#"{"name": "x-a"}"#,
    r#"{"name": "X-A", "string_match": {"exact": "a"}}"#,
    r#"{"name": "x-a", "string_match": {"exact": "A", "ignore_case": true}}"#,
    r#"{"name": "x-a", "string_match": {"exact": ""}}"#,
    r#"{"name": "x-a", "string_match": {"exact": "b,a"}}"#,
    r#"{"name": "x-a", "string_match": {"prefix": "a"}}"#,
    r#"{"name": "x-a", "string_match": {"prefix": "B", "ignore_case": true}}"#,
    r#"{"name": "x-a", "string_match": {"suffix": "b"}}"#,
    r#"{"name": "x-a", "string_match": {"contains": "B", "ignore_case": true}}"#,
    r#"{"name": "x-a", "string_match": {"safe_regex": "a|b"}}"#,
    r#"{"name": "x-a", "range_match": {"start": 1, "end": 9}}"#,
    r#"{"name": "x-a", "string_match": {"exact": "a"}, "invert_match": true}"#,
    r#"{"name": "x-a", "present_match": false, "invert_match": true}"#,
    r#"{"name": "x-a", "present_match": true}"#,
    r#"{"name": ":path", "string_match": {"exact": "/pay?a=1"}}"#,
    r#"{"name": ":method", "string_match": {"exact": "POST"}}"#,
    r#"{"name": ":authority", "string_match": {"suffix": ":80"}}"#,
    r#"{"name": "host", "string_match": {"prefix": "shop"}}"#,
];

/// These may hold for a request without the header.
const HEADER_NOT_NEEDED: [&str; 4] = [
    r#"{"name": "x-a", "present_match": false}"#,
    r#"{"name": "x-a", "invert_match": true}"#,
    r#"{"name": "x-a", "string_match": {"exact": "a"}, "treat_missing_header_as_empty": true}"#,
    r#"{"name": "x-a", "present_match": true, "treat_missing_header_as_empty": true}"#,
];

const OTHER: [&str; 20] = [
    r#"{"path": {"exact": "/pay"}}"#,
    r#"{"path": {"prefix": "/P", "ignore_case": true}}"#,
    r#"{"path": {"suffix": "ay"}}"#,
    r#"{"path": {"contains": "a"}}"#,
    r#"{"authority": {"exact": "shop"}}"#,
    r#"{"authority": {"suffix": "op"}}"#,
    r#"{"methods": ["PUT", "POST"]}"#,
    r#"{"cookies": [{"name": "a"}]}"#,
    r#"{"cookies": [{"name": "a", "string_match": {"exact": "1"}}]}"#,
    r#"{"cookies": [{"name": "a", "string_match": {"exact": ""}}]}"#,
    r#"{"grpc": {}}"#,
    r#"{"grpc": {"service": {"exact": "shop.v1.Cart"}}}"#,
    r#"{"grpc": {"service": {"prefix": "shop"}, "method": {"exact": "Add"}}}"#,
    r#"{"grpc": {"service": {"exact": "SHOP.v1.cart", "ignore_case": true}}}"#,
    r#"{"any": [{"path": {"exact": "/pay"}}, {"headers": [{"name": "x-a"}]}]}"#,
    r#"{"all": [{"methods": ["POST"]}, {"route": {"exact": "r"}}]}"#,
    r#"{"path": {"exact": "/pay"}, "headers": [{"name": "x-a"}], "not": {"methods": ["GET"]}}"#,
    r#"{"all": [{"any": [{"methods": ["POST"]}, {"methods": ["POST"]}]}], "cookies": [{"name": "b"}]}"#,
    r#"{"any": [{"methods": ["GET"]}, {"all": [{"authority": {"exact": "shop"}}, {"path": {"prefix": "/"}}]}]}"#,
    r#"{"headers": [{"name": "x-a", "present_match": false}], "methods": ["GET"]}"#,
];

const OTHER_NOT_NEEDED: [&str; 10] = [
    "{}",
    r#"{"route": {"exact": "r"}}"#,
    r#"{"path": {"safe_regex": "/.*"}}"#,
    r#"{"authority": {"safe_regex": ".*"}}"#,
    r#"{"query_parameters": [{"name": "a"}]}"#,
    r#"{"cookies": [{"name": "a", "present_match": false}]}"#,
    r#"{"direction": "inbound"}"#,
    r#"{"not": {"headers": [{"name": "x-a"}]}}"#,
    r#"{"any": [{"path": {"exact": "/pay"}}, {"route": {"exact": "r"}}]}"#,
    r#"{"source": {"cidrs": ["10.0.0.0/8"]}}"#,
];

fn predicate(text: &str) -> Predicate {
    let json = Json::parse(text.as_bytes()).expect("JSON");
    Decoder::decode(&json).unwrap_or_else(|mistakes| panic!("{text}: {mistakes:?}"))
}

fn headers(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| format!(r#"{{"headers": [{text}]}}"#)).collect()
}

fn requests() -> Vec<Request> {
    let values: [&[&[u8]]; 12] = [
        &[],
        &[b""],
        &[b"a"],
        &[b"A"],
        &[b"ab"],
        &[b"b", b"a"],
        &[b"a", b"b"],
        &[b"b,a"],
        &[b"\xff"],
        &[b"5"],
        &[b"bc", b"ab"],
        &[b"ab", b"7"],
    ];
    let cookies: [&[&[u8]]; 4] = [&[], &[b"a"], &[b"b=2; a=1"], &[b"c=3", b"a=1;b"]];
    let types: [&[&[u8]]; 4] = [&[], &[b"text/plain"], &[b"application/grpc"], &[b"application/grpc+proto"]];
    let mut all = Vec::new();
    for path in ["/", "/pay", "/pay?a=1", "/PAY#a", "/shop.v1.Cart/Add"] {
        for (method, authority) in [("GET", "shop"), ("POST", "shop:80"), ("PUT", "other")] {
            for values in values {
                for cookies in cookies {
                    for types in types {
                        let url = Url {
                            scheme: "http".into(),
                            authority: authority.into(),
                            path: path.into(),
                            user: None,
                        };
                        let mut request = Request::new(method, &url);
                        values.iter().for_each(|value| request.add("x-a", value));
                        cookies.iter().for_each(|value| request.add("cookie", value));
                        types.iter().for_each(|value| request.add("content-type", value));
                        all.push(request);
                    }
                }
            }
        }
    }
    all
}

/// Evaluates like Envoy's matcher: the values of a header are joined, and a missing header matches nothing.
fn lets_in(need: &Need, request: &Request) -> bool {
    match need {
        Need::All(needs) => needs.iter().all(|need| lets_in(need, request)),
        Need::Any(needs) => needs.iter().any(|need| lets_in(need, request)),
        Need::Question(question) => {
            let values = request.headers.iter().filter(|(name, _)| *name == question.header);
            let values: Vec<&[u8]> = values.map(|(_, value)| value.as_slice()).collect();
            !values.is_empty() && holds(question, &values.join(&b','))
        }
    }
}

fn holds(question: &Question, value: &[u8]) -> bool {
    let fold = |bytes: &[u8]| if question.ignore_case { bytes.to_ascii_lowercase() } else { bytes.to_vec() };
    let value = fold(value);
    match &question.compare {
        Compare::Present => true,
        Compare::Exact(text) => value == fold(text.as_bytes()),
        Compare::Prefix(text) => value.starts_with(&fold(text.as_bytes())),
        Compare::Suffix(text) => value.ends_with(&fold(text.as_bytes())),
        Compare::Contains(text) => {
            let text = fold(text.as_bytes());
            value.windows(text.len()).any(|window| window == text)
        }
    }
}

#[test]
fn a_gate_lets_in_what_its_rule_matches_and_keeps_some_of_the_rest_out() {
    let requests = requests();
    let texts = headers(&HEADER).into_iter().chain(OTHER.map(str::to_owned));
    for text in texts {
        let predicate = predicate(&text);
        let need = Need::of(&predicate).unwrap_or_else(|| panic!("{text} needs something"));
        let (mut matched, mut kept_out) = (0, 0);
        for request in &requests {
            let (matches, passes) = (predicate.matches(request), lets_in(&need, request));
            assert!(passes || !matches, "{text}: {request:?} does not pass {need:?}");
            matched += usize::from(matches);
            kept_out += usize::from(!passes);
        }
        // What is asked of the route never holds here.
        assert!(matched > 0 || text.contains("route"), "{text} matches none of the requests");
        assert!(kept_out > 0, "{text}: {need:?} lets everything in");
    }
}

#[test]
fn what_may_hold_whatever_the_headers_are_needs_nothing() {
    let texts = headers(&HEADER_NOT_NEEDED).into_iter().chain(OTHER_NOT_NEEDED.map(str::to_owned));
    for text in texts {
        assert_eq!(Need::of(&predicate(&text)), None, "{text}");
    }
}

#[test]
fn a_need_says_each_thing_once_and_has_no_bracket_round_a_single_one() {
    let post = Need::Question(Question::compared(":method", Compare::Exact("POST".into())));
    let twice =
        r#"{"all": [{"any": [{"methods": ["POST"]}, {"methods": ["POST"]}]}, {"methods": ["POST"]}]}"#;
    assert_eq!(Need::of(&predicate(twice)), Some(post));
    let repeated = r#"{"headers": [{"name": "x-a", "string_match": {"prefix": "a"}}]}"#;
    let prefix = Question::compared("x-a", Compare::Prefix("a".into()));
    let joined = Question::compared("x-a", Compare::Contains(",".into()));
    let expected = Need::Any(vec![Need::Question(prefix), Need::Question(joined)]);
    assert_eq!(Need::of(&predicate(repeated)), Some(expected));
}
