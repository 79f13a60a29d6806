//! The tables of `docs/contributing/parity.md` list exactly what the cases assert.

use crate::trial::Plan;
use std::collections::BTreeSet;
use support::repository;

/// The headings of `docs/contributing/parity.md` above the tables that are checked.
const DIFFERENCES: &str = "## What differs";
const CASES: &str = "## Which case is which test";

pub fn all(plans: &[Plan]) -> Vec<Plan> {
    let asserted: BTreeSet<String> =
        plans.iter().flat_map(|plan| &plan.differences).map(|name| (*name).to_owned()).collect();
    let names: BTreeSet<String> = plans.iter().map(|plan| plan.name.clone()).collect();
    vec![
        Plan::new("documented_differences_are_those_asserted", Vec::new(), move |_| {
            Box::pin(async move {
                let rows = rows(&section(DIFFERENCES));
                let documented: BTreeSet<String> = rows.iter().flat_map(|cells| quoted(&cells[0])).collect();
                assert_eq!(documented, asserted);
            })
        }),
        Plan::new("documented_cases_are_those_that_run", Vec::new(), move |_| {
            Box::pin(async move {
                let rows = rows(&section(CASES));
                let patterns: BTreeSet<String> =
                    rows.iter().flat_map(|cells| quoted(cells.last().expect("a cell"))).collect();
                let stands_for = |pattern: &str, name: &str| match pattern.strip_suffix('*') {
                    Some(beginning) => name.starts_with(beginning),
                    None => name == pattern,
                };
                // A case that only the newest Envoy has.
                let newest = ["abort_with_a_body_byte_for_byte"];
                for pattern in &patterns {
                    let runs = names.iter().any(|name| stands_for(pattern, name));
                    assert!(
                        runs || newest.contains(&pattern.as_str()),
                        "documented, but no case matches: {pattern}"
                    );
                }
                for name in &names {
                    let documented = patterns.iter().any(|pattern| stands_for(pattern, name));
                    assert!(documented, "case without documentation: {name}");
                }
            })
        }),
    ]
}

/// The text under a heading, with the headings of lower levels.
fn section(heading: &str) -> String {
    let path = repository::root().join("docs/contributing/parity.md");
    let text = std::fs::read_to_string(path).expect("docs/contributing/parity.md");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    lines.take_while(|line| !line.starts_with("## ")).flat_map(|line| [line, "\n"]).collect()
}

/// The cells of all rows of all tables, without heads.
fn rows(section: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> = section.lines().collect();
    let is_rule = |line: &&str| line.starts_with("|-");
    let body =
        |index: usize, line: &&str| line.starts_with("| ") && !lines.get(index + 1).is_some_and(is_rule);
    let rows = lines.iter().enumerate().filter(|(index, line)| body(*index, line));
    rows.map(|(_, line)| line.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// Returns the texts between backticks.
fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
