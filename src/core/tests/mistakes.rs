//! The messages about an invalid document.

use crate::common;

use brownout_core::{Plan, Severity};
use common::{about_faults, about_match, matching, mistakes, plan, suffering, taking};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// One of each kind, in the order of the text.
#[test]
fn all_mistakes_are_told_at_once_and_in_order() {
    let document = r#"{
        "mode": "of",
        "rules": [
            {"name": "Slow", "match": {"headers": [{"name": "a b"}, 7, {"name": "x", "range_match": {"start": "1e3"}}]},
             "percentage": 101, "delay": {"fixed_delay": "0s"}, "abort": {"http_status": 600}},
            "rule",
            {"name": "twice", "percentage": 1, "abort": 503},
            {"name": "twice", "match": {"methods": ["get", ""]}, "percentage": "many", "delay": {"fixed_delay": 5}}
        ]
    }"#;
    let mut said = mistakes(document);
    // Names are compared by the whole list, before its elements are looked at one by one.
    let duplicate = "rules[3].name: rule name `twice` given twice: already used by `rules[2]`";
    said.retain(|line| line != duplicate);
    assert_eq!(
        said,
        [
            "mode: invalid mode: found `of`, expected `inject`, `shadow` or `off`",
            "rules[0].name: invalid rule name: found `Slow`; use 1 to 63 of `a-z`, `0-9`, `_`, `.` and `-`, beginning \
             with a letter or digit",
            "rules[0].match.headers[0].name: invalid header name: `a b` is not a header name (RFC 9110)",
            "rules[0].match.headers[1]: invalid value: found `7`, expected an object",
            "rules[0].match.headers[2].range_match.start: invalid bound: found `1e3`, expected a 64-bit integer",
            "rules[0].percentage: invalid percentage: `101` is more than 100",
            "rules[0].delay.fixed_delay: invalid duration: a zero delay has no effect; remove `delay`, or set a \
             longer duration",
            "rules[0].abort.http_status: invalid HTTP status: found `600`, expected 200 to 599",
            "rules[1]: invalid value: found `rule`, expected an object",
            "rules[2].abort: invalid value: found `503`, expected an object",
            "rules[3].match.methods[0]: invalid method: no client sends `get`; methods are case-sensitive: write `GET`",
            "rules[3].match.methods[1]: invalid method: found ``, expected a method such as `\"GET\"`",
            "rules[3].percentage: invalid percentage: found `many`, expected 0 to 100",
            "rules[3].delay.fixed_delay: invalid duration: found `5`, expected a duration such as `\"250ms\"` or \
             `\"1.5s\"`; give it a unit: `\"5ms\"` or `\"5s\"`",
        ]
    );
    assert!(mistakes(document).contains(&duplicate.to_owned()));
    let found = Plan::from_json(document.as_bytes()).unwrap_err();
    assert!(found.iter().all(|mistake| mistake.severity == Severity::Error && mistake.position.is_none()));
}

/// `Decoder::decode` promises the order of the text; it is that of the fields' declaration.
#[test]
fn mistakes_come_in_the_order_of_the_text_whatever_the_order_of_the_fields() {
    let said = mistakes(
        r#"{"rules":[{"abort":{"http_status":1},"percentage":-1,"name":"","x":0}],"mode":"of","y":0}"#,
    );
    let paths: Vec<&str> = said.iter().filter_map(|line| line.split(": ").next()).collect();
    assert_eq!(
        paths,
        ["rules[0].abort.http_status", "rules[0].percentage", "rules[0].name", "rules[0].x", "mode", "y"]
    );
}

