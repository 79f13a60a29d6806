//! Replays every input of every corpus, so that bugs that were found stay fixed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use targets::TARGETS;

/// The current input, to report with a panic: some panics cannot be caught, because they would unwind through functions
/// that a host calls.
static RUNNING: Mutex<Option<PathBuf>> = Mutex::new(None);

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry of a folder").path()).collect();
    paths.sort();
    paths
}

#[test]
fn no_input_of_a_corpus_brings_about_what_must_not_be() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if let Ok(Some(path)) = RUNNING.try_lock().as_deref() {
            let _ = writeln!(std::io::stderr(), "with {}:", path.display());
        }
        usual(info);
    }));
    for (name, target) in TARGETS {
        let inputs = names(&corpora().join(name));
        assert!(!inputs.is_empty(), "the corpus of `{name}` is empty");
        for path in inputs {
            let input = std::fs::read(&path).expect("an input");
            *RUNNING.lock().expect("one thread") = Some(path);
            target(&input);
        }
    }
}

#[test]
fn every_corpus_has_a_target() {
    let names: Vec<_> = names(&corpora())
        .into_iter()
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    assert_eq!(names, TARGETS.map(|(name, _)| name));
}
