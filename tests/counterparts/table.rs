//! docs/contributing/counterparts.md: each field that changes traffic has a row, and each row names what is run.

use super::case::Tool;
use brownout_cli::import::mapping::Fate;
use std::fmt::Write;
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/contributing/counterparts.md")
}

/// The rows of a tool.
fn table(tool: Tool) -> String {
    let mut text = String::from("| field | in the other tool | counterpart |\n|---|---|---|\n");
    for case in tool.cases() {
        let counterpart = case.counterpart.join("`, `");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{}` | `{}` | `{counterpart}` |", case.field, case.written());
    }
    text
}

/// Rewrites the tables first if `BROWNOUT_BLESS` is set.
#[test]
fn the_tables_in_the_docs_are_those_of_the_scenarios() {
    let mut page = std::fs::read_to_string(path()).expect("docs/contributing/counterparts.md is there");
    for tool in Tool::ALL {
        let (heading, expected) = (format!("\n## {}\n", tool.names().0), table(tool));
        let after = page.find(&heading).unwrap_or_else(|| panic!("no `{heading}`"));
        assert!(page[after..].contains(&tool.file()), "`{heading}` does not name {}", tool.file());
        let start = after + page[after..].find("| field |").expect("a table");
        let end = page[start..].find("\n\n").map_or(page.len(), |length| start + length + 1);
        if std::env::var_os("BROWNOUT_BLESS").is_some() {
            page.replace_range(start..end, &expected);
        }
        let end = page[start..].find("\n\n").map_or(page.len(), |length| start + length + 1);
        assert_eq!(&page[start..end], expected, "{heading}");
    }
    if std::env::var_os("BROWNOUT_BLESS").is_some() {
        std::fs::write(path(), page).expect("written");
    }
}

/// Fields that select pods or times, or only structure the object, do not change traffic.
const NOTHING: [&str; 13] = [
    "selector",
    "selector.namespaces",
    "selector.labelSelectors",
    "mode",
    "value",
    "duration",
    "replace",
    "patch",
    "patch.body.type",
    "patch.body.value",
    "common.TOTAL_CHAOS_DURATION",
    "common.RAMP_TIME",
    // A percentage, as in the test of Cilium's.
    "common.TOXICITY",
];

#[test]
fn every_field_that_changes_traffic_is_run() {
    for tool in Tool::ALL {
        let cases = tool.cases();
        let table = tool.table();
        for mapping in table.rows {
            let imported = matches!(mapping.fate, Fate::Exact | Fate::Noted);
            if imported && !NOTHING.contains(&mapping.field) {
                assert!(
                    cases.iter().any(|case| case.field == mapping.field),
                    "{tool:?}: `{}`",
                    mapping.field
                );
            }
        }
        for case in cases {
            let known = table.rows.iter().any(|mapping| mapping.field == case.field);
            assert!(known, "{tool:?}: the importer knows no `{}`", case.field);
        }
    }
}
