//! `HeaderMatcher` and `StringMatcher`: the expectations here were checked against Envoy 1.40.0.

use crate::common;

use brownout_core::decode::Decoder;
use brownout_core::decode::json::Json;
use brownout_core::predicate::header::HeaderMatcher;
use brownout_core::predicate::string::StringMatcher;
use common::{Head, json, mistakes};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn header(matcher: &str) -> HeaderMatcher {
    let fields = matcher.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("an object");
    let comma = if fields.is_empty() { "" } else { "," };
    let text = format!(r#"{{"name":"X-M"{comma}{fields}}}"#);
    Decoder::decode(&json(&text)).unwrap_or_else(|found| panic!("{text}: {found:?}"))
}

fn string(matcher: &str) -> StringMatcher {
    Decoder::decode(&json(matcher)).unwrap_or_else(|found| panic!("{matcher}: {found:?}"))
}

fn regex(pattern: &str) -> Result<StringMatcher, Vec<String>> {
    let matcher = Json::Object(vec![("safe_regex".into(), Json::String(pattern.into()))]);
    Decoder::decode(&matcher).map_err(|found| found.iter().map(ToString::to_string).collect())
}

/// Returns a request whose header `x-m` has these values, among unrelated headers.
fn with(values: &[&[u8]]) -> Head {
    let mut request = common::get(&[("x-m2", "a"), ("x", "4")]);
    request.headers.extend(values.iter().map(|value| ("x-m".into(), value.to_vec())));
    request
}

/// Plain, and with `invert_match`, `treat_missing_header_as_empty` and both.
fn four(matcher: &str) -> [HeaderMatcher; 4] {
    let comma = if matcher.is_empty() { "" } else { "," };
    let (inverted, treated) = (r#""invert_match":true"#, r#""treat_missing_header_as_empty":true"#);
    [
        format!("{{{matcher}}}"),
        format!("{{{matcher}{comma}{inverted}}}"),
        format!("{{{matcher}{comma}{treated}}}"),
        format!("{{{matcher}{comma}{inverted},{treated}}}"),
    ]
    .map(|text| header(&text))
}

/// What a header matcher says in the four settings of [`four`], of a header that is missing, `a`, empty, `4`, and `b`
/// and `a` on two lines.
fn table(matcher: &str) -> [String; 4] {
    let requests: [&[&[u8]]; 5] = [&[], &[b"a"], &[b""], &[b"4"], &[b"b", b"a"]];
    four(matcher).map(|matcher| {
        requests.iter().map(|values| if matcher.matches(&with(values)) { '+' } else { '-' }).collect()
    })
}

#[test]
fn a_missing_header_matches_no_value_inverted_or_not_unless_it_counts_as_empty() {
    for (matcher, expected) in [
        (r#""string_match":{"exact":"a"}"#, ["-+--+", "--++-", "-+--+", "+-++-"]),
        (r#""string_match":{"exact":""}"#, ["--+--", "-+-++", "+-+--", "-+-++"]),
        (r#""string_match":{"prefix":"a"}"#, ["-+--+", "--++-", "-+--+", "+-++-"]),
        (r#""range_match":{"start":1,"end":5}"#, ["---+-", "-++-+", "---+-", "+++-+"]),
        (r#""range_match":{"start":0,"end":1}"#, ["-----", "-++++", "-----", "+++++"]),
    ] {
        assert_eq!(table(matcher), expected, "{matcher}");
    }
}

#[test]
fn presence_is_about_the_header_and_not_about_its_values() {
    for (matcher, [plain, inverted]) in [
        (r#""present_match":true"#, ["-++++", "+----"]),
        (r#""present_match":false"#, ["+----", "-++++"]),
        ("", ["-++++", "+----"]),
    ] {
        assert_eq!(table(matcher)[..2], [plain, inverted], "{matcher}");
    }
}

#[test]
fn a_missing_header_that_counts_as_empty_is_present() {
    for (matcher, [plain, inverted]) in [
        (r#""present_match":true"#, ["+++++", "-----"]),
        (r#""present_match":false"#, ["-----", "+++++"]),
        ("", ["+++++", "-----"]),
    ] {
        assert_eq!(table(matcher)[2..], [plain, inverted], "{matcher}");
    }
}

#[test]
fn one_value_of_a_repeated_header_is_enough_and_values_are_not_joined() {
    for (matcher, values, expected) in [
        (r#""string_match":{"exact":"a"}"#, [b"a".as_slice(), b"b"].as_slice(), [true, false]),
        (r#""string_match":{"exact":"a"}"#, &[b"b", b"a"], [true, false]),
        (r#""string_match":{"exact":"a,b"}"#, &[b"a", b"b"], [false, true]),
        (r#""string_match":{"exact":"a,b"}"#, &[b"a,b"], [true, false]),
        (r#""string_match":{"exact":"a"}"#, &[b"a,b"], [false, true]),
        (r#""string_match":{"safe_regex":"a.*b"}"#, &[b"a", b"b"], [false, true]),
        (r#""range_match":{"start":1,"end":5}"#, &[b"9", b"4"], [true, false]),
        (r#""range_match":{"start":1,"end":5}"#, &[b"x", b"4"], [true, false]),
    ] {
        let [plain, inverted, ..] = four(matcher);
        assert_eq!(
            [plain.matches(&with(values)), inverted.matches(&with(values))],
            expected,
            "{matcher} {values:?}"
        );
    }
}

#[test]
fn a_range_has_its_start_and_not_its_end_and_takes_decimal_numbers_only() {
    let range = header(r#"{"range_match":{"start":1,"end":5}}"#);
    let inside = |value: &&&[u8]| range.matches(&with(&[value]));
    let values: [&[u8]; 24] = [
        b"1",
        b"4",
        b"+4",
        b"04",
        b"0000000000000000000000000004",
        b"5",
        b"0",
        b"-4",
        b"4.0",
        b"0x4",
        b"4a",
        b"4e0",
        b"",
        b"+",
        b"-",
        b"4 4",
        b"4,4",
        b"--4",
        b"+-4",
        b"4\0",
        b"\xff",
        b"4\xff",
        b"9223372036854775808",
        b"-9223372036854775809",
    ];
    assert_eq!(values.iter().filter(inside).copied().collect::<Vec<_>>(), values[..5]);
    let whole = header(r#"{"range_match":{"start":"-9223372036854775808","end":9223372036854775807}}"#);
    let ends: [&[u8]; 3] = [b"-9223372036854775808", b"9223372036854775806", b"9223372036854775807"];
    assert_eq!(ends.map(|value| whole.matches(&with(&[value]))), [true, true, false]);
}

#[test]
fn strings_compare_as_bytes_and_letters_in_either_case_only_if_asked() {
    for (matcher, value, expected) in [
        (r#"{"exact":"abc"}"#, "abc", true),
        (r#"{"exact":"abc"}"#, "abcd", false),
        (r#"{"exact":"abc"}"#, "aBc", false),
        (r#"{"prefix":"ab"}"#, "abc", true),
        (r#"{"prefix":"abcd"}"#, "abc", false),
        (r#"{"prefix":"B"}"#, "abc", false),
        (r#"{"suffix":"bc"}"#, "abc", true),
        (r#"{"suffix":"xabc"}"#, "abc", false),
        (r#"{"contains":"b"}"#, "abc", true),
        (r#"{"contains":"abc"}"#, "abc", true),
        (r#"{"contains":"ac"}"#, "abc", false),
        (r#"{"contains":"abcd"}"#, "abc", false),
        (r#"{"exact":"AbC","ignore_case":true}"#, "aBc", true),
        (r#"{"prefix":"AB","ignore_case":true}"#, "abc", true),
        (r#"{"suffix":"BC","ignore_case":true}"#, "abc", true),
        (r#"{"contains":"B","ignore_case":true}"#, "abc", true),
        (r#"{"contains":"@","ignore_case":true}"#, "`", false),
        (r#"{"exact":"É","ignore_case":true}"#, "É", true),
        (r#"{"exact":"É","ignore_case":true}"#, "é", false),
        (r#"{"prefix":"é"}"#, "éx", true),
    ] {
        assert_eq!(string(matcher).matches(value.as_bytes()), expected, "{matcher} {value}");
    }
    let odd: &[u8] = b"a\xff\0b";
    for (matcher, expected) in [
        (r#"{"exact":"a"}"#, false),
        (r#"{"prefix":"a"}"#, true),
        (r#"{"suffix":"b"}"#, true),
        (r#"{"suffix":"\u0000b"}"#, true),
        (r#"{"contains":"ab"}"#, false),
        (r#"{"contains":"ÿ"}"#, false),
        (r#"{"suffix":"B","ignore_case":true}"#, true),
    ] {
        assert_eq!(string(matcher).matches(odd), expected, "{matcher}");
    }
}

#[test]
fn a_regex_matches_the_whole_value_byte_by_byte() {
    for (pattern, value, expected) in [
        ("a|ab", b"ab".as_slice(), true),
        ("a|ab", b"a", true),
        ("a|ab", b"abc", false),
        ("a|ab", b"xab", false),
        ("ab|a", b"ab", true),
        ("^a", b"a", true),
        ("a$", b"a", true),
        ("^a|b$", b"ab", false),
        ("a", b"a\n", false),
        ("(?m)a$", b"a\nb", false),
        ("(?x)a # comment", b"a", true),
        ("(?x)a # comment", b"ab", false),
        ("(?x) a # one\n b # two", b"ab", true),
        ("(?i)ABC", b"abc", true),
        (r"\d+", b"12", true),
        (r"\d+", "٣".as_bytes(), false),
        (r"\w+", b"a_1", true),
        (r"\w+", "é".as_bytes(), false),
        ("a.c", b"abc", true),
        ("a.c", b"a\xffc", true),
        ("a.c", b"a\nc", false),
        ("(?s)a.c", b"a\nc", true),
        ("a.c", "aéc".as_bytes(), false),
        ("a..c", "aéc".as_bytes(), true),
        ("a.*", b"a\xc3\xff\0", true),
        ("a[^b]c", b"a\xffc", true),
        ("[^a]+", b"\xff\xfe", true),
        (r"\xffx", b"\xffx", true),
        ("(?:)", b"", true),
        ("(?:)", b"x", false),
    ] {
        let matcher = regex(pattern).unwrap_or_else(|found| panic!("{pattern}: {found:?}"));
        assert_eq!(matcher.matches(value), expected, "{pattern} {value:?}");
    }
}

/// regex-syntax calculates with classes and RE2 does not: in Envoy, each of these matches each of its characters.
#[test]
fn a_class_that_means_something_else_in_re2_is_refused() {
    let operator =
        "`&&`, `--` and `~~` inside brackets are not operators in Envoy: escape them with a backslash";
    let bracket = "brackets inside brackets are literal in Envoy: write `\\[`";
    for (pattern, reason) in [
        ("[a&&b]", operator),
        ("[a~~b]", operator),
        ("x|[a--b]", operator),
        ("[[a]b]", bracket),
        ("([^[a]])*", bracket),
    ] {
        let said = format!("safe_regex: invalid regular expression: {reason}");
        assert_eq!(regex(pattern).unwrap_err(), [said], "{pattern}");
    }
    for (pattern, value) in
        [("[a&b~-]+", "a&b~-"), (r"[\[a]+", "[a["), ("[[:digit:]]", "7"), (r"[\&\&]", "&")]
    {
        let matcher = regex(pattern).unwrap_or_else(|found| panic!("{pattern}: {found:?}"));
        assert!(matcher.matches(value.as_bytes()), "{pattern}");
    }
}

/// Envoy compares the bytes of the pattern with those of the value.
#[test]
fn a_regex_may_have_letters_beyond_ascii() {
    assert!(regex("é").expect("a regular expression").matches("é".as_bytes()));
    assert!(regex("caf(é|e)").expect("a regular expression").matches("café".as_bytes()));
}

#[test]
fn an_empty_regex_is_refused_as_in_envoy() {
    let said =
        regex("").map(|_| ()).map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
    let expected = "safe_regex: empty pattern: Envoy refuses it too; \
        write `\"exact\": \"\"` for the empty string, or `.*` for any";
    assert_eq!(said, Err(vec![expected.to_owned()]));
}

#[test]
fn bad_regexes_are_refused_with_the_reason() {
    for (pattern, reason) in [
        ("(", "unclosed group"),
        (")", "unopened group"),
        ("[a", "unclosed character class"),
        ("*", "repetition operator missing expression"),
        ("a{2,1}", "invalid repetition count range, the start must be <= the end"),
        (r"\", "incomplete escape sequence, reached end of pattern prematurely"),
        (r"(a)\1", "backreferences are not supported"),
        ("a(?=b)", "look-around, including look-ahead and look-behind, is not supported"),
        (r"\pL", "Unicode not allowed here"),
        (r"[\pL]", "Unicode not allowed here"),
        ("[é]", "Unicode not allowed here"),
        ("(?u)a", "Envoy does not support the flags `u` and `R`"),
        ("(?R:a)", "Envoy does not support the flags `u` and `R`"),
        ("a{10000000}", "too large once compiled"),
        (&"(a{1000})".repeat(9), "too large once compiled"),
        ("(((a{100}){100}){100}){100}", "too large once compiled"),
        (
            &("(".repeat(100) + "a" + &")".repeat(100)),
            "exceed the maximum number of nested parentheses/brackets (64)",
        ),
    ] {
        let said = format!("safe_regex: invalid regular expression: {reason}");
        assert_eq!(regex(pattern).unwrap_err(), [said], "{pattern}");
    }
    assert!(regex(&"a".repeat(1024)).is_ok());
    assert_eq!(
        regex(&"a".repeat(1025)).unwrap_err(),
        ["safe_regex: regular expression too long: 1025 bytes, at most 1024 are allowed"]
    );
}

/// A compiler that looks twice at what is repeated needs more steps for these than there are atoms, too.
#[test]
fn what_is_repeated_is_compiled_once_for_each_time_that_it_is_there() {
    for (inside, count) in [("a", "*"), ("a", "?"), ("", "{9}"), ("", "{9,}"), ("a", "{0}"), ("a{0}", "{9}")]
    {
        let pattern = format!("{}{inside}{}", "(?:".repeat(30), format!("){count}").repeat(30));
        let matcher = regex(&pattern).unwrap_or_else(|found| panic!("{pattern}: {found:?}"));
        assert_eq!([matcher.matches(b""), matcher.matches(b"b")], [true, false], "{pattern}");
    }
}

/// A backtracking matcher needs more steps for these than there are atoms: the test would not end.
#[test]
fn the_classic_catastrophes_end() {
    let a = |length: usize| [vec![b'a'; length], b"!".to_vec()].concat();
    for pattern in [
        "(a+)+",
        "(a*)*",
        "(a|a)*",
        "(a|aa)+",
        "(a|a?)+",
        "(.*a){20}",
        "(.*)*",
        r"([a-zA-Z]+)*",
        "(?:a?){99}a{99}",
        r"^(\w+\s?)*$",
        "(x+x+)+y",
        ".*.*=.*",
    ] {
        let matcher = regex(pattern).unwrap_or_else(|found| panic!("{pattern}: {found:?}"));
        // `.` takes the `!` too.
        let expected = pattern == "(.*)*";
        for length in [50, 5_000] {
            assert_eq!(matcher.matches(&a(length)), expected, "{pattern}");
        }
    }
}

#[test]
fn the_regexes_of_a_document_have_a_bounded_size_together() {
    let rules: Vec<String> = (0..6_000)
        .map(|number| {
            let matches = r#"{"path":{"safe_regex":"(?:a?){150}"}}"#;
            format!(
                r#"{{"name":"r{number}","match":{matches},"percentage":1,"abort":{{"http_status":500}}}}"#
            )
        })
        .collect();
    let said = mistakes(format!("{{\"rules\":[{}]}}", rules.join(",")));
    let refused = "the document takes too much memory: more than 32 MiB once decoded";
    assert_eq!(said.len(), 100);
    let other: Vec<_> = said[..99].iter().filter(|line| !line.ends_with(refused)).collect();
    assert_eq!(other, Vec::<&String>::new());
}
