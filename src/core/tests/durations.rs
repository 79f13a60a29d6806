//! Durations as documents write them and as they are printed.

use brownout_core::decode::Decoder;
use brownout_core::decode::json::Json;
use brownout_core::value::duration::Written;
use std::time::Duration;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn read(json: &Json) -> Result<Duration, String> {
    let read = Decoder::decode::<Written>(json).map(Written::get);
    read.map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn text(text: &str) -> Result<Duration, String> {
    read(&Json::String(text.into()))
}

#[test]
fn envoys_and_gos_durations_are_read_exactly() {
    for (written, nanos) in [
        ("0s", 0),
        ("1s", 1_000_000_000),
        ("1.5s", 1_500_000_000),
        ("0.000000001s", 1),
        ("1.000000001s", 1_000_000_001),
        ("0.0000000019s", 1),
        ("1.50000000s", 1_500_000_000),
        ("250ms", 250_000_000),
        ("0.5ms", 500_000),
        (".5s", 500_000_000),
        ("5.s", 5_000_000_000),
        ("1us", 1_000),
        ("1.5\u{b5}s", 1_500),
        ("7ns", 7),
        ("0.9ns", 0),
        ("1m30s", 90_000_000_000),
        ("1m0.5s", 60_500_000_000),
        ("30s1m", 90_000_000_000),
        ("1s1s", 2_000_000_000),
        ("59m59s999ms999us999ns", 3_599_999_999_999),
        ("1h", 3_600_000_000_000),
        ("60m", 3_600_000_000_000),
        ("3600s", 3_600_000_000_000),
        ("0h0m3600.000s", 3_600_000_000_000),
        ("00000000000000000000001s", 1_000_000_000),
    ] {
        assert_eq!(text(written), Ok(Duration::from_nanos(nanos)), "{written}");
    }
}

/// Go reads both of Unicode's mu.
#[test]
fn the_greek_mu_is_a_micro_too() {
    assert_eq!(text("1.5\u{3bc}s"), Ok(Duration::from_nanos(1_500)));
}

#[test]
fn more_than_an_hour_is_refused() {
    for written in ["1h0m0.000000001s", "3600.000000001s", "61m", "2h", "3600001ms", "9999999999999999999s"] {
        let said = format!("document: duration too long: `{written}` is more than one hour");
        assert_eq!(text(written), Err(said));
    }
}

#[test]
fn what_is_no_duration_is_refused_with_what_was_found() {
    for written in [
        "", " ", "s", "1", "1.5", ".s", "1 s", " 1s", "1s ", "1S", "1.2.3s", "+1s", "1e3s", "1d", "1sec",
        "1s-1s", "1,5s", "PT1S", "1:30", "∞", "٣s", "1m30",
    ] {
        let said = format!(
            "document: invalid duration: found `{written}`, expected a duration such as `\"250ms\"` or `\"1.5s\"`"
        );
        assert_eq!(text(written), Err(said));
    }
    assert_eq!(text("-1s"), Err("document: invalid duration: `-1s` is negative".into()));
}

#[test]
fn no_length_of_digits_overflows() {
    for digits in [20, 30, 40, 400] {
        for unit in ["ns", "h"] {
            assert!(text(&format!("{}{unit}", "9".repeat(digits))).is_err());
        }
        assert!(text(&format!("{}1s", "9".repeat(digits) + "h")).is_err());
    }
}

#[test]
fn a_number_is_told_to_take_a_unit() {
    let number = |number: f64| Json::Number(serde_json::Number::from_f64(number).unwrap());
    assert_eq!(
        read(&number(1.5)),
        Err("document: invalid duration: found `1.5`, expected a duration such as `\"250ms\"` or `\"1.5s\"`; give it a \
             unit: `\"1.5ms\"` or `\"1.5s\"`"
            .into())
    );
    assert_eq!(
        read(&Json::Bool(true)),
        Err(
            "document: invalid duration: found `true`, expected a duration such as `\"250ms\"` or `\"1.5s\"`"
                .into()
        )
    );
}

#[test]
fn a_duration_prints_shortly_and_reads_back_as_itself() {
    for (nanos, printed) in [
        (0, "0s"),
        (1, "1ns"),
        (999, "999ns"),
        (1_000, "1us"),
        (1_001, "1.001us"),
        (1_500_000, "1.5ms"),
        (250_000_000, "250ms"),
        (1_000_000_000, "1s"),
        (1_500_000_000, "1.5s"),
        (1_050_000_000, "1.05s"),
        (1_000_500_000, "1000.5ms"),
        (1_000_000_001, "1000000.001us"),
        (90_000_000_000, "90s"),
        (3_600_000_000_000, "3600s"),
    ] {
        let written = Written::from(Duration::from_nanos(nanos));
        assert_eq!(written.to_string(), printed);
        assert_eq!(serde_json::to_string(&written).unwrap(), format!("\"{printed}\""));
        assert_eq!(text(printed), Ok(Duration::from_nanos(nanos)));
    }
    assert_eq!(Written::from(Duration::from_secs(7200)).to_string(), "3600s", "cut to the limit");
}
