//! The documents that README.md and docs/ show: a reader copies them, so each must be accepted, or refused,
//! as the text says.
//!
//! A fence ```` ```json document ```` holds a document that is accepted; ```` ```json refused ```` holds one that is
//! not. The command's suite runs the examples of `docs/codes.md`. Other JSON is in other fences (`jsonc` for
//! fragments).

use brownout_cli::{document::DocumentFile, report};
use brownout_core::Plan;
use std::fs;
use std::path::{Path, PathBuf};

struct Block {
    /// `README.md:42`, of the opening fence.
    place: String,
    /// The words after the opening fence: `json document`.
    kind: String,
    text: String,
}

fn pages() -> Vec<PathBuf> {
    let root = support::repository::root();
    let entries = ["docs", "docs/contributing"]
        .into_iter()
        .flat_map(|folder| fs::read_dir(root.join(folder)).expect(folder))
        .map(|entry| entry.expect("an entry"));
    let markdown = |path: &PathBuf| path.extension().is_some_and(|end| end == "md");
    let mut pages: Vec<_> = entries.map(|entry| entry.path()).filter(markdown).collect();
    pages.push(root.join("README.md"));
    pages.sort();
    pages
}

fn blocks(page: &Path) -> Vec<Block> {
    let name = page.file_name().expect("a file").to_string_lossy();
    let text = fs::read_to_string(page).expect("a page is readable");
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in text.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(kind), None) => {
                let place = format!("{name}:{}", index + 1);
                open = Some(Block { place, kind: kind.trim().into(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{name}: a fence is not closed");
    blocks
}

fn json_blocks() -> Vec<Block> {
    let blocks = pages().into_iter().flat_map(|page| blocks(&page));
    blocks.filter(|block| block.kind.split(' ').next() == Some("json")).collect()
}

#[test]
fn every_document_that_the_pages_show_is_accepted() {
    let documents: Vec<_> = json_blocks().into_iter().filter(|block| block.kind == "json document").collect();
    assert!(!documents.is_empty(), "the pages show no document");
    for Block { place, text, .. } in documents {
        let problems = Plan::from_json(text.as_bytes()).err().unwrap_or_default();
        assert!(problems.is_empty(), "{place}: {problems:#?}");
    }
}

#[test]
fn every_document_that_the_pages_show_as_wrong_is_refused() {
    for Block { place, text, .. } in json_blocks().into_iter().filter(|block| block.kind == "json refused") {
        assert!(Plan::from_json(text.as_bytes()).is_err(), "{place}: this document is accepted");
    }
}

#[test]
fn all_json_on_the_pages_says_which_of_the_two_it_is() {
    let known = ["json document", "json refused", "json example"];
    let others: Vec<_> = json_blocks()
        .into_iter()
        .filter(|block| !known.contains(&block.kind.as_str()))
        .map(|b| b.place)
        .collect();
    assert_eq!(others, Vec::<String>::new());
}

#[test]
fn the_readme_shows_what_check_says() {
    let blocks = blocks(&support::repository::root().join("README.md"));
    let wrong =
        blocks.iter().position(|block| block.kind == "json refused").expect("a document with mistakes");
    let document = DocumentFile::new("checkout.json", blocks[wrong].text.as_bytes());
    let mistakes = document.check().expect_err("it has mistakes");
    let said = report::text(&document, &mistakes);
    let said = anstream::adapter::strip_str(&said);
    let count = mistakes.len();
    let shown = format!("$ dist/brownout check checkout.json\n{said}checkout.json: {count} mistakes\n");
    assert_eq!(blocks[wrong + 1].text, shown);
}

/// Appends the text of all Rust files in a folder to `sources`.
fn tests(folder: &Path, sources: &mut String) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            tests(&path, sources);
        } else if path.extension().is_some_and(|end| end == "rs") {
            sources.push_str(&fs::read_to_string(path).expect("a readable source"));
        }
    }
}

#[test]
fn every_test_that_the_page_on_security_names_exists() {
    let root = support::repository::root();
    let page = fs::read_to_string(root.join("SECURITY.md")).expect("a page on security");
    let mut sources = String::new();
    for folder in ["tests", "src/core/tests", "src/cli/tests"] {
        tests(&root.join(folder), &mut sources);
    }
    let threats = page.split("\n## ").find(|section| section.starts_with("What could go wrong"));
    let rows = threats.expect("a section on threats").lines();
    let rows = rows.filter(|line| line.starts_with("| ") && !line.starts_with("| threat "));
    let mut named = 0;
    for row in rows {
        let last = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let names: Vec<_> = last.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "a threat without a test: {row}");
        for name in names {
            let is_there = [format!("fn {name}("), format!("    {name},"), format!("({name})")];
            assert!(is_there.iter().any(|form| sources.contains(form)), "there is no test `{name}`");
            named += 1;
        }
    }
    assert!(named > 20, "{named} tests are named");
}
