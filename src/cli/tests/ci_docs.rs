//! Runs the examples of docs/ci.md for GitHub Actions, GitLab CI and pytest, except for the installation steps.

mod support;

use brownout_cli::document::{DocumentFile, text::Text};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use support::module;
use tempfile::TempDir;

/// The first block of a kind on the page.
fn block(kind: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ci.md");
    let page = fs::read_to_string(path).expect("docs/ci.md");
    let (_, rest) = page.split_once(&format!("```{kind}\n")).expect(kind);
    rest.split_once("```").expect("an end").0.to_owned()
}

fn value(yaml: &str) -> Value {
    let values = DocumentFile::new("a.yaml", yaml.as_bytes()).values().expect("YAML");
    serde_json::to_value(Text(&values.first().expect("a document").0)).expect("JSON")
}

/// The folder of a project whose CI this is.
fn project() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("faults.yaml"), block("yaml document")).expect("written");
    fs::write(folder.path().join("test_faults.py"), block("python pytest")).expect("written");
    folder
}

/// Runs the lines of a CI job as a runner does, on free ports, and ends background processes afterwards.
fn run(folder: &Path, lines: &[String]) -> Output {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let script: String = lines
        .iter()
        .filter(|line| !line.starts_with("pip install"))
        .map(|line| line.replace("8080", &port.to_string()))
        .map(|line| line.replace("brownout run", "brownout run --listen 0 --admin 0"))
        .map(|line| format!("{line}\n"))
        .collect();
    let script = format!("trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}");
    let programs = Path::new(env!("CARGO_BIN_EXE_brownout")).parent().expect("a folder");
    let path = std::env::var("PATH").expect("a PATH");
    Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", &script])
        .current_dir(folder)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("PYTHONPATH", packages())
        .env("BROWNOUT_MODULE", module())
        .output()
        .expect("bash")
}

/// pytest and requests, from PyPI, once.
fn packages() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cache = std::env::var_os("BROWNOUT_CACHE").map_or_else(|| root.join(".cache"), Into::into);
    let folder = cache.join("pytest-8.4.2");
    if !folder.join("requests").is_dir() {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]);
        let output = pip.arg(&folder).args(["pytest==8.4.2", "requests==2.32.5"]).output().expect("python3");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    folder.display().to_string()
}

/// pip's script for pytest is in the folder of packages, which is not on PATH.
fn without_scripts(line: &str) -> String {
    line.replace("-- pytest ", "-- python3 -m pytest ")
}

fn is_good(output: &Output) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(stdout.contains("2 passed") || stderr.contains("2 passed"), "{stdout}\n{stderr}");
}

#[test]
fn the_workflow_of_github_actions_runs() {
    let workflow = value(&block("yaml github"));
    let steps = workflow["jobs"]["faults"]["steps"].as_array().expect("steps");
    let lines: Vec<String> =
        steps.iter().filter_map(|step| step["run"].as_str()).map(without_scripts).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    is_good(&run(project().path(), &lines));
}

#[test]
fn the_job_of_gitlab_ci_runs_and_leaves_a_line_of_json_for_each_request() {
    let job = value(&block("yaml gitlab"));
    let script = job["faults"]["script"].as_array().expect("a script");
    let lines: Vec<String> = script.iter().filter_map(Value::as_str).map(without_scripts).collect();
    assert_eq!(lines.len(), 4, "{lines:?}");
    let project = project();
    is_good(&run(project.path(), &lines));
    let artifact = fs::read_to_string(project.path().join("run.jsonl")).expect("an artifact");
    let types: Vec<Value> = artifact
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("an object")["type"].clone())
        .collect();
    assert_eq!((&types[0], types.last()), (&"ready".into(), Some(&"summary".into())), "{artifact}");
    assert!(types.iter().any(|kind| kind == "request"), "{artifact}");
}

#[test]
fn a_document_with_a_mistake_fails_before_anything_is_run() {
    let project = project();
    let wrong = block("yaml document").replace("percentage: 100", "percentage: 5%");
    fs::write(project.path().join("faults.yaml"), wrong).expect("written");
    let workflow = value(&block("yaml github"));
    let check = workflow["jobs"]["faults"]["steps"][2]["run"].as_str().expect("a step").to_owned();
    let output = run(project.path(), &[check]);
    assert_eq!(output.status.code(), Some(1));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(stdout.starts_with("::error file=faults.yaml,line=4,col="), "{stdout}");
}
