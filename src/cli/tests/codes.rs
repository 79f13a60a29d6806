//! `docs/codes.md`: every code has a section, and its example gets it.

mod support;

use brownout_core::decode::diagnostic::Code;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use support::{brownout, say};

const DOCS: &str = include_str!("../../../docs/codes.md");

/// A section of the page: the code, and its example with the words behind the fence.
struct Section {
    code: &'static str,
    example: Option<(&'static str, &'static str)>,
}

fn sections() -> Vec<Section> {
    let parts = DOCS.split("\n### `").skip(1);
    parts
        .map(|part| {
            let (code, rest) = part.split_once('`').expect("the end of the code");
            let rest = rest.split("\n## ").next().expect("the section");
            let example = rest.split_once("```").map(|(_, fenced)| {
                let (words, text) = fenced.split_once('\n').expect("a line");
                (words, text.split_once("```").expect("the end of the example").0)
            });
            Section { code, example }
        })
        .collect()
}

/// The codes that `check` gives to a text.
fn codes(ending: &str, text: &str, strict: bool) -> BTreeSet<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let name = format!("example.{ending}");
    fs::write(folder.path().join(&name), text).expect("written");
    let mut command = brownout(&["check", "--format", "json", &name]);
    command.args(strict.then_some("--strict")).current_dir(folder.path());
    let said: Value = serde_json::from_str(&say(command, b"").stdout).expect("JSON");
    let all = said["files"][0]["diagnostics"].as_array().expect("a list");
    all.iter().map(|one| one["code"].as_str().expect("a code").to_owned()).collect()
}

#[test]
fn every_code_has_a_section_and_every_section_a_code() {
    let documented: Vec<&str> = sections().iter().map(|section| section.code).collect();
    let missing: Vec<&str> =
        Code::ALL.iter().map(|code| code.as_str()).filter(|code| !documented.contains(code)).collect();
    assert_eq!(missing, [""; 0], "without a section in docs/codes.md");
    let unknown: Vec<&str> = documented
        .iter()
        .copied()
        .filter(|name| !Code::ALL.iter().any(|code| code.as_str() == *name))
        .collect();
    assert_eq!(unknown, [""; 0], "not a code");
    assert_eq!(documented.len(), Code::ALL.len(), "a section twice");
}

#[test]
fn every_example_gets_its_code_and_no_other() {
    for section in sections() {
        let Some((words, text)) = section.example else { continue };
        let ending = words.split(' ').next().expect("a language");
        let found = codes(ending, text, words.ends_with("strict"));
        assert_eq!(found, BTreeSet::from([section.code.to_owned()]), "{}", section.code);
    }
}

#[test]
fn what_is_too_long_or_too_much_for_an_example_gets_its_code() {
    let long = format!("{{\"experiment\": {{\"id\": \"{}\"}}}}", "x".repeat(1024 * 1024));
    assert_eq!(codes("json", &long, false), BTreeSet::from(["too-long".to_owned()]));
    let many: String = (0..101).map(|number| format!("x{number}: 1\n")).collect();
    assert_eq!(
        codes("yaml", &many, false),
        BTreeSet::from(["too-many".to_owned(), "unknown-field".to_owned()])
    );
    let without: Vec<&str> =
        sections().iter().filter(|section| section.example.is_none()).map(|section| section.code).collect();
    assert_eq!(without, ["too-long", "too-many", "grpc-message-cut", "headers-too-long"]);
    let abort = |fields: &str| {
        format!(
            r#"{{"rules": [{{"name": "a", "percentage": 10, "match": {{"grpc": {{}}}}, "abort": {{{fields}}}}}]}}"#
        )
    };
    let message = abort(&format!(r#""grpc_status": 14, "grpc_message": "{}""#, "x".repeat(4097)));
    assert_eq!(codes("json", &message, false), BTreeSet::from(["grpc-message-cut".to_owned()]));
    let headers: Vec<String> = (0..8).map(|n| format!(r#""x-{n}": "{}""#, "x".repeat(8000))).collect();
    let headers = abort(&format!(r#""grpc_status": 14, "headers": {{{}}}"#, headers.join(", ")));
    assert_eq!(codes("json", &headers, false), BTreeSet::from(["headers-too-long".to_owned()]));
}

#[test]
fn warnings_are_no_mistakes_unless_it_is_for_production() {
    let text = b"rules: [{name: a, percentage: 0, abort: {http_status: 503}}]\n";
    let said = say(brownout(&["check", "-"]), text);
    assert_eq!(said.code, Some(0));
    assert!(said.stderr.ends_with("<stdin>: good, 1 rule, 1 warning\n"), "{}", said.stderr);
    let said = say(brownout(&["check", "--strict", "-"]), text);
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.ends_with("<stdin>: 2 mistakes\n"), "{}", said.stderr);
}
