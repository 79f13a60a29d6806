//! `brownout run … -- COMMAND` and `brownout push`, as CI uses them, with a real Envoy.

mod support;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::{Said, brownout, module, say};

const ABORT: &str =
    "rules:\n- {name: all, percentage: 100, match: {path: {prefix: /a}}, abort: {http_status: 503}}\n";

/// Runs a shell script beside a proxy with the document on standard input.
fn run(document: &str, options: &[&str], script: &str) -> Said {
    let mut command = brownout(&["run", "-", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command.args(options).args(["--", "sh", "-c", script]);
    // For scripts that push: the command under test, not an installed one.
    let folder = Path::new(env!("CARGO_BIN_EXE_brownout")).parent().expect("a folder");
    let path = std::env::var("PATH").expect("a PATH");
    command.env("PATH", format!("{}:{path}", folder.display()));
    command.env("BROWNOUT_MODULE", module());
    say(command, document.as_bytes())
}

const ASK: &str = "curl -s -o /dev/null -w '%{http_code} '";

#[test]
fn the_document_is_in_force_before_the_command_starts_and_both_end_with_it() {
    let said = run(
        ABORT,
        &[],
        &format!("{ASK} $BROWNOUT_URL/a; {ASK} $BROWNOUT_URL/b; {ASK} $BROWNOUT_ADMIN/ready"),
    );
    assert_eq!((said.code, said.stdout.as_str()), (Some(0), "503 200 200 "), "{}", said.stderr);
    let end = "ended after 2 requests: 1 passed, 1 injected (all 1)\n";
    assert!(said.stderr.ends_with(end), "{}", said.stderr);
}

#[test]
fn the_commands_exit_status_is_passed_on_and_ours_is_125() {
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("kill -TERM $$", 143)] {
        assert_eq!(run(ABORT, &[], script).code, Some(code), "{script}");
    }
    let wrong = run("rules: [{}]", &[], "exit 0");
    assert_eq!(wrong.code, Some(125), "{}", wrong.stderr);
    let no_envoy = run(ABORT, &["--envoy", "/nowhere"], "exit 0");
    assert_eq!(no_envoy.code, Some(125), "{}", no_envoy.stderr);
    let mut command = brownout(&["run", "-", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command.args(["--", "/nowhere/program"]).env("BROWNOUT_MODULE", module());
    let missing = say(command, ABORT.as_bytes());
    assert_eq!(missing.code, Some(127), "{}", missing.stderr);
    assert!(missing.stderr.contains("error: cannot run `/nowhere/program`"), "{}", missing.stderr);
}

#[test]
fn a_fault_that_was_expected_and_never_happened_ends_in_124() {
    let (hit, miss) = (format!("{ASK} $BROWNOUT_URL/a"), format!("{ASK} $BROWNOUT_URL/b"));
    for (options, script, code) in [
        (&["--expect-injected"][..], hit.as_str(), 0),
        (&["--expect-injected", "all"], &hit, 0),
        (&["--expect-injected"], &miss, 124),
        (&["--expect-injected", "all"], &miss, 124),
        (&["--expect-injected"], "exit 7", 7),
    ] {
        let said = run(ABORT, options, script);
        assert_eq!(said.code, Some(code), "{options:?} {script}: {}", said.stderr);
        let told = said.stderr.contains("error: `--expect-injected`: rule `all` injected nothing")
            || said.stderr.contains("error: `--expect-injected`: nothing was injected");
        assert_eq!(told, code != 0, "{}", said.stderr);
    }
}

#[test]
fn json_is_one_object_a_line_on_standard_output_and_the_commands_output_is_not_in_it() {
    let script = format!("{ASK} $BROWNOUT_URL/a; {ASK} $BROWNOUT_URL/b; echo hello");
    let said = run(ABORT, &["--format", "json"], &script);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stderr.contains("503 200 hello"), "{}", said.stderr);
    let lines: Vec<Value> =
        said.stdout.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let types: Vec<&str> = lines.iter().map(|line| line["type"].as_str().expect("a type")).collect();
    assert_eq!(types, ["ready", "request", "request", "summary"]);
    assert_eq!((&lines[0]["document"], &lines[0]["rules"]), (&"<stdin>".into(), &1.into()));
    let request = |line: &Value| {
        let fields = ["method", "path", "status", "outcome", "rule", "faults"];
        Value::Array(fields.iter().map(|field| line[*field].clone()).collect())
    };
    assert_eq!(request(&lines[1]), serde_json::json!(["GET", "/a", 503, "injected", "all", ["abort"]]));
    assert_eq!(request(&lines[2]), serde_json::json!(["GET", "/b", 200, "passed", null, []]));
    assert!(lines[1]["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{}", lines[1]);
    let summary = &lines[3];
    assert_eq!(
        (&summary["requests"], &summary["passed"], &summary["injected"]),
        (&2.into(), &1.into(), &1.into())
    );
    assert_eq!(summary["rules"]["all"]["injected"], 1);
}

#[test]
fn draws_with_a_seed_are_the_same_each_time() {
    let half = ABORT.replace("percentage: 100", "percentage: 50");
    let script = format!("for i in $(seq 40); do {ASK} $BROWNOUT_URL/a; done");
    let draws = |seed: &str| run(&half, &["--seed", seed], &script).stdout;
    let first = draws("7");
    assert!(first.contains("200") && first.contains("503"), "{first}");
    assert_eq!(draws("7"), first);
    assert_ne!(draws("8"), first);
}

#[test]
fn a_command_can_push_another_document_and_know_when_it_is_in_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("other.yaml"), ABORT.replace("503", "418")).expect("written");
    fs::write(path("wrong.yaml"), "rules: [{name: a}]\n").expect("written");
    fs::write(path("stop.json"), "{}").expect("written");
    let script = format!(
        "{ASK} $BROWNOUT_URL/a; brownout push {} --wait && {ASK} $BROWNOUT_URL/a; brownout push {} --wait; echo $?; \
         {ASK} $BROWNOUT_URL/a; brownout push {} --wait && {ASK} $BROWNOUT_URL/a",
        path("other.yaml"),
        path("wrong.yaml"),
        path("stop.json")
    );
    for _ in 0..3 {
        let said = run(ABORT, &["--format", "text"], &script);
        assert_eq!(said.stdout, "503 418 1\n418 200 ", "{}", said.stderr);
        assert!(
            said.stderr.contains("wrong.yaml: not pushed; the previous document stays in force"),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn a_push_says_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let push = |arguments: &[&str]| {
        let mut command: Command = brownout(&["push", "-"]);
        command.args(arguments).env_remove("BROWNOUT_PUSH").env_remove("BROWNOUT_ADMIN");
        let said = say(command, b"{}");
        (said.code, said.stderr)
    };
    let (code, stderr) = push(&[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("--to <PATH>"), "{stderr}");
    let (code, stderr) = push(&["--to", "http://127.0.0.1:1/"]);
    assert_eq!(
        (code, stderr.as_str()),
        (
            Some(2),
            "error: `http://127.0.0.1:1/` is a URL: expected the path of the file that `brownout run` watches\n"
        )
    );
    let (code, stderr) = push(&["--to", "/nowhere/faults.json"]);
    assert_eq!(code, Some(2));
    assert!(stderr.starts_with("error: cannot write `/nowhere/faults.json`: "), "{stderr}");
    let file = folder.path().join("faults.json");
    let (code, stderr) =
        push(&["--to", file.to_str().expect("UTF-8"), "--wait", "--admin", "http://127.0.0.1:1"]);
    assert_eq!(code, Some(2));
    assert!(
        stderr.starts_with("error: not pushed: cannot read `/ready` from Envoy's admin interface"),
        "{stderr}"
    );
    assert!(!file.exists());
}

#[test]
fn what_was_injected_counts_over_the_whole_run_whatever_is_pushed() {
    let folder = tempfile::tempdir().expect("a folder");
    let stop = folder.path().join("stop.json");
    fs::write(&stop, "{}").expect("written");
    let script = format!("{ASK} $BROWNOUT_URL/a; brownout push {} --wait", stop.display());
    let said = run(ABORT, &["--expect-injected", "all", "--format", "json"], &script);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    let summary: Value = serde_json::from_str(said.stdout.lines().last().expect("a line")).expect("JSON");
    assert_eq!(
        (&summary["injected"], &summary["rules"]["all"]["injected"]),
        (&1.into(), &1.into()),
        "{summary}"
    );
}

#[test]
fn an_empty_document_is_not_pushed() {
    let said =
        run(ABORT, &[], &format!("printf '\\n' | brownout push - --wait; echo $?; {ASK} $BROWNOUT_URL/a"));
    assert_eq!(said.stdout, "2\n503 ", "{}", said.stderr);
    let way_out =
        "error: `<stdin>` is empty, and a proxy ignores an empty file: write `{}` to stop all faults";
    assert!(said.stderr.contains(way_out), "{}", said.stderr);
}

#[test]
fn a_document_that_does_not_run_is_not_verified() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::write(path("first.yaml"), ABORT).expect("written");
    fs::write(path("second.yaml"), ABORT.replace("503", "418")).expect("written");
    let script = format!(
        "{ASK} $BROWNOUT_URL/a; brownout verify {0} >&2; echo $?; brownout push {1} --wait; {ASK} $BROWNOUT_URL/a; \
         brownout verify {0} >&2; echo $?; brownout verify {1} >&2; echo $?",
        path("first.yaml"),
        path("second.yaml")
    );
    let said = run(ABORT, &[], &script);
    assert_eq!(said.stdout, "503 0\n418 1\n0\n", "{}", said.stderr);
    assert!(said.stderr.contains("Envoy is running a different document"), "{}", said.stderr);
}

#[test]
fn of_a_document_that_hides_its_rules_nothing_wrong_is_said() {
    let hidden = format!("report: {{filter_state: false}}\n{ABORT}");
    let script = format!("{ASK} $BROWNOUT_URL/a; {ASK} $BROWNOUT_URL/b");
    let said = run(&hidden, &[], &script);
    assert!(said.stderr.ends_with("ended after 2 requests: 1 injected (all 1)\n"), "{}", said.stderr);
    assert!(!said.stderr.contains("no answer from the service"), "{}", said.stderr);
}

#[test]
fn programs_are_told_of_mistakes_and_of_what_fails() {
    let types = |said: &Said| -> Vec<Value> {
        let lines = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).expect("an object"));
        lines.map(|line| line["type"].clone()).collect()
    };
    let wrong = run("rules: [{}]", &["--format", "json"], "exit 0");
    assert_eq!((wrong.code, types(&wrong)), (Some(125), vec!["refused".into()]), "{}", wrong.stderr);
    let failed = run(ABORT, &["--format", "json", "--envoy", "/nowhere"], "exit 0");
    assert_eq!((failed.code, types(&failed)), (Some(125), vec!["error".into()]), "{}", failed.stderr);
}
