//! `brownout check` as a black box.

mod support;

use std::fs;
use std::process::Command;
use support::{Said, brownout, say};

fn check(name: &str, document: &str) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), document).expect("written");
    let mut command = brownout(&["check", name]);
    command.current_dir(folder.path());
    say(command, b"")
}

fn said(code: i32, stderr: &str) -> Said {
    Said { code: Some(code), stdout: String::new(), stderr: stderr.into() }
}

#[test]
fn every_mistake_in_yaml_is_shown_on_its_line_in_the_order_of_the_text() {
    let document = "\
rules:
- name: slow-checkout
  match:
    path: {prefix: /checkout}
  percentage: { numerator: 150, denominator: HUNDRED }
  delay:
    fixed_delay: 250ms
- abort: {http_status: 503}
  percentge: 5
";
    let expected = r"error: invalid percentage
 --> checkout.yaml:5:28   rules[0].percentage.numerator
  |
5 |   percentage: { numerator: 150, denominator: HUNDRED }
  |                            ^^^ 150 of 100 is more than all requests
  |
help: use at most 100, or a larger denominator

error: missing field `name`
 --> checkout.yaml:8:3   rules[1]
  |
8 | - abort: {http_status: 503}
  |   ^^^^^ expected a name such as `";
    let found = check("checkout.yaml", document);
    assert_eq!(found.code, Some(1));
    assert_eq!(found.stdout, "");
    assert!(found.stderr.starts_with(expected), "{}", found.stderr);
    assert!(found.stderr.contains("checkout.yaml:9:3   rules[1].percentge\n"), "{}", found.stderr);
    assert!(found.stderr.contains("\nhelp: did you mean `percentage`?\n"), "{}", found.stderr);
    assert!(found.stderr.ends_with("\ncheckout.yaml: 4 mistakes\n"), "{}", found.stderr);
}

#[test]
fn a_field_given_twice_in_json_is_shown_where_it_is_given_again() {
    let document = "{\n\t\"rules\": [],\n\t\"rules\": []\n}\n";
    let expected = "error: field `rules` given twice
 --> a.json:3:2   rules
  |
3 |     \"rules\": []
  |     ^^^^^^^

a.json: 1 mistake
";
    assert_eq!(check("a.json", document), said(1, expected));
}

#[test]
fn text_that_is_not_json_is_shown_where_it_stops_being_json() {
    let expected = "error: not valid JSON
 --> a.json:2:15
  |
2 |   \"rules\": [1,]
  |               ^ trailing comma

a.json: 1 mistake
";
    assert_eq!(check("a.json", "{\n  \"rules\": [1,]\n}\n"), said(1, expected));
}

#[test]
fn text_that_is_not_yaml_is_shown_where_it_stops_being_yaml() {
    let expected = "error: not valid YAML
 --> a.yaml:2:4
  |
2 |   b: c
  |    ^ mapping values are not allowed in this context

a.yaml: 1 mistake
";
    assert_eq!(check("a.yaml", "a: 1\n  b: c\n"), said(1, expected));
}

#[test]
fn a_mistake_that_an_alias_repeats_is_shown_where_it_is_written() {
    let found = check("a.yaml", "x: &x {a: 1}\nmode: *x\n");
    assert!(found.stderr.contains(" --> a.yaml:1:7   mode\n"), "{}", found.stderr);
}

#[test]
fn a_text_that_is_not_utf_8_is_wrong_and_shown_up_to_there() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("a.json"), b"{\"a\": \"\xff\"}").expect("written");
    let mut command = brownout(&["check", "a.json"]);
    command.current_dir(folder.path());
    let found = say(command, b"");
    assert_eq!(found.code, Some(1));
    assert!(found.stderr.starts_with("error: not valid UTF-8\n --> a.json:1:8\n"), "{}", found.stderr);
}

#[test]
fn a_few_lines_of_yaml_that_stand_for_billions_are_refused() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let alias = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", [alias.as_str(); 10].join(", ")));
    }
    let found = check("a.yaml", &bomb);
    assert_eq!(found.code, Some(1));
    assert!(found.stderr.contains("aliases expand to more than 200000 values"), "{}", found.stderr);
}

#[test]
fn a_good_document_is_said_to_be_good_and_leaves_nothing_on_stdout() {
    let document = "rules: [{name: a, percentage: 1, abort: {http_status: 503}}]\n";
    assert_eq!(check("a.yaml", document), said(0, "a.yaml: good, 1 rule\n"));
    assert_eq!(check("empty.yaml", ""), said(0, "empty.yaml: good, 0 rules\n"));
}

#[test]
fn the_document_that_run_uses_is_good() {
    let demo = include_str!("../../../envoy/demo.yaml");
    assert_eq!(check("demo.yaml", demo), said(0, "demo.yaml: good, 4 rules\n"));
}

#[test]
fn standard_input_may_be_json_or_yaml() {
    let json = say(brownout(&["check", "-"]), b"{\"mode\": \"off\"}");
    assert_eq!(json, said(0, "<stdin>: good, 0 rules\n"));
    let yaml = say(brownout(&["check", "-"]), b"mode: off\n");
    assert_eq!(yaml, said(0, "<stdin>: good, 0 rules\n"));
}

#[test]
fn programs_get_the_mistakes_of_all_files_as_json_on_stdout() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("good.json"), "{}").expect("written");
    fs::write(folder.path().join("wrong.yaml"), "mood: off\n").expect("written");
    let mut command = brownout(&["check", "--format", "json", "good.json", "wrong.yaml"]);
    command.current_dir(folder.path());
    let found = say(command, b"");
    assert_eq!((found.code, found.stderr.as_str()), (Some(1), ""));
    let json: serde_json::Value = serde_json::from_str(&found.stdout).expect("JSON");
    let mut wrong = json["files"][1]["diagnostics"][0].clone();
    // The list of fields grows from release to release.
    wrong["label"].take();
    let expected = serde_json::json!({
        "severity": "error", "code": "unknown-field", "path": "mood", "line": 1, "column": 1,
        "message": "unknown field `mood`", "label": null, "help": "did you mean `mode`?",
    });
    assert_eq!(wrong, expected);
    let good = serde_json::json!({ "file": "good.json", "ok": true, "diagnostics": [] });
    assert_eq!(json["files"][0], good);
    assert_eq!(json["files"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_file_that_cannot_be_read_ends_in_2_and_the_others_are_checked_all_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("good.json"), "{}").expect("written");
    let mut command = brownout(&["check", "missing.yaml", "good.json"]);
    command.current_dir(folder.path());
    let expected = "error: cannot read `missing.yaml`: No such file or directory (os error 2)
good.json: good, 0 rules
";
    assert_eq!(say(command, b""), said(2, expected));
}

#[test]
fn colours_are_for_those_who_want_them() {
    let coloured = |variables: &[(&str, &str)]| {
        let mut command: Command = brownout(&["check", "-"]);
        command.envs(variables.iter().copied());
        say(command, b"mode: x\n").stderr.contains('\u{1b}')
    };
    assert!(!coloured(&[]), "standard error is no terminal");
    assert!(coloured(&[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
}

#[test]
fn wrong_usage_ends_in_2() {
    assert_eq!(say(brownout(&["check"]), b"").code, Some(2));
    assert_eq!(say(brownout(&["chek", "-"]), b"").code, Some(2));
    assert_eq!(say(brownout(&[]), b"").code, Some(2));
}

/// The response decides, so not every request is hit.
#[test]
fn a_rule_whose_responses_are_chosen_takes_not_every_request() {
    let rule = |response: &str| format!("rules:\n- {{name: a, percentage: 100, response: {response}}}\n");
    let warned = |response: &str| check("a.yaml", &rule(response)).stderr.contains("takes every request");
    assert!(warned("{status: 503}"));
    assert!(!warned("{match: {status: 5xx}, status: 200}"));
    assert!(!warned("{status: 503, percentage: 50}"));
}
