//! The manifests that people apply are what `brownout render` makes, by the commands that the pages beside them show.
//!
//! `BROWNOUT_BLESS=1` writes them anew.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use support::{brownout, say};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The commands of a page that write into a file: their arguments, and that file.
fn commands(page: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(root().join(page)).expect(page);
    let lines = text.lines().filter_map(|line| line.strip_prefix("$ brownout ")?.split_once(" > "));
    lines.map(|(arguments, file)| (arguments.to_owned(), file.to_owned())).collect()
}

#[test]
fn the_manifests_are_what_the_commands_beside_them_make() {
    for folder in ["istio", "cilium"] {
        let commands = commands(&format!("{folder}/README.md"));
        let made: BTreeSet<&str> = commands.iter().map(|(_, file)| file.as_str()).collect();
        for (arguments, file) in &commands {
            let arguments: Vec<&str> = arguments.split(' ').collect();
            let mut command = brownout(&arguments);
            command.current_dir(root());
            let said = say(command, b"");
            assert_eq!(said.code, Some(0), "{file}: {}", said.stderr);
            let path = root().join(file);
            if std::env::var_os("BROWNOUT_BLESS").is_some() {
                fs::write(&path, &said.stdout).expect("a writable folder");
            }
            let written = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(written, said.stdout, "{file} is stale: BROWNOUT_BLESS=1 writes it anew");
        }
        for entry in fs::read_dir(root().join(folder)).expect("a folder") {
            let name = format!("{folder}/{}", entry.expect("an entry").file_name().to_string_lossy());
            assert!(!name.ends_with(".yaml") || made.contains(name.as_str()), "no command makes {name}");
        }
    }
}

#[test]
fn check_finds_the_documents_in_them_and_nothing_wrong() {
    let files: Vec<String> = ["istio", "cilium"]
        .iter()
        .flat_map(|folder| commands(&format!("{folder}/README.md")))
        .map(|(_, file)| file)
        .collect();
    let arguments: Vec<&str> = ["check"].into_iter().chain(files.iter().map(String::as_str)).collect();
    let mut command = brownout(&arguments);
    command.current_dir(root());
    let said = say(command, b"");
    assert_eq!(said.code, Some(0), "{}", said.stderr);
}
