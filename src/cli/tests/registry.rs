//! Every kind of fault and every recipe needs certain companions; these tests name the missing ones.

use brownout_cli::document::{DocumentFile, text::Text};
use brownout_core::kind::Kind;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect(path)
}

fn value(yaml: &str) -> Value {
    let values = DocumentFile::new("a.yaml", yaml.as_bytes()).values().expect("YAML");
    serde_json::to_value(Text(&values.first().expect("a document").0)).expect("JSON")
}

/// Returns whether a rule of the scenario's document, or an outcome of one, has a field of that name.
fn has(scenario: &Value, field: &str) -> bool {
    let rules = scenario["document"]["rules"].as_array().into_iter().flatten();
    let of = |rule: &Value| {
        let outcomes = rule["outcomes"].as_array().cloned().unwrap_or_default();
        [vec![rule.clone()], outcomes].concat()
    };
    scenario.get("refused").is_none() && rules.flat_map(of).any(|rule| rule.get(field).is_some())
}

/// Tests with a case for each kind.
const CASES: [&str; 7] = [
    "src/core/tests/shadow.rs",
    "tests/fuzz/engine/pool.rs",
    "tests/limits/cases.rs",
    "tests/responses/grpc.rs",
    "tests/shadow/counts.rs",
    "tests/shadow/documents.rs",
    "tests/soak/traffic.rs",
];

/// The compiler sees to the rest: a line of `explain`, an entry of the schema.
#[test]
fn every_kind_of_fault_has_a_scenario_a_section_a_reference_a_counter_and_a_row_in_the_readme() {
    let (readme, reference) = (read("README.md"), read("docs/document.md"));
    let faults = read("docs/faults.md");
    let mut missing = Vec::new();
    for kind in Kind::ALL {
        let name = kind.name();
        let mut need = |there: bool, what: &str| {
            if !there {
                missing.push(format!("`{name}` has no {what}"));
            }
        };
        let own = fs::read_to_string(root().join(format!("tests/scenarios/{name}.yaml")));
        need(own.is_ok_and(|text| has(&value(&text), name)), "scenario `tests/scenarios/<kind>.yaml`");
        let section = faults.split("\n## ").find(|section| section.starts_with(&format!("`{name}`\n")));
        need(
            section.is_some_and(|text| text.contains("```text\n")),
            "section with a picture in docs/faults.md",
        );
        need(
            section.is_some_and(|text| text.contains("``` document") || text.contains("document\n")),
            "example there",
        );
        need(reference.contains(&format!("`{name}`")), "mention in docs/document.md");
        need(reference.contains(kind.counter()), "counter in docs/document.md");
        need(readme.contains(&format!("| `{name}` |")), "row in README.md");
        for file in CASES {
            let case = read(file).contains(&format!("\"{name}\""));
            need(case, &format!("case in {file}"));
        }
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn every_recipe_is_the_document_of_its_scenario() {
    let page = read("docs/recipes.md");
    let recipes: Vec<&str> = page.split("\n## ").skip(1).collect();
    assert!(recipes.len() >= 6, "{} recipes", recipes.len());
    for recipe in recipes {
        let title = recipe.lines().next().expect("a title");
        let shown = recipe.split_once("```yaml document\n").expect(title).1.split("```").next().expect(title);
        let file = recipe.split_once("(../tests/scenarios/").expect(title).1.split(')').next().expect(title);
        let scenario = value(&read(&format!("tests/scenarios/{file}")));
        assert_eq!(value(shown), scenario["document"], "{title}");
    }
}

/// The names are the strings in the module's source, and those of the kinds of faults.
#[test]
fn every_metric_of_the_module_has_a_row_in_its_page_and_every_row_a_metric() {
    let (source, page) = (read("src/filter/src/stats.rs"), read("docs/metrics.md"));
    let code = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<String>();
    let is_name = |text: &&str| text.starts_with(|first: char| first.is_ascii_lowercase());
    let whole = |text: &&str| *text != "brownout" && !text.contains('{');
    let strings = code.split('"').skip(1).step_by(2).filter(is_name).filter(whole);
    let mut defined: Vec<&str> = strings.chain(Kind::ALL.iter().map(|kind| kind.counter())).collect();
    let metrics = page.split("\n## ").find(|section| section.starts_with("Metrics\n")).expect("a section");
    let tables = metrics.split("\n### ").skip(1);
    let rows = tables.flat_map(str::lines).filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let mut described: Vec<&str> = rows.map(|(name, _)| name).filter(|name| !name.contains(',')).collect();
    defined.sort_unstable();
    described.sort_unstable();
    assert_eq!(described, defined, "docs/metrics.md and src/filter/src/stats.rs");
    let gauges = code.split("MetricType::Gauge").count() - 1;
    assert_eq!(metrics.matches("` | gauge |").count(), gauges, "gauges in docs/metrics.md");
}

/// The folders with the Markdown pages to check.
const FOLDERS: [&str; 7] = ["", "docs", "docs/contributing", "istio", "cilium", "tests", "tests/fuzz"];

fn pages() -> impl Iterator<Item = PathBuf> {
    let entries = FOLDERS.iter().flat_map(|folder| fs::read_dir(root().join(folder)).expect(folder));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "md"))
}

/// Links in pages point to existing files and headings.
#[test]
fn the_links_between_the_pages_lead_somewhere() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") || link.contains(' ') {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let is_there = match fs::read_to_string(&target) {
                Ok(text) => {
                    heading.is_empty() || text.lines().any(|line| anchor(line) == Some(heading.into()))
                }
                Err(_) => target.exists(),
            };
            if !is_there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

/// Returns the anchor of a heading.
fn anchor(line: &str) -> Option<String> {
    let heading = line.trim_start_matches('#');
    let is_heading = heading.len() < line.len() && heading.starts_with(' ');
    let kept = |character: char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
    let name: String = heading.trim().to_lowercase().chars().filter(|character| kept(*character)).collect();
    is_heading.then(|| name.replace(' ', "-"))
}
