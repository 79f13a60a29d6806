//! The values that the faults of a rule may have.

use crate::common;

use common::{about_faults, mistakes, plan, suffering};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn a_rule_does_something() {
    for rule in [r#"{"name":"r","percentage":1}"#, r#"{"name":"r","percentage":1,"abort":null,"delay":null}"#]
    {
        let said = mistakes(format!("{{\"rules\":[{rule}]}}")).join("\n");
        assert!(
            said.starts_with("rules[0]: the rule has no fault; add `request`, `delay`, `abort`, "),
            "{said}"
        );
    }
}

#[test]
fn an_abort_has_one_status() {
    for status in ["200", "599", "5.03e2", "503.0"] {
        plan(&suffering(&format!(r#""abort":{{"http_status":{status}}}"#)));
    }
    for (abort, said) in [
        (
            r#"{"http_status":199}"#,
            "abort.http_status: invalid HTTP status: found `199`, expected 200 to 599",
        ),
        (
            r#"{"http_status":600}"#,
            "abort.http_status: invalid HTTP status: found `600`, expected 200 to 599",
        ),
        (r#"{"http_status":-1}"#, "abort.http_status: invalid HTTP status: found `-1`, expected 200 to 599"),
        (
            r#"{"http_status":200.5}"#,
            "abort.http_status: invalid HTTP status: found `200.5`, expected a number from 200 to 599",
        ),
        (
            r#"{"http_status":"503"}"#,
            "abort.http_status: invalid HTTP status: found `503`, expected a number from 200 to 599",
        ),
        (
            r#"{"grpc_status":17}"#,
            "abort.grpc_status: invalid gRPC status: found `17`, expected a gRPC status: 0 to 16, or a name such as \
             `\"UNAVAILABLE\"`",
        ),
        (
            r#"{"grpc_status":"unavailable"}"#,
            "abort.grpc_status: invalid gRPC status: found `unavailable`, expected a gRPC status: 0 to 16, or a name such \
             as `\"UNAVAILABLE\"`; did you mean `UNAVAILABLE`?",
        ),
        (
            r#"{"grpc_status":"14"}"#,
            "abort.grpc_status: invalid gRPC status: found `14`, expected a gRPC status: 0 to 16, or a name such as \
             `\"UNAVAILABLE\"`",
        ),
        (r#"{"http_status":500,"body":5}"#, "abort.body: invalid value: found `5`, expected a string"),
        ("503", "abort: invalid value: found `503`, expected an object"),
    ] {
        assert_eq!(about_faults(&format!("\"abort\":{abort}")), [said], "{abort}");
    }
    // What else could say it grows with the releases.
    for (abort, said) in [
        ("{}", "abort: an abort needs a status: expected one of `http_status`"),
        (r#"{"http_status":500,"grpc_status":14}"#, "abort: an abort has one status: `http_status`"),
    ] {
        let found = about_faults(&format!("\"abort\":{abort}"));
        assert!(found.len() == 1 && found[0].starts_with(said), "{found:?}");
    }
    let body = |length| format!(r#""abort":{{"http_status":500,"body":"{}"}}"#, "x".repeat(length));
    plan(&suffering(&body(65_536)));
    assert_eq!(
        about_faults(&body(65_537)),
        ["abort.body: body too long: 65537 bytes, at most 65536 are allowed"]
    );
}

#[test]
fn a_delay_lasts_longer_than_nothing_and_at_most_an_hour() {
    plan(&suffering(r#""delay":{"fixed_delay":"1ns"}"#));
    plan(&suffering(r#""delay":{"fixed_delay":"1h"}"#));
    for (delay, said) in [
        (
            r#"{"fixed_delay":"0.5ns"}"#,
            "delay.fixed_delay: invalid duration: a zero delay has no effect; remove `delay`, or set a longer \
             duration",
        ),
        (r#"{"fixed_delay":"61m"}"#, "delay.fixed_delay: duration too long: `61m` is more than one hour"),
        (
            r#"{"fixed_delay":250}"#,
            "delay.fixed_delay: invalid duration: found `250`, expected a duration such as `\"250ms\"` or `\"1.5s\"`; give \
             it a unit: `\"250ms\"` or `\"250s\"`",
        ),
        (r#""1s""#, "delay: invalid value: found `1s`, expected an object"),
    ] {
        assert_eq!(about_faults(&format!("\"delay\":{delay}")), [said], "{delay}");
    }
}

/// Nothing that a document says may write a header, or a second reply, that it was not asked for.
#[test]
fn a_reply_header_can_neither_be_smuggled_nor_break_the_message() {
    let control = |found: &str| {
        format!("abort.headers.x: invalid header value: `{found}` contains a control character")
    };
    let derived = |name: &str| {
        format!("abort.headers.{name}: `{name}` cannot be set: the proxy derives it from the message")
    };
    for (headers, said) in [
        (r#"{"x":"a\r\nset-cookie: b"}"#, control(r"a\r\nset-cookie: b")),
        (r#"{"x":"a\nb"}"#, control(r"a\nb")),
        (r#"{"x":"a\rb"}"#, control(r"a\rb")),
        (r#"{"x":"a\u0000b"}"#, control(r"a\0b")),
        (r#"{"x":"\u001b[31m"}"#, control(r"\u{1b}[31m")),
        (r#"{"x":"\u007f"}"#, control(r"\u{7f}")),
        (r#"{":status":"200"}"#, "abort.headers.:status: pseudo-headers cannot be set".into()),
        (r#"{"content-length":"0"}"#, derived("content-length")),
        (r#"{"transfer-encoding":"chunked"}"#, derived("transfer-encoding")),
        (r#"{"connection":"close"}"#, derived("connection")),
        (r#"{"upgrade":"h2c"}"#, derived("upgrade")),
        (
            r#"{"Content-Length":"0"}"#,
            "abort.headers.Content-Length: `content-length` cannot be set: the proxy derives it from the message".into(),
        ),
        (r#"{"a b":"1"}"#, "abort.headers.a b: invalid header name: `a b` is not a header name (RFC 9110)".into()),
        (r#"{"a:":"1"}"#, "abort.headers.a:: invalid header name: `a:` is not a header name (RFC 9110)".into()),
        (r#"{"ä":"1"}"#, "abort.headers.ä: invalid header name: `ä` is not a header name (RFC 9110)".into()),
        (r#"{"":"1"}"#, "abort.headers.: invalid header name: `` is not a header name (RFC 9110)".into()),
        (r#"{"x":5}"#, "abort.headers.x: invalid header value: found `5`, expected a string or a list of strings".into()),
        (r#"{"x":null}"#, "abort.headers.x: invalid header value: found null, expected a string or a list of strings".into()),
        (r#"{"x":["1",2]}"#, "abort.headers.x[1]: invalid value: found `2`, expected a string".into()),
        (r#"[]"#, "abort.headers: invalid headers: found a list, expected an object of header names and values".into()),
    ] {
        let faults = format!(r#""abort":{{"http_status":500,"headers":{headers}}}"#);
        assert_eq!(about_faults(&faults), [said], "{headers}");
    }
    let both = r#""abort":{"http_status":500,"headers":{":path":"a\nb","x":["\r","ok","\n"]}}"#;
    assert_eq!(
        about_faults(both),
        [
            "abort.headers.:path: pseudo-headers cannot be set",
            r"abort.headers.:path: invalid header value: `a\nb` contains a control character",
            r"abort.headers.x[0]: invalid header value: `\r` contains a control character",
            r"abort.headers.x[2]: invalid header value: `\n` contains a control character",
        ]
    );
    plan(&suffering(
        r#""abort":{"http_status":500,"headers":{"x":"tab\there, ünïcode","Set-Cookie":["a","b"],"y":""}}"#,
    ));
}

fn headers(count: usize, value: &str) -> String {
    let list: Vec<String> = (0..count).map(|number| format!("\"x-{number}\":{value}")).collect();
    format!(r#""abort":{{"http_status":500,"headers":{{{}}}}}"#, list.join(","))
}

#[test]
fn reply_headers_are_limited_in_number_and_length() {
    plan(&suffering(&headers(64, "\"1\"")));
    assert_eq!(
        about_faults(&headers(65, "\"1\"")),
        ["abort.headers: too many headers: 65 of them, at most 64 are allowed"]
    );
    plan(&suffering(&headers(1, &format!("\"{}\"", "v".repeat(8192)))));
    assert_eq!(
        about_faults(&headers(1, &format!("\"{}\"", "v".repeat(8193)))),
        ["abort.headers.x-0: header value too long: 8193 bytes, at most 8192 are allowed"]
    );
}

#[test]
fn a_list_of_values_counts_as_so_many_headers() {
    assert_eq!(
        about_faults(&headers(1, &format!("[{}\"1\"]", "\"1\",".repeat(64)))),
        ["abort.headers: too many headers: 65 of them, at most 64 are allowed"]
    );
}
