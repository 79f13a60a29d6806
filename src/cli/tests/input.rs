//! Endless inputs: refused, within a memory limit.

mod support;

use std::process::Stdio;
use support::brownout;

/// The commands that read a file; the test appends its path.
const READERS: [&[&str]; 9] = [
    &["check"],
    &["explain"],
    &["simulate"],
    &["verify", "--admin", "http://127.0.0.1:1"],
    &["import", "istio"],
    &["render", "envoy"],
    &["push", "--to", "/nowhere/faults.json"],
    &["run", "--listen", "0", "--admin", "0"],
    &["image", "--module"],
];

/// A shell with a memory limit in KiB.
const MEMORY: &str = "ulimit -v 400000; exec \"$@\"";

#[test]
fn a_file_that_never_ends_is_refused_and_takes_no_more_than_some_memory() {
    for arguments in READERS {
        let command = brownout(arguments);
        let mut bounded = std::process::Command::new("sh");
        bounded
            .args(["-c", MEMORY, "sh"])
            .arg(command.get_program())
            .args(command.get_args())
            .arg("/dev/zero");
        bounded.env_remove("BROWNOUT_MODULE").env_remove("BROWNOUT_PUSH");
        let output = bounded.stdin(Stdio::null()).output().expect("a shell");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        let reason = "larger than the limit of 64 MiB";
        assert!(stderr.contains(reason), "{arguments:?}: {stderr}");
    }
}

/// File names, values and admin answers may hold escape sequences, which a terminal would obey.
#[test]
fn no_escape_sequence_of_an_input_reaches_a_terminal() {
    let folder = tempfile::tempdir().expect("a folder");
    let (escape, there) = ("\u{1b}[31m", "a\u{1b}[31mb.json");
    let missing = format!("{escape}missing.json");
    let mistaken =
        r#"{"rules":[{"name":"\u001b[31m","percentage":"\u001b[31m","abort":{"http_status":503}}]}"#;
    let good = r#"{"rules":[{"name":"a","percentage":5,"match":{"path":{"exact":"/\u001b[31m"}},
        "abort":{"http_status":503,"body":"\u001b[31m"}}]}"#;
    for document in [mistaken, good] {
        std::fs::write(folder.path().join(there), document).expect("written");
        for arguments in [
            &["check", there][..],
            &["check", &missing],
            &["check", "--format", "github", there],
            &["explain", there],
            &["explain", there, "--har", &missing],
            &["simulate", there, "--requests", "10"],
            &["simulate", there, "--access-log", &missing],
            &["import", "envoy", there],
            &["render", "envoy", there],
            &["render", "istio-envoyfilter", there, "--namespace", escape],
            &["push", there, "--to", &format!("{escape}/faults.json")],
            &["run", &missing],
            &["image", "--module", &missing],
        ] {
            let mut command = brownout(arguments);
            // As on a terminal, colours are not stripped.
            command.env("CLICOLOR_FORCE", "1").current_dir(folder.path());
            let output = command.stdin(Stdio::null()).output().expect("it ends");
            for text in [output.stdout, output.stderr] {
                let text = String::from_utf8_lossy(&text);
                // Our own colours are never this one followed by the text of the input.
                for tail in ["missing", "b.json", "/faults", "\""] {
                    assert!(!text.contains(&format!("{escape}{tail}")), "{arguments:?}: {text:?}");
                }
            }
        }
    }
}

#[test]
fn the_limit_can_be_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.json");
    std::fs::write(&path, "{}").expect("written");
    let said = |size: &str| {
        let command = brownout(&["check", &path.display().to_string(), "--max-input", size]);
        support::say(command, b"")
    };
    assert_eq!(said("2").code, Some(0));
    let refused = said("1");
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("larger than the limit of 1 byte; see --max-input"),
        "{}",
        refused.stderr
    );
}
