//! `brownout import` as a black box: the inputs in `import/` and what is said about each.

#[path = "import/golden.rs"]
mod golden;
mod support;

use brownout_cli::import::{self, mapping::Table};
use golden::{folder, golden, run};
use std::fs;
use std::path::Path;
use support::{Said, brownout, say};

#[test]
fn every_field_of_an_http_fault_becomes_what_the_table_says() {
    golden("envoy", "every_field", &["every_field.yaml"]);
}

#[test]
fn json_in_camel_case_and_percentages_of_all_denominators_are_read() {
    golden("envoy", "camel_case", &["camel_case.json"]);
}

#[test]
fn what_never_fires_in_envoy_is_written_out_as_never() {
    golden("envoy", "never", &["never.yaml"]);
}

#[test]
fn an_empty_http_fault_does_nothing_and_so_does_the_document() {
    golden("envoy", "nothing", &["nothing.json"]);
}

#[test]
fn all_mistakes_of_an_http_fault_are_shown_on_their_lines() {
    golden("envoy", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn in_a_whole_listener_the_most_specific_fault_is_the_only_one() {
    golden("envoy", "listener", &["listener.yaml"]);
}

#[test]
fn listeners_with_different_fault_filters_need_a_document_each() {
    golden("envoy", "two_listeners", &["two_listeners.yaml"]);
}

#[test]
fn a_virtual_service_becomes_rules_in_its_order() {
    golden("istio", "reviews", &["reviews.yaml"]);
}

#[test]
fn every_field_of_a_virtual_service_becomes_what_the_table_says() {
    golden("istio", "every_field", &["every_field.yaml"]);
}

#[test]
fn a_gateway_gets_what_is_for_it_and_nothing_else() {
    golden("istio", "gateway", &["gateway.yaml", "--gateway", "public", "--namespace", "edge"]);
}

#[test]
fn all_mistakes_of_virtual_services_are_shown_on_their_lines() {
    golden("istio", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn a_partial_import_leaves_out_whatever_depends_on_what_it_cannot_import() {
    golden("istio", "partial", &["partial.yaml", "--partial"]);
    assert_eq!(run("istio", &["partial.yaml"]).code, Some(1));
}

#[test]
fn a_throttle_is_imported_whole() {
    let whole = run("envoy", &["throttle.yaml"]);
    assert_eq!((whole.code, run("envoy", &["throttle.yaml", "--partial"]) == whole), (Some(0), true));
    let document: serde_json::Value = serde_json::from_str(&whole.stdout).expect("JSON");
    let expected = serde_json::json!({ "fixed_limit": { "limit_kbps": 10 }, "percentage": 100 });
    assert_eq!(document["rules"][0]["response_rate_limit"], expected);
}

#[test]
fn programs_get_document_notes_and_mistakes_as_one_object() {
    let said = run("envoy", &["never.yaml", "--format", "json"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    let whole: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    let text = run("envoy", &["never.yaml"]).stdout;
    assert_eq!(whole["document"], serde_json::from_str::<serde_json::Value>(&text).expect("JSON"));
    assert_eq!(whole["diagnostics"], serde_json::json!([]));
    let first = serde_json::json!({
        "file": "never.yaml", "path": "typed_config.delay.fixed_delay", "line": 4, "column": 11,
        "message": "left out: Envoy counts whole milliseconds, and this is less than one",
    });
    assert_eq!(whole["notes"][0], first);
}

#[test]
fn programs_get_the_mistakes_of_a_wrong_input_and_no_document() {
    let said = run("istio", &["mistakes.yaml", "--format", "json"]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), ""));
    let whole: serde_json::Value = serde_json::from_str(&said.stdout).expect("JSON");
    assert_eq!(whole["document"], serde_json::Value::Null);
    let first = serde_json::json!({
        "file": "mistakes.yaml", "severity": "error", "code": "invalid-value", "path": "spec.hosts[0]",
        "line": 5, "column": 11, "message": "invalid host",
        "label": "`*` is for gateways: Istio rejects it for the mesh", "help": null,
    });
    assert_eq!(whole["diagnostics"][0], first);
}

#[test]
fn a_file_that_cannot_be_read_and_wrong_usage_end_in_2() {
    let said = run("envoy", &["missing.yaml"]);
    let expected = "error: cannot read `missing.yaml`: No such file or directory (os error 2)\n";
    assert_eq!(said, Said { code: Some(2), stdout: String::new(), stderr: expected.into() });
    assert_eq!(run("istio", &["reviews.yaml", "missing.yaml"]).code, Some(2));
    assert_eq!(run("istio", &[]).code, Some(2));
    assert_eq!(say(brownout(&["import", "chaos", "-"]), b"").code, Some(2));
}

#[test]
fn text_that_is_neither_json_nor_yaml_is_shown_where_it_stops_being_so() {
    let said = say(brownout(&["import", "envoy", "-"]), b"delay: 1\n  x: 2\n");
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.starts_with("error: not valid YAML\n --> <stdin>:2:4\n"), "{}", said.stderr);
    let said = say(brownout(&["import", "envoy", "-"]), b"{\"delay\": }");
    assert!(said.stderr.starts_with("error: not valid JSON\n --> <stdin>:1:11\n"), "{}", said.stderr);
    let said = say(brownout(&["import", "envoy", "-"]), b"{max_active_faults: 1}");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}

#[test]
fn the_examples_in_the_help_work_as_they_stand() {
    let binary = Path::new(env!("CARGO_BIN_EXE_brownout")).parent().expect("a folder");
    let search = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap_or_default());
    let examples = [
        ("envoy", "listener.yaml", "bootstrap.yaml", "3 rules"),
        ("istio", "reviews.yaml", "reviews.yaml", "2 rules"),
        ("envoy-gateway", "help.yaml", "policy.yaml", "1 rule"),
        ("chaos-mesh", "help.yaml", "chaos.yaml", "1 rule"),
        ("litmus", "help.yaml", "engine.yaml", "1 rule"),
        ("cilium", "help.yaml", "policy.yaml", "1 rule"),
        ("toxiproxy", "help.json", "proxies.json", "1 rule"),
        ("kuma", "help.yaml", "policy.yaml", "1 rule"),
        ("datadog", "help.yaml", "disruption.yaml", "1 rule"),
    ];
    for (kind, input, name, rules) in examples {
        let help = say(brownout(&["import", kind, "--help"]), b"").stdout;
        let example = help.split_once("Example:\n").expect("an example").1.trim().to_owned();
        let folder = tempfile::tempdir().expect("a folder");
        fs::copy(self::folder(kind).join(input), folder.path().join(name)).expect("copied");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &example]).env("PATH", &search).current_dir(folder.path());
        let said = say(shell, b"");
        assert_eq!(said.code, Some(0), "{example}\n{}", said.stderr);
        let verdict = said.stderr.lines().last().unwrap_or_default();
        assert!(verdict.starts_with(&format!("faults.json: good, {rules}")), "{kind}: {}", said.stderr);
    }
}

