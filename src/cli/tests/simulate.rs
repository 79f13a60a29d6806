//! `brownout simulate` as a black box: the documents in `simulate/`, and what is counted for each.

mod support;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Said, brownout, say};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/simulate")
}

fn simulate(arguments: &[&str]) -> Said {
    let mut command = brownout(&["simulate"]);
    command.args(arguments).current_dir(folder());
    say(command, b"")
}

const FIXED: [&str; 4] = ["--seed", "7", "--at", "2026-11-22T12:00:00Z"];

/// Compares with `NAME.out`: what is counted, then what is noted. `BROWNOUT_BLESS=1` writes it anew.
fn golden(name: &str, arguments: &[&str]) {
    let said = simulate(&[arguments, &FIXED].concat());
    assert_eq!(said.code, Some(0), "{name}: {}", said.stderr);
    let found = format!("{}{}", said.stdout, said.stderr);
    let path = folder().join(name).with_extension("out");
    if std::env::var_os("BROWNOUT_BLESS").is_some() {
        fs::write(&path, &found).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{name}: not as in {}", path.display());
    if !arguments.contains(&"json") {
        let wide: Vec<&str> = said.stdout.lines().filter(|line| line.chars().count() > 80).collect();
        assert_eq!(wide, Vec::<&str>::new(), "{name}");
    }
}

fn counted(arguments: &[&str]) -> Value {
    let said = simulate(&[arguments, &["--format", "json"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    serde_json::from_str(&said.stdout).expect("JSON")
}

#[test]
fn a_manifest_is_simulated_as_the_document_that_it_was_made_of() {
    let of = |file: &str| {
        let mut counted = counted(&[&[file, "--requests", "2000"][..], &FIXED].concat());
        counted.as_object_mut().expect("an object").remove("file").expect("its name");
        counted
    };
    assert_eq!(of("../../../../istio/envoyfilter-routes.yaml"), of("../../../../istio/faults.json"));
    assert_eq!(of("../../../../cilium/ciliumenvoyconfig.yaml"), of("../../../../cilium/faults.json"));
}

#[test]
fn it_stops_by_itself_when_the_backend_fails() {
    golden("stop_when", &["stop_when.yaml", "--requests", "2000", "--response-status", "500"]);
    let well = counted(&[&["stop_when.yaml", "--requests", "2000"][..], &FIXED].concat());
    assert_eq!(well["stopped_after_ms"], Value::Null);
}

#[test]
fn limits_and_schedules_are_seen_at_work() {
    golden("limits", &["limits.yaml", "--duration", "40s"]);
    golden("limits_json", &["limits.yaml", "--requests", "2000", "--duration", "40s", "--format", "json"]);
}

#[test]
fn for_every_way_of_choosing_a_request_is_made_up_with_keys_of_its_own() {
    golden("choices", &["choices.yaml", "--requests", "20000"]);
}

#[test]
fn every_fault_is_counted() {
    golden("faults", &["faults.yaml", "--requests", "14000"]);
    golden(
        "faults_5xx",
        &["faults.yaml", "--requests", "7000", "--response-status", "503", "--body-bytes", "8192"],
    );
}

#[test]
fn requests_that_are_brought_along_come_when_they_were_sent() {
    golden("har", &["shop.yaml", "--har", "shop.har"]);
    golden("access_log", &["shop.yaml", "--access-log", "lines.log", "--requests", "1000"]);
    golden(
        "request",
        &["shop.yaml", "--request", "/checkout", "-X", "PUT", "--requests", "1000", "--rate", "10"],
    );
}

#[test]
fn what_is_only_counted_is_told_apart() {
    golden("shadow", &["shadow.yaml", "--requests", "1000"]);
    golden("nothing", &["nothing.json", "--requests", "1000"]);
}

#[test]
fn rules_of_a_route_are_counted_under_their_names() {
    golden("of_route", &["shadow.yaml", "--requests", "1000", "--route-document", "route.json"]);
    golden("of_route_wrong", &["shadow.yaml", "--requests", "1000", "--route-document", "route_wrong.json"]);
}

/// A share is outside its interval one time in twenty, and never by more than three of its widths.
#[test]
fn what_is_observed_is_what_is_expected() {
    let whole = counted(&["choices.yaml", "--requests", "45000", "--seed", "1"]);
    let rules = whole["rules"].as_array().expect("a list");
    for rule in rules.iter().filter(|rule| rule["name"] != "impossible") {
        let expected = rule["expected_percentage"].as_f64().expect("it can be told");
        let [low, high] = [0, 1].map(|end| rule["interval_95"][end].as_f64().expect("a number"));
        let width = high - low;
        assert!(rule["matched"].as_u64().expect("a number") >= 4_000, "{rule:#}");
        assert!((low - 3.0 * width..high + 3.0 * width).contains(&expected), "{rule:#}");
    }
    let first = rules.iter().find(|rule| rule["name"] == "first-hundred").expect("it is there");
    assert_eq!(first["injected"], 100);
    assert_eq!(whole["no_request_for"], serde_json::json!(["impossible"]));
}

#[test]
fn a_limit_is_never_exceeded_and_what_it_spares_is_counted() {
    let document = r#"{"rules":[{"name":"r","percentage":100,"limits":{"max_active_faults":5},
        "delay":{"fixed_delay":"1s"}}]}"#;
    let file = tempfile::NamedTempFile::with_suffix(".json").expect("a file");
    fs::write(file.path(), document).expect("written");
    let name = file.path().to_str().expect("UTF-8");
    // Ten a second, each held for one: of ten, five find a place.
    let whole = counted(&[name, "--requests", "1000", "--rate", "10"]);
    assert_eq!(whole["waits"]["most_at_the_same_time"], 5);
    let [injected, overflow] = ["injected", "overflow"].map(|field| whole[field].as_u64().expect("a number"));
    assert_eq!(injected + overflow, 1000);
    assert!((450..=550).contains(&injected), "{injected}");
}

#[test]
fn a_seed_reproduces_a_simulation_byte_for_byte() {
    let start = ["--at", "2026-11-22T12:00:00Z", "--requests", "3000"];
    let run = |seed: &[&str]| simulate(&[["limits.yaml"].as_slice(), &start, seed].concat()).stdout;
    assert_eq!(run(&["--seed", "1"]), run(&["--seed", "1"]));
    assert_ne!(run(&["--seed", "1"]), run(&["--seed", "2"]));
    // The output shows the seed if none is given.
    let fresh = run(&[]);
    let (_, seed) = fresh.lines().next().expect("a line").split_once("seed ").expect("the seed");
    assert_eq!(run(&["--seed", seed]), fresh);
}

#[test]
fn number_rate_and_duration_say_each_other() {
    let pace = |arguments: &[&str]| {
        let whole = counted(&[["nothing.json"].as_slice(), arguments].concat());
        (whole["requests"].as_u64(), whole["rate"].as_f64(), whole["duration_ms"].as_f64())
    };
    assert_eq!(pace(&["--requests", "50", "--rate", "10"]), (Some(50), Some(10.0), Some(5000.0)));
    assert_eq!(pace(&["--requests", "50", "--duration", "100s"]), (Some(50), Some(0.5), Some(100_000.0)));
    assert_eq!(pace(&["--rate", "3", "--duration", "1m"]), (Some(180), Some(3.0), Some(60_000.0)));
    assert_eq!(pace(&["--duration", "2s"]), (Some(2000), Some(1000.0), Some(2000.0)));
}

#[test]
fn the_exit_code_tells_a_wrong_document_from_wrong_usage() {
    let wrong = simulate(&["route_wrong.json"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(1), ""));
    assert!(wrong.stderr.ends_with("route_wrong.json: 1 mistake\n"), "{}", wrong.stderr);
    for (arguments, expected) in [
        (["shop.yaml", "--har", "missing.har"].as_slice(), "cannot read `missing.har`"),
        (&["missing.yaml"], "cannot read `missing.yaml`"),
        (&["shop.yaml", "--rate", "0"], "expected a number of requests per second"),
        (
            &["shop.yaml", "--rate", "1", "--duration", "1s", "--requests", "1"],
            "--duration: give at most two of --requests, --rate and --duration",
        ),
        (&["shop.yaml", "--rate", "1", "--duration", "100ms"], "--duration: that makes no requests"),
    ] {
        let said = simulate(arguments);
        assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(said.stderr.contains(expected), "{}", said.stderr);
    }
}