#[test]
fn a_missing_field_is_told_with_the_reason_why_there_is_no_default() {
    assert_eq!(
        mistakes(r#"{"rules":[{"percentage":null,"abort":{"http_status":500}}]}"#),
        [
            "rules[0]: missing field `name`: expected a name such as `\"slow-checkout\"`; metrics, logs and the response \
             header identify the rule by its name",
            "rules[0]: missing field `percentage`: expected a percentage from 0 to 100; there is no default, since tools \
             disagree about it: write `100` for every request",
        ]
    );
    assert_eq!(
        about_match(r#"{"headers":[{"string_match":{"exact":"a"}}]}"#),
        ["headers[0]: missing field `name`: expected a header name"]
    );
    assert_eq!(
        about_match(r#"{"headers":[{"name":"a","string_match":{"safe_regex":{"regex":null}}}]}"#),
        ["headers[0].string_match.safe_regex: missing field `regex`: expected a string"]
    );
}

#[test]
fn an_unknown_field_is_told_with_the_one_that_was_probably_meant() {
    assert_eq!(about_match(r#"{"headers":[{"name":"a","invert_matc":true,"headerName":"b","":1}]}"#), {
        let expected = "expected `name`, `string_match`, `range_match`, `present_match`, `invert_match` or \
                            `treat_missing_header_as_empty`";
        [
            format!(
                "headers[0].invert_matc: unknown field `invert_matc`: {expected}; did you mean `invert_match`?"
            ),
            format!("headers[0].headerName: unknown field `headerName`: {expected}"),
            format!("headers[0].: unknown field ``: {expected}"),
        ]
    });
    assert_eq!(
        about_match(r#"{"path":{"prefix":"/a","ignoreCases":true}}"#),
        [
            "path.ignoreCases: unknown field `ignoreCases`: expected `exact`, `prefix`, `suffix`, `contains`, `safe_regex` or \
          `ignore_case`"
        ]
    );
    for document in [r#"{"rule":[]}"#, r#"{"Rules":[]}"#, r#"{"rulez":[]}"#] {
        let said = mistakes(document).join("\n");
        assert!(said.contains(": unknown field `") && said.ends_with("; did you mean `rules`?"), "{said}");
    }
}

#[test]
fn a_field_of_a_later_release_is_told_apart_from_an_unknown_one() {
    assert_eq!(
        mistakes(r#"{"stop":{}}"#),
        [
            "stop: unknown field `stop`: expected `mode`, `placement`, `experiment`, `rules`, `exclude`, `limits`, `stop_when`, \
             `per_route` or `report`",
        ]
    );
    assert_eq!(
        about_faults(r#""response":{"status":500,"trailers":{}}"#),
        ["response.trailers: `trailers` is not supported yet: not available in this release"]
    );
}

#[test]
fn a_field_given_twice_is_refused_in_either_spelling() {
    assert_eq!(
        mistakes(r#"{"mode":"off","mode":"off","rules":[],"rules":null}"#),
        ["mode: field `mode` given twice", "rules: field `rules` given twice"]
    );
    assert_eq!(
        about_faults(r#""abort":{"http_status":500,"httpStatus":500},"abort":{}"#),
        ["abort: field `abort` given twice", "abort.httpStatus: field `httpStatus` given twice"]
    );
    assert_eq!(
        about_match(r#"{"headers":[{"name":"a","presentMatch":null,"present_match":true}]}"#),
        ["headers[0].present_match: field `present_match` given twice"]
    );
}

#[test]
fn rules_are_named_once_and_fit_into_metrics_and_headers() {
    let rule = |name: &str| format!(r#"{{"name":"{name}","percentage":1,"abort":{{"http_status":500}}}}"#);
    let rules = |names: &[&str]| {
        format!("{{\"rules\":[{}]}}", names.iter().map(|name| rule(name)).collect::<Vec<_>>().join(","))
    };
    let longest = "a".repeat(63);
    assert_eq!(plan(&rules(&["0", "a.b_c-d", "z-", &longest])).rules().len(), 4);
    assert_eq!(
        mistakes(rules(&["a", "b", "a", "b", "a"])),
        [
            "rules[2].name: rule name `a` given twice: already used by `rules[0]`",
            "rules[3].name: rule name `b` given twice: already used by `rules[1]`",
            "rules[4].name: rule name `a` given twice: already used by `rules[0]`",
        ]
    );
    for (name, found) in [
        ("", ""),
        ("-a", "-a"),
        (".a", "."),
        ("A", "A"),
        ("a b", "a b"),
        ("ä", "ä"),
        ("a\\n", "a\\n"),
        ("a;b", "a;b"),
        (&"a".repeat(64), &("a".repeat(60) + "…")),
    ] {
        let said = mistakes(rules(&[name])).join("\n");
        assert!(said.starts_with(&format!("rules[0].name: invalid rule name: found `{found}")), "{said}");
    }
    assert_eq!(
        mistakes(r#"{"rules":[{"name":5,"percentage":1,"abort":{"http_status":500}}]}"#),
        ["rules[0].name: invalid value: found `5`, expected a string"]
    );
}

#[test]
fn rules_and_modes_of_the_wrong_type_are_refused() {
    assert_eq!(
        mistakes(r#"{"mode":true,"rules":{}}"#),
        [
            "mode: invalid mode: found `true`, expected `inject`, `shadow` or `off`",
            "rules: invalid rules: found an object, expected a list of rules",
        ]
    );
    assert_eq!(
        mistakes(r#"{"mode":"OFF","rules":[null]}"#),
        [
            "mode: invalid mode: found `OFF`, expected `inject`, `shadow` or `off`",
            "rules[0]: invalid value: found null, expected an object",
        ]
    );
    let many = format!("{{\"rules\":[{}0]}}", "0,".repeat(10_000));
    assert_eq!(mistakes(many), ["rules: too many rules: 10001 of them, at most 10000 are allowed"]);
}

#[test]
fn a_wrong_field_does_not_hide_that_others_are_missing_or_exclude_each_other() {
    let kinds = |said: Vec<String>| -> Vec<String> {
        said.iter().map(|line| line.splitn(3, ": ").take(2).collect::<Vec<_>>().join(": ")).collect()
    };
    assert_eq!(
        kinds(about_faults(r#""abort":{"http_status":600,"grpc_status":14}"#)),
        ["abort: an abort has one status", "abort.http_status: invalid HTTP status"]
    );
    assert_eq!(
        kinds(about_faults(r#""abort":{"body":5}"#)),
        ["abort: an abort needs a status", "abort.body: invalid value"]
    );
    assert_eq!(
        kinds(about_match(r#"{"path":{"ignore_case":1,"prefix":""}}"#)),
        ["path.ignore_case: invalid value", "path.prefix: empty pattern"]
    );
}

#[test]
fn matchers_that_say_too_much_or_too_little_are_refused() {
    for (predicate, said) in [
        (
            r#"{"path":{}}"#,
            "path: invalid string matcher: expected one of `exact`, `prefix`, `suffix`, `contains` or `safe_regex`",
        ),
        (
            r#"{"path":{"suffix":"b","exact":"a"}}"#,
            "path: invalid string matcher: `exact` and `suffix` exclude each other",
        ),
        (
            r#"{"path":{"suffix":"b","exact":"a","safeRegex":"c"}}"#,
            "path: invalid string matcher: `exact`, `suffix` and `safe_regex` exclude each other",
        ),
        (
            r#"{"path":"/pay"}"#,
            "path: invalid string matcher: found `/pay`, expected an object; say how to compare: `{\"exact\": \"/pay\"}`",
        ),
        (r#"{"path":{"prefix":""}}"#, "path.prefix: empty pattern: an empty `prefix` matches everything"),
        (
            r#"{"path":{"contains":""}}"#,
            "path.contains: empty pattern: an empty `contains` matches everything",
        ),
        (r#"{"path":{"exact":1}}"#, "path.exact: invalid value: found `1`, expected a string"),
        (
            r#"{"path":{"safe_regex":"a","ignore_case":true}}"#,
            "path.safe_regex: `ignore_case` has no effect on `safe_regex`; write `(?i)a`",
        ),
        (
            r#"{"path":{"safe_regex":"(","ignore_case":false}}"#,
            "path.safe_regex: invalid regular expression: unclosed group",
        ),
        (
            r#"{"headers":[{"name":"a","string_match":{"exact":"a"},"present_match":true}]}"#,
            "headers[0]: invalid header matcher: `string_match`, `range_match` and `present_match` exclude each other",
        ),
        (
            r#"{"headers":[{"name":"a","range_match":{"start":5,"end":5}}]}"#,
            "headers[0].range_match: empty range: no number is at least 5 and below 5",
        ),
        (
            r#"{"headers":[{"name":"a","range_match":{"end":0.5}}]}"#,
            "headers[0].range_match.end: invalid bound: found `0.5`, expected a 64-bit integer",
        ),
        (
            r#"{"headers":[{"name":"","present_match":1}]}"#,
            "headers[0].name: invalid header name: `` is not a header name (RFC 9110)\n\
             headers[0].present_match: invalid value: found `1`, expected `true` or `false`",
        ),
        (r#"{"headers":{"name":"a"}}"#, "headers: invalid value: found an object, expected a list"),
        (r#"{"methods":"GET"}"#, "methods: invalid value: found `GET`, expected a list"),
        (
            r#"{"methods":["A B"]}"#,
            "methods[0]: invalid method: found `A B`, expected a method such as `\"GET\"`",
        ),
    ] {
        assert_eq!(about_match(predicate).join("\n"), said, "{predicate}");
    }
    let longest = |length| format!(r#"{{"path":{{"prefix":"{}"}}}}"#, "/".repeat(length));
    plan(&matching(&longest(1024)));
    assert_eq!(
        about_match(&longest(1025)),
        ["path.prefix: pattern too long: 1025 bytes, at most 1024 are allowed"]
    );
}

/// 2⁶³ is accepted as 2⁶³ - 1, since they are the same as doubles.
#[test]
fn a_bound_beyond_64_bits_is_refused() {
    assert_eq!(
        about_match(r#"{"headers":[{"name":"a","range_match":{"end":9223372036854775808}}]}"#),
        ["headers[0].range_match.end: invalid bound: found `9223372036854775808`, expected a 64-bit integer"]
    );
}

#[test]
fn values_are_quoted_cut_and_escaped() {
    let sixty = "é".repeat(60);
    for (name, shown) in [
        (sixty.as_str(), sixty.as_str()),
        (&format!("{sixty}x"), &format!("{sixty}…")),
        (r"\u001b[2J\nrules", r"\u{1b}[2J\nrules"),
    ] {
        let said = mistakes(format!(r#"{{"mode":"{name}"}}"#));
        let expected = format!("mode: invalid mode: found `{shown}`, expected `inject`, `shadow` or `off`");
        assert_eq!(said, [expected]);
    }
}

/// No line break, no escape sequence, and no name of a mebibyte reaches the log.
#[test]
fn a_mistake_is_one_line_whatever_the_document_says() {
    let name = r"a\n\u001b[2J[info] all is well\r";
    for document in [
        format!(r#"{{"{name}":1}}"#),
        format!(r#"{{"rules":[{{"{name}":1}}]}}"#),
        format!(r#"{{"mode":"off","{name}":1,"{name}":2}}"#),
        format!(r#"{{"rules":[{{"name":"{name}"}},{{"name":"{name}"}}]}}"#),
        matching(&format!(r#"{{"path":"{name}"}}"#)),
        matching(&format!(r#"{{"path":{{"safe_regex":"{name}","ignore_case":true}}}}"#)),
        suffering(&format!(r#""abort":{{"http_status":500,"headers":{{"{name}":"1"}}}}"#)),
        format!(r#"{{"{}":1}}"#, "x".repeat(10_000)),
        matching(&format!(r#"{{"path":"{}"}}"#, "x".repeat(10_000))),
    ] {
        for line in mistakes(&document) {
            assert!(!line.contains(char::is_control), "{line:?}");
            assert!(line.len() < 1000, "{} bytes: {line:.100}…", line.len());
        }
    }
}

/// Returns an object with `count` unknown fields.
fn unknown_fields(count: usize) -> String {
    let fields: Vec<String> = (0..count).map(|number| format!("\"x{number}\":0")).collect();
    format!("{{{}}}", fields.join(","))
}

#[test]
fn a_hundred_mistakes_are_told_and_of_more_their_number() {
    assert_eq!(mistakes(unknown_fields(100)).len(), 100);
    for count in [101, 250] {
        let said = mistakes(unknown_fields(count));
        let told = said.iter().filter(|line| line.contains(": unknown field `")).count();
        assert_eq!(
            (said.len(), said.last()),
            (100, Some(&format!("document: too many mistakes to list: and {} more", count - told)))
        );
    }
}

/// If the work grew with the square of a mebibyte of fields, this test would take forever.
#[test]
fn an_object_of_many_fields_takes_no_longer_than_a_long_list() {
    assert_eq!(mistakes(unknown_fields(80_000)).len(), 100);
}

#[test]
fn wrong_outcomes_do_not_hide_that_a_rule_has_faults_too() {
    let said = mistakes(taking(r#""outcomes":[]"#));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|line| line.contains("a rule has either faults or outcomes")), "{said:?}");
}
