//! Predicates, which select the requests that a rule is about.

use crate::common;

use brownout_core::decode::Decoder;
use brownout_core::predicate::Predicate;
use brownout_core::view::RequestView;
use common::{Head, json};
use std::cell::Cell;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn holds(predicate: &str, request: &Head) -> bool {
    let predicate: Predicate =
        Decoder::decode(&json(predicate)).unwrap_or_else(|found| panic!("{predicate}: {found:?}"));
    predicate.matches(request)
}

#[test]
fn header_names_are_those_of_http_in_any_case_and_parts_of_the_request_line() {
    let request = common::get(&[("x-m", "a")]);
    for (matcher, expected) in [
        (r#"{"name":"X-M"}"#, true),
        (r#"{"name":"x-m2"}"#, false),
        (r#"{"name":":method","string_match":{"exact":"GET"}}"#, true),
        (r#"{"name":":AUTHORITY","string_match":{"exact":"shop"}}"#, true),
        (r#"{"name":":path","string_match":{"exact":"/"}}"#, true),
        (r#"{"name":":path","present_match":false}"#, false),
    ] {
        assert_eq!(holds(&format!("{{\"headers\":[{matcher}]}}"), &request), expected, "{matcher}");
    }
}

fn line(method: &[u8], path: Option<&[u8]>, authority: &[u8]) -> Head {
    let mut headers: Vec<(&str, &[u8])> = vec![(":method", method), (":authority", authority)];
    headers.extend(path.map(|path| (":path", path)));
    common::head(&headers)
}

#[test]
fn a_path_is_compared_without_its_query_and_fragment() {
    let pay = r#"{"path":{"exact":"/pay"}}"#;
    let paths: [&[u8]; 11] = [
        b"/pay",
        b"/pay?",
        b"/pay?a=/b",
        b"/pay#c",
        b"/pay#c?d",
        b"/pay?a#b",
        b"/Pay",
        b"/pay/",
        b"/payx",
        b"?/pay",
        b"/pa\xff",
    ];
    let matching = |path: &&&[u8]| holds(pay, &line(b"GET", Some(path), b"shop"));
    assert_eq!(paths.iter().filter(matching).copied().collect::<Vec<_>>(), paths[..6]);
    let odd = line(b"GET", Some(b"/a\xff?b"), b"shop");
    assert!(holds(r#"{"path":{"safe_regex":"/a."}}"#, &odd));
    let query = r#"{"headers":[{"name":":path","string_match":{"suffix":"?a=/b"}}]}"#;
    assert!(holds(query, &line(b"GET", Some(b"/pay?a=/b"), b"shop")), "a header matcher sees the query");
}

#[test]
fn a_connect_request_has_no_path_and_matches_none() {
    let connect = line(b"CONNECT", None, b"shop:443");
    for (predicate, expected) in [
        ("{}", true),
        (r#"{"methods":["CONNECT"],"authority":{"exact":"shop"}}"#, true),
        (r#"{"path":{"exact":""}}"#, false),
        (r#"{"path":{"safe_regex":".*"}}"#, false),
        (r#"{"headers":[{"name":":path","present_match":false}]}"#, true),
        (r#"{"headers":[{"name":":path","string_match":{"prefix":"/"},"invert_match":true}]}"#, false),
    ] {
        assert_eq!(holds(predicate, &connect), expected, "{predicate}");
    }
}

#[test]
fn an_authority_is_compared_without_its_port() {
    for (authority, host) in [
        ("shop", "shop"),
        ("shop:8080", "shop"),
        ("shop:", "shop"),
        ("shop.example.:65535", "shop.example."),
        ("10.0.0.1:80", "10.0.0.1"),
        ("[::1]", "[::1]"),
        ("[::1]:8080", "[::1]"),
        ("[2001:db8::1]:443", "[2001:db8::1]"),
        ("2001:db8::1", "2001:db8::1"),
        ("::1", "::1"),
        ("shop:http", "shop:http"),
        ("shop:80x", "shop:80x"),
        ("", ""),
    ] {
        let matcher = format!(r#"{{"authority":{{"exact":"{host}"}}}}"#);
        assert!(holds(&matcher, &line(b"GET", Some(b"/"), authority.as_bytes())), "{authority}");
    }
    assert!(holds(r#"{"authority":{"prefix":"s"}}"#, &line(b"GET", None, b"s\xff:80")));
    assert!(!holds(r#"{"authority":{"exact":"shop"}}"#, &line(b"GET", None, b"SHOP")));
    assert!(holds(r#"{"authority":{"exact":"shop","ignore_case":true}}"#, &line(b"GET", None, b"SHOP")));
    let nobody = common::head(&[(":method", b"GET")]);
    assert!(!holds(r#"{"authority":{"safe_regex":".*"}}"#, &nobody));
}

#[test]
fn a_method_is_one_of_the_list_to_the_letter() {
    let methods = r#"{"methods":["GET","PURGE","M-SEARCH"]}"#;
    for (method, expected) in
        [("GET", true), ("PURGE", true), ("M-SEARCH", true), ("get", false), ("HEAD", false), ("", false)]
    {
        assert_eq!(holds(methods, &line(method.as_bytes(), Some(b"/"), b"shop")), expected, "{method}");
    }
    assert!(!holds(methods, &line(b"GET\xff", Some(b"/"), b"shop")));
    assert!(!holds(methods, &Head::default()));
}

#[test]
fn all_fields_of_a_predicate_and_all_of_its_headers_have_to_hold() {
    let predicate = r#"{"methods":["GET"],"path":{"prefix":"/p"},"authority":{"exact":"shop"},
        "headers":[{"name":"a"},{"name":"b","string_match":{"exact":"1"}}]}"#;
    let all: [(&str, &[u8]); 5] =
        [(":method", b"GET"), (":path", b"/p"), (":authority", b"shop"), ("a", b""), ("b", b"1")];
    assert!(holds(predicate, &common::head(&all)));
    for missing in 0..all.len() {
        let mut some = all.to_vec();
        some.remove(missing);
        assert!(!holds(predicate, &common::head(&some)), "without {}", all.map(|(name, _)| name)[missing]);
    }
    for nothing in ["{}", r#"{"headers":[]}"#, r#"{"headers":null,"path":null}"#] {
        assert!(holds(nothing, &Head::default()), "{nothing}");
    }
}

/// A view that counts what it is asked.
struct Counted(Head, Cell<usize>);

impl RequestView for Counted {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        self.1.set(self.1.get() + 1);
        self.0.any_value(name, test)
    }
}

#[test]
fn a_request_that_fails_early_is_asked_no_more() {
    let questions = |predicate: &str, request: Head| {
        let predicate: Predicate = Decoder::decode(&json(predicate)).expect(predicate);
        let view = Counted(request, Cell::new(0));
        (predicate.matches(&view), view.1.get())
    };
    let get = || common::get(&[("a", "1"), ("b", "2")]);
    assert_eq!(questions("{}", get()), (true, 0));
    assert_eq!(questions(r#"{"methods":["PUT"],"headers":[{"name":"a"}]}"#, get()), (false, 1));
    assert_eq!(questions(r#"{"headers":[{"name":"c"},{"name":"a"},{"name":"b"}]}"#, get()), (false, 1));
    assert_eq!(questions(r#"{"headers":[{"name":"a"},{"name":"b"}]}"#, get()), (true, 2));
}

#[test]
fn grpc_is_told_by_the_content_type() {
    for (content_type, expected) in [
        (Some("application/grpc"), true),
        (Some("application/grpc+proto"), true),
        (Some("application/grpc+"), true),
        (Some("application/grpc-web"), false),
        (Some("application/grpc;charset=utf-8"), false),
        (Some("application/grpcx"), false),
        (Some("application/json"), false),
        (Some(""), false),
        (None, false),
    ] {
        let headers: Vec<(&str, &str)> =
            content_type.map(|value| ("content-type", value)).into_iter().collect();
        assert_eq!(common::get(&headers).is_grpc(), expected, "{content_type:?}");
    }
}
