//! docs/import.md: its tables are the importers' own, and its examples are what the importers say.

use brownout_cli::import::{self, Imported, Rejected};
use std::path::Path;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/import.md");
    std::fs::read_to_string(path).expect("docs/import.md is there")
}

#[test]
fn the_tables_are_those_that_the_importers_obey() {
    for table in [import::envoy::FIELDS, import::istio::FIELDS] {
        let expected = table.markdown();
        assert!(page().contains(&expected), "docs/import.md lacks this table:\n\n{expected}");
    }
}

/// The fences under a heading: their kinds and texts.
fn fences(heading: &str) -> Vec<(String, String)> {
    let page = page();
    let section = page.split_once(&format!("\n{heading}\n")).expect("a section").1;
    let section = section.split("\n## ").next().expect("its text");
    let pieces: Vec<&str> = section.split("```").collect();
    let fence = |text: &&str| text.split_once('\n').map(|(kind, text)| (kind.to_owned(), text.to_owned()));
    pieces.iter().skip(1).step_by(2).filter_map(fence).collect()
}

fn assert_example(heading: &str, file: &str, imported: impl Fn(&str) -> Result<Imported, Rejected>) {
    let fences = fences(heading);
    let kinds: Vec<&str> = fences.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["yaml", "json document", "text"], "{heading}");
    let imported = imported(&fences[0].1).expect("the example is good");
    let shown: serde_json::Value = serde_json::from_str(&fences[1].1).expect("JSON");
    assert_eq!(shown, imported.document, "{heading}");
    let notes: Vec<String> =
        imported.notes.iter().map(|note| note.to_string().replace("<input>", file)).collect();
    assert_eq!(fences[2].1, notes.join("\n\n") + "\n", "{heading}");
}

#[test]
fn the_examples_show_what_the_importers_give_and_say() {
    assert_example("## Envoy", "fault.yaml", import::envoy);
    assert_example("## Istio", "ratings.yaml", import::istio);
}
