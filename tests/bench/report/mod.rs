//! What a run tells: a table on the terminal, and in docs/ the same with charts and the raw numbers.

mod chart;
mod tables;

pub use tables::Tables;

use crate::results::Results;
use std::path::PathBuf;
use support::repository;

/// Between these lines of docs/performance.md stands what a run has written.
const BEGIN: &str = "<!-- figures: written by `make bench` -->\n";
const END: &str = "<!-- end of figures -->\n";

/// Writes docs/performance.md, its charts and its numbers.
///
/// # Panics
/// When a file cannot be read or written, or the page has lost its marks.
pub fn write(results: &Results) {
    let folder = repository::root().join("docs/performance");
    std::fs::create_dir_all(&folder).expect("a folder in docs/");
    let put = |path: PathBuf, text: &str| std::fs::write(&path, text).expect("room on the disk");
    put(folder.join("requests.svg"), &chart::requests(results));
    put(folder.join("lateness.svg"), &chart::lateness(results));
    let numbers = serde_json::to_string(results).expect("numbers");
    put(folder.join("results.json"), &(numbers + "\n"));

    let page = repository::root().join("docs/performance.md");
    let text = std::fs::read_to_string(&page).expect("docs/performance.md");
    let begin = text.find(BEGIN).expect("the mark where figures begin") + BEGIN.len();
    let end = text.find(END).expect("the mark where figures end");
    put(page, &format!("{}\n{}\n{}", &text[..begin], Tables::of(results).markdown(), &text[end..]));
}