/// Asserts that the last part of each field's path appears in some input: as a key, or as a value where the names of
/// variables are values.
fn assert_covered(kind: &str, table: &Table) {
    let entries = fs::read_dir(folder(kind)).expect("a folder").map(|entry| entry.expect("an entry").path());
    let inputs = entries.filter(|path| path.extension().is_some_and(|end| end != "out"));
    let plain = |text: &str| text.replace(['_', '"'], "").to_ascii_lowercase();
    let all: String = inputs.map(|path| plain(&fs::read_to_string(path).expect("readable"))).collect();
    for mapping in table.rows {
        let name = plain(mapping.field.rsplit('.').next().expect("a part").trim_end_matches("[]"));
        let (key, value) = (format!("{name}:"), format!("name: {name},"));
        assert!(all.contains(&key) || all.contains(&value), "no input of {kind} has `{}`", mapping.field);
    }
}

#[test]
fn every_field_of_the_tables_stands_in_an_input() {
    let tables = [
        ("envoy", import::envoy::FIELDS),
        ("istio", import::istio::FIELDS),
        ("chaos-mesh", import::chaos_mesh::FIELDS),
        ("litmus", import::litmus::FIELDS),
        ("cilium", import::cilium::FIELDS),
        ("toxiproxy", import::toxiproxy::FIELDS),
        ("envoy-gateway", import::envoy_gateway::FIELDS),
        ("kuma", import::kuma::FIELDS),
        ("datadog", import::datadog::FIELDS),
    ];
    for (kind, table) in tables {
        assert_covered(kind, &table);
    }
}
