//! `brownout verify` as a black box without an Envoy; the suite `verify` covers it with one.

mod support;

use support::{Said, brownout, say};

fn verify(arguments: &[&str]) -> Said {
    let mut command = brownout(&["verify"]);
    command.args(arguments);
    say(command, b"")
}

#[test]
fn an_envoy_that_is_not_there_is_no_disagreement() {
    let Said { code, stdout, stderr, .. } = verify(&["--admin", "http://127.0.0.1:1"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    let begin = "error: cannot read `/config_dump` from Envoy's admin interface at 127.0.0.1:1: ";
    assert!(stderr.starts_with(begin), "{stderr}");
}

#[test]
fn an_address_without_a_port_is_wrong_usage() {
    let Said { code, stdout, stderr, .. } = verify(&["--admin", "http://127.0.0.1"]);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    assert!(stderr.contains("`127.0.0.1` is not an address with a port"), "{stderr}");
}

#[test]
fn a_wrong_document_is_told_before_envoy_is_asked() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("wrong.json");
    std::fs::write(&file, r#"{"rules": [{}]}"#).expect("room on the disk");
    let file = file.to_str().expect("a path in UTF-8");
    let Said { code, stdout, stderr, .. } = verify(&[file, "--admin", "http://127.0.0.1:1"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.contains("missing field `name`"), "{stderr}");
}
