//! The contents that a document may have, and the formats in which it may arrive.

use crate::common;

use brownout_core::Plan;
use brownout_core::decode::json::Json;
use brownout_core::document::mode::Mode;
use common::{mistakes, plan, printed, suffering};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn nothing_blanks_and_an_empty_object_do_nothing() {
    for document in ["", " \n\t ", "{}", " {} ", r#"{"rules":[]}"#, r#"{"rules":null,"mode":null}"#] {
        let plan = plan(document);
        assert!(plan.is_idle() && plan.rules().is_empty() && plan.mode() == Mode::Inject, "{document}");
    }
    assert!(
        plan(&suffering(r#""delay":{"fixed_delay":"1s"}"#).replacen('{', r#"{"mode":"off","#, 1)).is_idle()
    );
}

/// Contains every field of this release, as it is printed, so this also tests a round trip.
#[test]
fn a_document_with_everything_prints_as_it_was_written() {
    let document = concat!(
        r#"{"mode":"shadow","rules":[{"name":"slow-checkout","mode":"off","match":{"headers":["#,
        r#"{"name":"x-user","string_match":{"exact":"Anna"},"invert_match":true,"#,
        r#""treat_missing_header_as_empty":true},"#,
        r#"{"name":":path","string_match":{"safe_regex":"/a|/b\\?.*"}},"#,
        r#"{"name":"x-size","range_match":{"start":-5,"end":9223372036854775807}},"#,
        r#"{"name":"x-gone","present_match":false}],"path":{"prefix":"/pay"},"methods":["POST","QUERY"],"#,
        r#""authority":{"suffix":".example","ignore_case":true}},"percentage":12.5,"#,
        r#""delay":{"fixed_delay":"1.5s","percentage":0.0001},"#,
        r#""abort":{"http_status":503,"body":"no","headers":{"retry-after":"30","set-cookie":["a=1","b=2"]},"#,
        r#""percentage":50}},{"name":"0","percentage":100,"abort":{"grpc_status":"UNAVAILABLE"}}]}"#,
    );
    assert_eq!(printed(&plan(document)), document);
}

#[test]
fn other_spellings_mean_the_same() {
    let plain = concat!(
        r#"{"mode":"off","rules":[{"name":"r","match":{"headers":[{"name":"x-m","string_match":{"safe_regex":"a"},"#,
        r#""invert_match":true,"treat_missing_header_as_empty":false},"#,
        r#"{"name":"n","range_match":{"start":0,"end":5}}]},"percentage":5,"delay":{"fixed_delay":"60s"},"#,
        r#""abort":{"grpc_status":"CANCELLED","headers":{"x-a":["1","2"]}}}]}"#,
    );
    let other = concat!(
        r#" {"mode":false,"rules":[{"percentage":{"numerator":5.0,"denominator":"HUNDRED"},"name":"r","#,
        r#""abort":{"grpcStatus":1e0,"httpStatus":null,"headers":{"X-A":"1","x-a":"2"},"percentage":null},"#,
        r#""delay":{"fixedDelay":"1m"},"mode":null,"match":{"headers":[{"stringMatch":{"safeRegex":{"regex":"a"}},"#,
        r#""invertMatch":true,"name":"X-M","treatMissingHeaderAsEmpty":false,"presentMatch":null},"#,
        r#"{"rangeMatch":{"end":"5"},"name":"n"}]}}]}"#,
    );
    assert_eq!(printed(&plan(other)), plain);
    assert_eq!(printed(&plan(plain)), plain);
}

#[test]
fn a_rule_can_do_less_than_its_document_and_never_more() {
    for (document, rule, idle) in [
        ("inject", "off", true),
        ("inject", "shadow", false),
        ("shadow", "off", true),
        ("off", "inject", true),
        ("off", "shadow", true),
    ] {
        let text = format!(
            r#"{{"mode":"{document}","rules":[{{"name":"r","mode":"{rule}","percentage":1,"abort":{{"http_status":500}}}}]}}"#
        );
        assert_eq!(plan(&text).is_idle(), idle, "{text}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (document, said) in [
        ("{", "document: not valid JSON: EOF while parsing an object (line 1, column 1)"),
        ("{\n  \"mode\" \"off\"}", "document: not valid JSON: expected `:` (line 2, column 10)"),
        ("{\"rules\": [\n1,\n]}", "document: not valid JSON: trailing comma (line 3, column 1)"),
        ("{} {}", "document: not valid JSON: trailing characters (line 1, column 4)"),
        ("mode: off", "document: not valid JSON: expected value (line 1, column 1)"),
        ("\u{feff}{}", "document: not valid JSON: expected value (line 1, column 1)"),
        ("{\"mode\": 1e999}", "document: not valid JSON: number out of range (line 1, column 14)"),
        ("{'mode': 1}", "document: not valid JSON: key must be a string (line 1, column 2)"),
    ] {
        assert_eq!(mistakes(document), [said], "{document}");
    }
    assert_eq!(
        mistakes(b"{\"mode\": \"\xff\"}"),
        ["document: not valid JSON: invalid unicode code point (line 1, column 11)"]
    );
    assert_eq!(
        mistakes("[".repeat(100_000)),
        ["document: not valid JSON: recursion limit exceeded (line 1, column 128)"]
    );
}

#[test]
fn a_document_may_have_a_mebibyte_and_no_more() {
    let mut document = "{}".to_owned() + &" ".repeat(1024 * 1024 - 2);
    assert!(plan(&document).is_idle());
    document.push(' ');
    assert_eq!(
        mistakes(document),
        ["document: document too long: 1048577 bytes, at most 1048576 are allowed"]
    );
}

/// `{"mode": "off"}` as a serialized Struct.
const STRUCT: &[u8] = b"\x0a\x0d\x0a\x04mode\x12\x05\x1a\x03off";

#[test]
fn a_struct_is_decoded() {
    assert_eq!(printed(&Plan::from_json(STRUCT).unwrap()), r#"{"mode":"off"}"#);
    let two = [STRUCT, b"\x0a\x0f\x0a\x09per_route\x12\x02\x20\x01"].concat();
    assert_eq!(printed(&Plan::from_json(&two).unwrap()), r#"{"mode":"off","per_route":true}"#);
}

/// A field of a Struct: its tag and length, then its key and value.
fn entry(key: &str, value: &[u8]) -> Vec<u8> {
    let delimited = |tag: u8, bytes: &[u8]| {
        assert!(bytes.len() < 16_384, "two bytes of length are enough here");
        let length = u8::try_from(bytes.len() & 0x7f).unwrap() | 0x80;
        [&[tag, length, u8::try_from(bytes.len() >> 7).unwrap()], bytes].concat()
    };
    delimited(0x0a, &[delimited(0x0a, key.as_bytes()), delimited(0x12, value)].concat())
}

#[test]
fn numbers_lists_and_objects_of_a_struct_are_decoded_as_they_were_written() {
    let number = |value: f64| [&[0x11], value.to_le_bytes().as_slice()].concat();
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
    let object = |fields: &[u8]| [&[0x2a, length(fields)], fields].concat();
    let list = |item: &[u8]| {
        let items = [&[0x0a, length(item)], item].concat();
        [&[0x32, length(&items)], items.as_slice()].concat()
    };
    for (written, shown) in [(12.5, "12.5"), (100.0, "100"), (0.0001, "0.0001"), (33.3333, "33.3333")] {
        let rule = [
            entry("name", b"\x1a\x01a"),
            entry("percentage", &number(written)),
            entry("reset", &object(b"")),
        ];
        let document = entry("rules", &list(&object(&rule.concat())));
        let expected = format!(r#"{{"rules":[{{"name":"a","percentage":{shown},"reset":{{}}}}]}}"#);
        assert_eq!(printed(&Plan::from_json(&document).unwrap()), expected);
    }
}

#[test]
fn a_struct_that_cannot_be_decoded_is_called_one() {
    let said = concat!(
        "document: the configuration was sent as a protobuf Struct that cannot be decoded: expected a StringValue with ",
        "the document as JSON text; write `configuration: {\"@type\": type.googleapis.com/google.protobuf.StringValue, ",
        "value: '{…}'}`"
    );
    // A value longer than 127 bytes, of a kind that there is not.
    let long = [b"\x0a\xce\x01\x0a\x04mode\x12\xc5\x01\x7a\xc2\x01".as_slice(), &[b'x'; 194]].concat();
    assert_eq!(mistakes(long), [said]);
    let nested = (0..200).fold(b"\x20\x01".to_vec(), |value, _| {
        let fields = entry("all", &value);
        let length =
            [u8::try_from(fields.len() & 0x7f).unwrap() | 0x80, u8::try_from(fields.len() >> 7).unwrap()];
        [&[0x2a], length.as_slice(), &fields].concat()
    });
    assert_eq!(mistakes(entry("rules", &nested)), [said]);
    assert_eq!(
        mistakes(&STRUCT[..14]),
        ["document: not valid JSON: expected value (line 3, column 1)"],
        "cut short, it is not one"
    );
}

#[test]
fn json_cut_short_after_blank_lines_is_not_called_a_struct() {
    assert_eq!(
        mistakes("\n\n{\"rules\":["),
        ["document: not valid JSON: EOF while parsing a list (line 3, column 10)"]
    );
}

#[test]
fn the_root_is_an_object() {
    for (document, found) in
        [("null", "null"), ("[]", "a list"), ("5", "`5`"), ("\"{}\"", "`{}`"), ("true", "`true`")]
    {
        let said = format!("document: invalid value: found {found}, expected an object");
        assert_eq!(mistakes(document), [said]);
    }
}

#[test]
fn a_document_parsed_elsewhere_passes_the_same_checks() {
    let text = suffering(r#""delay":{"fixed_delay":"1s"}"#);
    let value = Json::parse(text.as_bytes()).unwrap();
    assert_eq!(printed(&Plan::from_value(&value).unwrap()), text);
    let wrong = Json::Object(vec![("mode".into(), Json::Bool(true)), ("mode".into(), Json::Null)]);
    let said: Vec<String> = Plan::from_value(&wrong).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "mode: field `mode` given twice",
            "mode: invalid mode: found `true`, expected `inject`, `shadow` or `off`"
        ]
    );
}
