//! docs/import.md: its tables are the importers' own, and its examples are what the importers say.

use brownout_cli::import::mapping::Table;
use brownout_cli::import::{self, Imported, Rejected};
use std::path::{Path, PathBuf};

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/import.md")
}

fn page() -> String {
    std::fs::read_to_string(path()).expect("docs/import.md is there")
}

const TABLES: [(&str, Table); 9] = [
    ("## Envoy", import::envoy::FIELDS),
    ("## Istio", import::istio::FIELDS),
    ("## Chaos Mesh", import::chaos_mesh::FIELDS),
    ("## Litmus", import::litmus::FIELDS),
    ("## Cilium", import::cilium::FIELDS),
    ("## Toxiproxy", import::toxiproxy::FIELDS),
    ("## Envoy Gateway", import::envoy_gateway::FIELDS),
    ("## Kuma", import::kuma::FIELDS),
    ("## Datadog", import::datadog::FIELDS),
];

/// `BROWNOUT_BLESS=1` writes the tables to `docs/import.md` instead of comparing them.
#[test]
fn the_tables_are_those_that_the_importers_obey() {
    for (heading, table) in TABLES {
        let page = page();
        let expected = table.markdown();
        let after = page.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no `{heading}`"));
        let start =
            after + page[after..].find("| field |").unwrap_or_else(|| panic!("no table in `{heading}`"));
        let end = page[start..].find("\n\n").map_or(page.len(), |length| start + length + 1);
        if std::env::var_os("BROWNOUT_BLESS").is_some() {
            std::fs::write(path(), [&page[..start], &expected, &page[end..]].concat()).expect("written");
        } else {
            assert_eq!(&page[start..end], expected, "docs/import.md, {heading}");
        }
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
    assert_example("## Chaos Mesh", "chaos.yaml", import::chaos_mesh);
    assert_example("## Litmus", "engine.yaml", import::litmus);
    assert_example("## Cilium", "policy.yaml", import::cilium);
    assert_example("## Toxiproxy", "proxy.yaml", import::toxiproxy);
    assert_example("## Envoy Gateway", "policy.yaml", import::envoy_gateway);
    assert_example("## Kuma", "policy.yaml", import::kuma);
    assert_example("## Datadog", "disruption.yaml", import::datadog);
}
