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
