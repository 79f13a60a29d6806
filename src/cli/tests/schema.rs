//! `brownout schema`: every valid document in the repository conforms to it, and editors report mistakes.

mod support;

use boon::{Compiler, SchemaIndex, Schemas};
use brownout_cli::document::{DocumentFile, text::Text};
use brownout_cli::manifest::{self, Role};
use brownout_core::kind::Kind;
use brownout_core::plan::Plan;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use support::{brownout, say};

struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn printed() -> Value {
        let said = say(brownout(&["schema"]), b"");
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        serde_json::from_str(&said.stdout).expect("JSON")
    }

    fn compiled() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("brownout.json", Self::printed()).expect("a resource");
        let index = compiler.compile("brownout.json", &mut schemas).expect("a schema");
        Self { schemas, index }
    }

    fn mistake(&self, document: &Value) -> Option<String> {
        self.schemas.validate(document, self.index).err().map(|error| format!("{error:#}"))
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder)).expect(folder);
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect()
}

/// The documents that README.md and docs/ show as good.
fn shown() -> Vec<(String, Value)> {
    let pages = files("docs", "md").into_iter().chain([root().join("README.md")]);
    let mut found = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
        for (number, fence) in text.split("```").enumerate().skip(1).step_by(2) {
            let (words, body) = fence.split_once('\n').unwrap_or_default();
            let file = match words.split(' ').collect::<Vec<_>>().as_slice() {
                ["json", "document" | "recipe", ..] => "a.json",
                ["yaml", "document" | "recipe", ..] => "a.yaml",
                _ => continue,
            };
            found.push((format!("{}, fence {number}", page.display()), value(file, body)));
        }
    }
    found
}

fn value(name: &str, text: &str) -> Value {
    let mut values = DocumentFile::new(name, text.as_bytes()).values().expect("JSON or YAML");
    serde_json::to_value(Text(&values.remove(0).0)).expect("JSON")
}

/// The documents of scenarios that must not be refused.
fn of_scenarios() -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for path in files("tests/scenarios", "yaml") {
        let mut scenario = value("a.yaml", &fs::read_to_string(&path).expect("a scenario"));
        if scenario.get("refused").is_none() && scenario.get("document").is_some() {
            found.push((path.display().to_string(), scenario["document"].take()));
        }
    }
    found
}

/// Those that manifests and Envoy's files carry.
fn carried() -> Vec<(String, Value)> {
    let mut found =
        vec![("envoy/demo.yaml".into(), value("a.yaml", include_str!("../../../envoy/demo.yaml")))];
    for path in ["istio", "cilium", "envoy", "envoy/xds"].iter().flat_map(|folder| files(folder, "yaml")) {
        let file = DocumentFile::open(&path).expect("a file");
        let Ok(Some(manifest)) = manifest::carried(&file) else { continue };
        for document in manifest.documents.iter().filter(|document| document.role == Role::Plugin) {
            found.push((path.display().to_string(), serde_json::from_str(&document.json).expect("JSON")));
        }
    }
    found
}

#[test]
fn every_good_document_of_the_repository_fits_the_schema_and_passes_the_check() {
    let schema = Schema::compiled();
    let documents: Vec<(String, Value)> = [shown(), of_scenarios(), carried()].concat();
    assert!(documents.len() > 40, "{} documents", documents.len());
    for (place, document) in documents {
        assert_eq!(Plan::from_json(document.to_string().as_bytes()).err(), None, "{place}");
        assert_eq!(schema.mistake(&document), None, "{place}: {document}");
    }
}

#[test]
fn the_examples_in_the_schema_are_good() {
    let schema = Schema::compiled();
    for example in Schema::printed()["examples"].as_array().expect("a list") {
        assert_eq!(schema.mistake(example), None);
        assert_eq!(Plan::from_json(example.to_string().as_bytes()).err(), None);
    }
}

#[test]
fn an_editor_is_told_of_usual_mistakes() {
    let schema = Schema::compiled();
    let rule = |fields: Value| {
        let mut rule = json!({ "name": "a", "percentage": 1, "abort": { "http_status": 503 } });
        let both = (rule.as_object_mut(), fields.as_object());
        if let (Some(rule), Some(fields)) = both {
            rule.extend(fields.clone());
        }
        json!({ "rules": [rule] })
    };
    assert_eq!(schema.mistake(&rule(json!({}))), None);
    let wrong = [
        json!({ "mood": "off" }),
        json!({ "mode": "of" }),
        json!({ "rules": [{ "name": "a", "abort": { "http_status": 503 } }] }),
        json!({ "rules": [{ "name": "a", "percentage": 1 }] }),
        rule(json!({ "name": "A" })),
        rule(json!({ "percentage": 120 })),
        rule(json!({ "abort": { "http_status": 99 } })),
        rule(json!({ "abort": { "http_status": 503, "grpc_status": 14 } })),
        rule(json!({ "delay": { "fixed_delay": 2 } })),
        rule(json!({ "delay": {} })),
        rule(json!({ "match": { "path": "/a" } })),
        rule(json!({ "match": { "path": { "prefx": "/a" } } })),
        rule(json!({ "sample": { "by": { "header": "a" }, "every": 3 } })),
    ];
    for document in wrong {
        assert!(Plan::from_json(document.to_string().as_bytes()).is_err(), "{document}");
        assert!(schema.mistake(&document).is_some(), "{document}");
    }
}

/// Every object has a description, and so does each of its fields.
#[test]
fn every_field_is_explained() {
    let schema = Schema::printed();
    let objects = schema["$defs"].as_object().expect("objects");
    let mut silent = Vec::new();
    for (name, object) in objects.iter().chain([(&"Document".to_owned(), &schema)]) {
        if object["description"].as_str().is_none_or(str::is_empty) {
            silent.push(name.clone());
        }
        for (field, inner) in object["properties"].as_object().into_iter().flatten() {
            if inner["description"].as_str().is_none_or(str::is_empty) {
                silent.push(format!("{name}.{field}"));
            }
        }
    }
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn every_kind_of_fault_stands_in_rules_and_in_outcomes() {
    let schema = Schema::printed();
    for kind in Kind::ALL {
        for place in ["Rule", "Outcome"] {
            assert!(
                schema["$defs"][place]["properties"].get(kind.name()).is_some(),
                "{place}: {}",
                kind.name()
            );
        }
    }
}

#[test]
fn a_word_that_is_none_is_a_mistake_for_editors_too() {
    let schema = Schema::compiled();
    for (field, good) in [("mode", "shadow"), ("placement", "upstream")] {
        assert_eq!(schema.mistake(&json!({ (field): good })), None);
        assert!(schema.mistake(&json!({ (field): "sideways" })).is_some(), "{field}");
    }
    let with = |field: &str, value: Value| json!({ "rules": [{ "name": "a", "percentage": 1, "reset": {}, (field): value }] });
    for (good, bad) in [
        (with("match", json!({ "direction": "inbound" })), with("match", json!({ "direction": "up" }))),
        (
            with("sample", json!({ "by": { "trace": {} }, "missing": "random" })),
            with("sample", json!({ "by": { "trace": {} }, "missing": "take" })),
        ),
    ] {
        assert_eq!(schema.mistake(&good), None);
        assert!(schema.mistake(&bad).is_some(), "{bad}");
    }
}
