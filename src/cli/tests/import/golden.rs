//! An import as a black box: inputs in a folder for each kind, and beside each what was said about it.

use super::support::{Said, brownout, say};
use brownout_core::Plan;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder with the inputs of a kind.
pub fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(kind)
}

/// Imports with these arguments, in that folder.
pub fn run(kind: &str, arguments: &[&str]) -> Said {
    let mut command = brownout(&["import", kind]);
    command.args(arguments).current_dir(folder(kind));
    say(command, b"")
}

/// Compares with `NAME.out`: exit code, document, and what was said. `BROWNOUT_BLESS=1` writes it anew.
pub fn golden(kind: &str, name: &str, arguments: &[&str]) {
    let said = run(kind, arguments);
    if said.code == Some(0) {
        let problems = Plan::from_json(said.stdout.as_bytes()).err().unwrap_or_default();
        assert!(problems.is_empty(), "{kind}/{name}: the core refuses the document: {problems:#?}");
    }
    let found = format!("{:?}\n{}\n{}", said.code, said.stdout, said.stderr);
    let path = folder(kind).join(name).with_extension("out");
    if std::env::var_os("BROWNOUT_BLESS").is_some() {
        fs::write(&path, &found).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "{kind}/{name}: not as in {}", path.display());
}
