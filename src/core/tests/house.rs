//! The order in which parts of the core may import each other: CONTRIBUTING.md explains the layout.

#![cfg(not(target_family = "wasm"))]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// From the bottom up: each room may import those before it, and itself.
const ROOMS: &[&str] = &[
    "id",
    "table",
    "kind",
    "entropy",
    "decode",
    "value",
    "words",
    "time",
    "view",
    "step",
    "predicate",
    "body",
    "change",
    "effect",
    "fault",
    "limit",
    "stop",
    "document",
    "plan",
    "engine",
    "sim",
    "explain",
    "lint",
];

/// The most files that may import each other in a circle.
const LARGEST_CIRCLE: usize = 3;

type Imports = BTreeMap<String, BTreeSet<String>>;

#[test]
fn rooms_import_only_those_below_them() {
    let place = |module: &str| {
        let room = module.split("::").next().unwrap();
        ROOMS
            .iter()
            .position(|known| *known == room)
            .unwrap_or_else(|| panic!("no place for `{room}` in ROOMS"))
    };
    let upwards: Vec<String> = imports()
        .iter()
        .flat_map(|(module, imported)| imported.iter().map(move |other| (module, other)))
        .filter(|(module, other)| place(module) < place(other))
        .map(|(module, other)| format!("{module} imports {other}"))
        .collect();
    assert_eq!(upwards, Vec::<String>::new());
}

#[test]
fn no_more_than_three_files_import_each_other_in_a_circle() {
    let imports = imports();
    let reachable: BTreeMap<&String, BTreeSet<&String>> =
        imports.keys().map(|module| (module, reachable(module, &imports))).collect();
    for (module, others) in &reachable {
        let circle: Vec<_> = others.iter().filter(|other| reachable[*other].contains(module)).collect();
        assert!(circle.len() <= LARGEST_CIRCLE, "{circle:?}");
    }
}

/// So that there is one driver of the engine.
#[test]
fn tests_drive_the_engine_through_the_simulated_proxy() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = [folder.clone(), folder.join("common")].map(|folder| fs::read_dir(folder).unwrap());
    let files: Vec<_> = files.into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    let sources: Vec<_> =
        files.iter().filter(|path| path.extension().is_some_and(|end| end == "rs")).collect();
    assert!(sources.len() > 30);
    for call in ["on_request_headers", "on_response_headers", "on_data", "on_trailers", "close", "end"] {
        let direct = format!("engine.{call}(");
        let found: Vec<_> =
            sources.iter().filter(|path| fs::read_to_string(path).unwrap().contains(&direct)).collect();
        assert!(found.is_empty(), "{direct} in {found:?}");
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use super::Engine;\nuse crate::{id::RuleId, plan::{self, rules::RuleSet as R}};\n\
        fn f() { crate::view::effort::x(); } // crate::time\n#[cfg(test)]\nmod tests { use crate::lint; }";
    let known =
        ["engine", "engine::event", "id", "plan", "plan::rules", "view", "view::effort", "time", "lint"];
    let found = imported("engine::event", text, &known.map(String::from).into());
    let expected = ["engine", "id", "plan", "plan::rules", "view::effort"];
    assert_eq!(found, expected.map(String::from).into());
    assert!(imports().values().map(BTreeSet::len).sum::<usize>() > 300, "most imports are not found");
}

fn imports() -> Imports {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = BTreeMap::new();
    read(&root, "", &mut texts);
    let known = texts.keys().cloned().collect();
    texts.iter().map(|(module, text)| (module.clone(), imported(module, text, &known))).collect()
}

fn read(folder: &Path, module: &str, texts: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let inner = if module.is_empty() { name.into() } else { format!("{module}::{name}") };
        if path.is_dir() {
            read(&path, &inner, texts);
        } else if name == "mod" {
            texts.insert(module.into(), fs::read_to_string(&path).unwrap());
        } else if inner != "lib" {
            texts.insert(inner, fs::read_to_string(&path).unwrap());
        }
    }
}

/// The modules of the core that a module's text names, without its own tests.
fn imported(module: &str, text: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    // Tests inside the file come last; `mod tests;` names another file.
    let own_tests = text.match_indices("#[cfg(test)]\nmod ").map(|(at, _)| at);
    let own_tests = own_tests.filter(|at| text[*at..].lines().nth(1).unwrap().contains('{')).min();
    let text = &text[..own_tests.unwrap_or(text.len())];
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for root in ["crate::", "super::"] {
        for (at, _) in code.match_indices(root) {
            // `super::super::` is one path, and so is `pub(super)`, which is none.
            if code[..at].ends_with("::") {
                continue;
            }
            let mut leaves = Vec::new();
            path(&code[at..], "", &mut leaves);
            found.extend(leaves.iter().filter_map(|leaf| resolved(module, leaf, known)));
        }
    }
    found.remove(module);
    found
}

/// Reads one path, with all that its braces hold, and returns the rest of the text.
fn path<'a>(text: &'a str, before: &str, leaves: &mut Vec<String>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        loop {
            rest = path(rest, before, leaves).trim_start();
            let end = rest.find([',', '}']).expect("a brace is closed");
            let closed = rest[end..].starts_with('}');
            rest = rest[end + 1..].trim_start();
            if closed {
                return rest;
            }
        }
    }
    let end = text.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(text.len());
    let here = if before.is_empty() { text[..end].into() } else { format!("{before}::{}", &text[..end]) };
    match text[end..].strip_prefix("::") {
        Some(rest) => path(rest, &here, leaves),
        None => {
            leaves.push(here);
            &text[end..]
        }
    }
}

/// The module that a path leads to, or into.
fn resolved(module: &str, path: &str, known: &BTreeSet<String>) -> Option<String> {
    let mut base: Vec<&str> = module.split("::").collect();
    let mut segments: Vec<&str> = path.split("::").filter(|segment| *segment != "self").collect();
    if segments[0] == "crate" {
        base.clear();
        segments.remove(0);
    }
    while segments.first() == Some(&"super") {
        base.pop();
        segments.remove(0);
    }
    base.extend(segments);
    (1..=base.len()).rev().map(|length| base[..length].join("::")).find(|module| known.contains(module))
}

fn reachable<'a>(from: &String, imports: &'a Imports) -> BTreeSet<&'a String> {
    let mut found = BTreeSet::new();
    let mut ahead: Vec<&String> = imports[from].iter().collect();
    while let Some(module) = ahead.pop() {
        if found.insert(module) {
            ahead.extend(&imports[module]);
        }
    }
    found
}
