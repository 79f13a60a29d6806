//! The questions that the engine asks of a request, and those it does not: each may be a host call.

use crate::common;

use brownout_core::engine::event::Event;
use brownout_core::view::Property;
use common::asked::Asked;
use common::{FIRST, Head, Move, SECOND, Steps, matching, taking};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The default exclusions, which are asked once a rule matches.
const EXCLUSIONS: [&str; 6] = [
    "user-agent",
    "user-agent",
    "user-agent",
    "user-agent",
    ":path",
    "x-envoy-upstream-healthchecked-cluster",
];

/// Returns what a request is asked by a document.
#[track_caller]
fn questions(document: &str, request: &Asked) -> Vec<String> {
    let mut worker = common::proxy(document, &[]);
    worker.clocks.wall_at("2026-11-22T13:00:00Z");
    let _ = worker.status(request);
    request.questions()
}

/// Returns `count` rules, made from one text in which `N` is replaced by the number.
fn rules(count: usize, rule: &str) -> String {
    let rule = |number: usize| {
        let rule = rule.replace('N', &number.to_string());
        format!(r#"{{"name":"r{number}",{rule},"percentage":100,"abort":{{"http_status":500}}}}"#)
    };
    format!(r#"{{"exclude":[],"rules":[{}]}}"#, (0..count).map(rule).collect::<Vec<_>>().join(","))
}

#[test]
fn a_document_without_a_live_rule_asks_nothing() {
    let named = r#""match":{"headers":[{"name":"a"}],"route":{"exact":"r"}}"#;
    for document in [
        "{}".to_owned(),
        r#"{"rules":[]}"#.into(),
        r#"{"per_route":false}"#.into(),
        rules(3, named).replacen('{', r#"{"mode":"off","#, 1),
        rules(30, named).replacen('{', r#"{"mode":"off","per_route":true,"#, 1),
        rules(3, &format!(r#""mode":"off",{named}"#)),
        rules(30, &format!(r#""mode":"off",{named}"#)),
        rules(3, &format!(r#""schedule":{{"not_before":"2027-01-01T00:00:00Z"}},{named}"#)),
        rules(3, &format!(r#""schedule":{{"not_after":"2026-01-01T00:00:00Z"}},{named}"#)),
        rules(3, r#""match":{"node":{"id":{"exact":"x"}},"headers":[{"name":"a"}]}"#),
        rules(
            30,
            r#""match":{"node":{"id":{"exact":"x"}},"headers":[{"name":"N","string_match":{"exact":"1"}}]}"#,
        ),
    ] {
        assert_eq!(questions(&document, &Asked::get(&[("a", "")])), [""; 0], "{document}");
    }
}

#[test]
fn a_request_is_asked_what_the_live_rules_name_until_one_does_not_hold() {
    let request = || {
        Asked::get(&[("a", "1"), ("b", "2"), ("cookie", "c=1"), ("content-type", "application/grpc")])
            .with(Property::RouteName, "pay")
            .with(Property::SourceAddress, "10.0.0.1:1")
    };
    for (predicate, expected) in [
        ("{}", &[][..]),
        (r#"{"methods":["GET"]}"#, &[":method"]),
        (r#"{"headers":[{"name":"c"},{"name":"a"}]}"#, &["c"]),
        (r#"{"headers":[{"name":"a"},{"name":"b"}]}"#, &["a", "b"]),
        // What is cheap comes first, whatever the order in the document.
        (r#"{"route":{"exact":"pay"},"headers":[{"name":"c"}],"methods":["GET"]}"#, &[":method", "c"]),
        (
            r#"{"all":[{"headers":[{"name":"a"}]}],"route":{"exact":"x"},"path":{"exact":"/"}}"#,
            &[":path", "RouteName"],
        ),
        (r#"{"source":{"cidrs":["11.0.0.0/8"],"principal":{"prefix":"x"}}}"#, &["SourceAddress"]),
        (r#"{"cluster":{"exact":"x"},"virtual_host":{"exact":"x"}}"#, &["VirtualHostName"]),
        (r#"{"grpc":{"service":{"exact":"x"}}}"#, &[":path"]),
        (r#"{"cookies":[{"name":"c"}],"direction":"inbound"}"#, &["cookie", "ListenerDirection"]),
        (r#"{"any":[{"headers":[{"name":"a"}]},{"route":{"exact":"pay"}}]}"#, &["a"]),
        (r#"{"any":[{"headers":[{"name":"c"}]},{"route":{"exact":"x"}}]}"#, &["c", "RouteName"]),
    ] {
        let document = matching(predicate).replacen('{', r#"{"exclude":[],"#, 1);
        assert_eq!(questions(&document, &request()), expected, "{predicate}");
    }
    let document = r#"{"exclude":[],"rules":[
        {"name":"a","match":{"headers":[{"name":"x"}]},"percentage":100,"abort":{"http_status":500}},
        {"name":"b","match":{"headers":[{"name":"b"}]},"percentage":100,"abort":{"http_status":500}},
        {"name":"c","match":{"headers":[{"name":"a"}]},"percentage":100,"abort":{"http_status":500}}]}"#;
    assert_eq!(
        questions(document, &request()),
        ["x", "b"],
        "later rules do not see what an earlier one took"
    );
}

#[test]
fn a_key_is_asked_for_only_if_something_can_come_of_it() {
    let by = |percentage: u32, by: &str| {
        taking(&format!(r#""percentage":{percentage},"sample":{{"by":{by}}}"#)).replacen(
            '{',
            r#"{"exclude":[],"#,
            1,
        )
    };
    for (key, expected) in [
        (r#"{"header":"X-User"}"#, &["x-user"][..]),
        (r#"{"cookie":"c"}"#, &["cookie"]),
        (r#"{"query_parameter":"q"}"#, &[":path"]),
        (r#"{"source_ip":{}}"#, &["SourceAddress"]),
        (r#"{"principal":{}}"#, &["PeerUriSan"]),
        (r#"{"trace":{}}"#, &["traceparent", "x-b3-traceid", "b3"]),
    ] {
        assert_eq!(questions(&by(50, key), &Asked::get(&[])), expected, "{key}");
        assert_eq!(questions(&by(0, key), &Asked::get(&[])), [""; 0], "{key}");
    }
}

#[test]
fn exclusions_are_asked_once_and_only_when_a_rule_matches() {
    let document = r#"{"rules":[
        {"name":"a","match":{"headers":[{"name":"a"}]},"percentage":0,"abort":{"http_status":500}},
        {"name":"b","match":{"headers":[{"name":"b"}]},"percentage":100,"abort":{"http_status":500}}]}"#;
    assert_eq!(questions(document, &Asked::get(&[])), ["a", "b"]);
    let asked = [&["a"], &EXCLUSIONS[..], &["b"]].concat();
    assert_eq!(questions(document, &Asked::get(&[("a", ""), ("b", "")])), asked);
    assert_eq!(
        questions(document, &Asked::get(&[("a", ""), ("user-agent", "Envoy/HC")])),
        ["a", "user-agent", "user-agent", "user-agent", "user-agent"]
    );
}

/// The path of a request and its one other header.
fn request(path: &str, name: &str, value: &str) -> Head {
    common::head(&[(":path", path.as_bytes()), (name, value.as_bytes())])
}

#[test]
fn health_probes_are_never_touched_unless_the_document_says_so() {
    let probes = [
        request("/", "user-agent", "kube-probe/1.33"),
        request("/healthz", "user-agent", "GoogleHC/1.0"),
        request("/", "user-agent", "ELB-HealthChecker/2.0"),
        request("/", "user-agent", "Envoy/HC"),
        request("/grpc.health.v1.Health/Check", "content-type", "application/grpc"),
        request("/grpc.health.v1.Health/Watch", "content-type", "application/grpc"),
        request("/", "x-envoy-upstream-healthchecked-cluster", "cart"),
        request("/", "x-envoy-upstream-healthchecked-cluster", ""),
    ];
    let others = [
        request("/", "user-agent", "curl/8"),
        request("/", "user-agent", "my kube-probe/1.33"),
        request("/", "user-agent", "Kube-Probe/1.33"),
        request("/healthz", "user-agent", ""),
        request("/grpc.health.v1.Healthy/Check", "content-type", "application/grpc"),
        request("/api/grpc.health.v1.Health/Check", "content-type", "application/grpc"),
    ];
    let everything = taking(r#""percentage":100"#);
    let mut worker = common::proxy(&everything, &[]);
    assert_eq!(probes.each_ref().map(|probe| worker.status(probe)), [0; 8]);
    assert_eq!(worker.events(), [], "they are not counted as matched");
    assert_eq!(others.each_ref().map(|other| worker.status(other)), [503; 6]);
    let mut worker = common::proxy(&everything.replacen('{', r#"{"exclude":[],"#, 1), &[]);
    assert_eq!(probes.each_ref().map(|probe| worker.status(probe)), [503; 8]);
    let own = r#"{"exclude":[{"path":{"prefix":"/admin"}},{"methods":["OPTIONS"]}],"#;
    let mut worker = common::proxy(&everything.replacen('{', own, 1), &[]);
    assert_eq!(worker.status(&probes[0]), 503, "its own exclusions replace the default ones");
    assert_eq!(worker.status(&request("/admin/x", "a", "")), 0);
    assert_eq!(worker.status(&common::head(&[(":method", b"OPTIONS")])), 0);
}

#[test]
fn an_excluded_request_is_nothing_to_any_rule() {
    let document = r#"{"exclude":[{"headers":[{"name":"x-keep"}]}],"rules":[
        {"name":"a","percentage":0,"abort":{"http_status":500}},
        {"name":"b","percentage":100,"sample":{"first":1},"abort":{"http_status":501}}]}"#;
    let mut worker = common::proxy(document, &[]);
    let statuses = [&[("x-keep", "")][..], &[], &[]].map(|headers| worker.status(&common::get(headers)));
    assert_eq!(statuses, [0, 501, 0], "it is not even counted by a rule that takes the first");
    let matched = worker.events().into_iter().filter(|event| matches!(event, Event::Matched(_)));
    let both = [Event::Matched(FIRST), Event::Matched(SECOND)];
    assert_eq!(matched.collect::<Vec<_>>(), [both.clone(), both].concat());
}
