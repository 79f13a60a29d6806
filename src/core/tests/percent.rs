//! Shares of requests, to the last of a million.

use brownout_core::decode::Decoder;
use brownout_core::decode::json::Json;
use brownout_core::value::percent::{Denominator, FractionalPercent};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn decoded(json: &str) -> Result<FractionalPercent, Vec<String>> {
    let json = Json::parse(json.as_bytes()).expect("JSON");
    Decoder::decode(&json).map_err(|found| found.iter().map(ToString::to_string).collect())
}

fn refused(json: &str) -> String {
    decoded(json).expect_err(json).join("\n")
}

#[test]
fn a_decimal_is_exact_to_one_in_a_million() {
    for (json, millionths, printed) in [
        ("0", 0, "0"),
        ("0.0001", 1, "0.0001"),
        ("1e-4", 1, "0.0001"),
        ("0.0003", 3, "0.0003"),
        ("0.07", 700, "0.07"),
        ("1", 10_000, "1"),
        ("5.0", 50_000, "5"),
        ("5e0", 50_000, "5"),
        ("5e1", 500_000, "50"),
        ("12.5", 125_000, "12.5"),
        ("33.3333", 333_333, "33.3333"),
        ("66.6667", 666_667, "66.6667"),
        ("99.9999", 999_999, "99.9999"),
        ("100", 1_000_000, "100"),
        ("100.0000", 1_000_000, "100"),
        (r#""12.5""#, 125_000, "12.5"),
        (r#"" 12.50000000 ""#, 125_000, "12.5"),
        (r#""007""#, 70_000, "7"),
        (r#""5.""#, 50_000, "5"),
    ] {
        let share = decoded(json).unwrap_or_else(|found| panic!("{json}: {found:?}"));
        assert_eq!((share.to_string().as_str(), share.millionths()), (printed, millionths), "{json}");
        assert_eq!(
            decoded(&serde_json::to_string(&share).unwrap()),
            Ok(share),
            "{json} printed and read again"
        );
    }
}

#[test]
fn every_millionth_prints_and_reads_back_as_itself() {
    // A prime step: all last digits, in wasm within a second.
    for millionths in (0..=1_000_000).step_by(97) {
        let share = FractionalPercent::new(millionths, Denominator::Million);
        assert_eq!(decoded(&serde_json::to_string(&share).unwrap()), Ok(share));
        assert_eq!(decoded(&format!("\"{share}\"")).map(FractionalPercent::millionths), Ok(millionths));
    }
}

#[test]
fn what_is_no_percentage_is_refused_with_what_was_found() {
    for (json, said) in [
        ("100.0001", "document: invalid percentage: `100.0001` is more than 100"),
        ("101", "document: invalid percentage: `101` is more than 100"),
        ("99999999999", "document: invalid percentage: `99999999999` is more than 100"),
        ("-1", "document: invalid percentage: found `-1`, expected 0 to 100"),
        (r#""-0.5""#, "document: invalid percentage: found `-0.5`, expected 0 to 100"),
        (
            "0.00001",
            "document: invalid percentage: `0.00001` is finer than one in a million; use at most four decimals",
        ),
        (
            "12.34567",
            "document: invalid percentage: `12.34567` is finer than one in a million; use at most four decimals",
        ),
        (r#""""#, "document: invalid percentage: found ``, expected 0 to 100"),
        (r#"".5""#, "document: invalid percentage: found `.5`, expected 0 to 100"),
        (r#""+5""#, "document: invalid percentage: found `+5`, expected 0 to 100"),
        (r#""5%""#, "document: invalid percentage: found `5%`, expected 0 to 100"),
        (r#""5e0""#, "document: invalid percentage: found `5e0`, expected 0 to 100"),
        (r#""1.2.3""#, "document: invalid percentage: found `1.2.3`, expected 0 to 100"),
        (r#""NaN""#, "document: invalid percentage: found `NaN`, expected 0 to 100"),
        (r#""٣""#, "document: invalid percentage: found `٣`, expected 0 to 100"),
        (
            "true",
            "document: invalid percentage: found `true`, expected a number from 0 to 100, or `{\"numerator\": …, \
             \"denominator\": …}`",
        ),
        (
            "[5]",
            "document: invalid percentage: found a list, expected a number from 0 to 100, or `{\"numerator\": …, \
             \"denominator\": …}`",
        ),
    ] {
        assert_eq!(refused(json), said, "{json}");
    }
}

/// Numbers print with an exponent then.
#[test]
fn tiny_and_huge_numbers_are_called_what_they_are() {
    assert_eq!(
        refused("0.000001"),
        "document: invalid percentage: `1e-6` is finer than one in a million; use at most four decimals"
    );
    assert_eq!(refused("1e30"), "document: invalid percentage: `1e+30` is more than 100");
}

#[test]
fn a_fraction_has_envoys_three_denominators() {
    for (json, share) in [
        (r#"{"numerator":0}"#, FractionalPercent::NEVER),
        (r#"{"numerator":100}"#, FractionalPercent::ALWAYS),
        (r#"{"numerator":5,"denominator":"HUNDRED"}"#, FractionalPercent::new(5, Denominator::Hundred)),
        (r#"{"numerator":5.0,"denominator":null}"#, FractionalPercent::new(5, Denominator::Hundred)),
        (
            r#"{"denominator":"TEN_THOUSAND","numerator":10000}"#,
            FractionalPercent::new(10_000, Denominator::TenThousand),
        ),
        (r#"{"numerator":1,"denominator":"MILLION"}"#, FractionalPercent::new(1, Denominator::Million)),
        (
            r#"{"numerator":1e6,"denominator":"MILLION"}"#,
            FractionalPercent::new(1_000_000, Denominator::Million),
        ),
    ] {
        assert_eq!(decoded(json), Ok(share), "{json}");
    }
}

#[test]
fn a_fraction_is_refused_for_more_than_all_and_for_garbage() {
    for (json, said) in [
        (
            r#"{"numerator":101}"#,
            "numerator: invalid percentage: 101 of 100 is more than all requests; use at most 100, or a larger \
             denominator",
        ),
        (
            r#"{"numerator":10001,"denominator":"TEN_THOUSAND"}"#,
            "numerator: invalid percentage: 10001 of 10000 is more than all requests; use at most 10000, or a larger \
             denominator",
        ),
        (
            r#"{"numerator":-1}"#,
            "numerator: invalid numerator: found `-1`, expected a whole number from 0 to 100",
        ),
        (
            r#"{"numerator":0.5,"denominator":"MILLION"}"#,
            "numerator: invalid numerator: found `0.5`, expected a whole number from 0 to 1000000",
        ),
        (r#"{"denominator":"HUNDRED"}"#, "document: missing field `numerator`: expected a number"),
        ("{}", "document: missing field `numerator`: expected a number"),
        (
            r#"{"numerator":1,"denominator":"THOUSAND"}"#,
            "denominator: invalid denominator: found `THOUSAND`, expected `HUNDRED`, `TEN_THOUSAND` or `MILLION`",
        ),
        (
            r#"{"numerator":1,"denominator":100}"#,
            "denominator: invalid denominator: found `100`, expected `HUNDRED`, `TEN_THOUSAND` or `MILLION`",
        ),
        (
            r#"{"numerator":1,"numerater":2}"#,
            "numerater: unknown field `numerater`: expected `numerator` or `denominator`; did you mean `numerator`?",
        ),
    ] {
        assert_eq!(refused(json), said, "{json}");
    }
}

#[test]
fn a_fraction_with_two_mistakes_is_told_both() {
    assert_eq!(
        refused(r#"{"denominator":"PERCENT"}"#),
        "document: missing field `numerator`: expected a number\ndenominator: invalid denominator: found `PERCENT`, \
         expected `HUNDRED`, `TEN_THOUSAND` or `MILLION`"
    );
}

#[test]
fn a_draw_is_inside_by_its_remainder_as_in_envoy() {
    let five = FractionalPercent::new(5, Denominator::Hundred);
    let inside = |draw: u64| five.includes(draw);
    assert_eq!([0, 4, 5, 99, 100, 104, 105].map(inside), [true, true, false, false, true, true, false]);
    let least = FractionalPercent::new(1, Denominator::Million);
    assert_eq!((0..2_000_000).filter(|draw| least.includes(*draw)).collect::<Vec<_>>(), [0, 1_000_000]);
    for denominator in [Denominator::Hundred, Denominator::TenThousand, Denominator::Million] {
        let all = FractionalPercent::new(denominator.value(), denominator);
        let none = FractionalPercent::new(0, denominator);
        assert!(
            (all.is_always(), all.is_never()) == (true, false) && all.includes(u64::MAX) && all.includes(0)
        );
        assert!((none.is_always(), none.is_never()) == (false, true) && !none.includes(0));
    }
}
