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
    let expected =
        ["engine::Engine", "id::RuleId", "plan", "plan::rules::RuleSet", "view::effort::x"].map(String::from);
    assert_eq!(found, expected.into());
    let parent = "mod event;\npub use event::Event;\nfn f() { event::g(); } fn h() { some_event::i(); }";
    let found = imported("engine", parent, &known.map(String::from).into());
    assert_eq!(found, ["engine::event::g"].map(String::from).into());
    let exported = exports("engine", parent, &known.map(String::from).into());
    assert_eq!(exported, [("engine::Event".into(), "engine::event".into())]);
    assert!(imports().values().map(BTreeSet::len).sum::<usize>() > 300, "most imports are not found");
}

fn imports() -> Imports {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut texts = BTreeMap::new();
    read(&root, "", &mut texts);
    let known: BTreeSet<String> = texts.keys().cloned().collect();
    let exported: Exported = texts.iter().flat_map(|(module, text)| exports(module, text, &known)).collect();
    let imported = |(module, text): (&String, &String)| {
        let imported = imported(module, text, &known);
        // Who names a re-export imports the file that it comes from.
        let end = |path: &String| exported.get(path).cloned().or_else(|| module_of(path, &known));
        let mut modules: BTreeSet<String> = imported.iter().filter_map(end).collect();
        modules.remove(module);
        (module.clone(), modules)
    };
    texts.iter().map(imported).collect()
}

/// The paths of re-exports, and the modules that they come from.
type Exported = BTreeMap<String, String>;

fn exports(module: &str, text: &str, known: &BTreeSet<String>) -> Vec<(String, String)> {
    let uses = ["pub use ", "pub(crate) use "].map(|start| text.split(start).skip(1));
    let mut found = Vec::new();
    for text in uses.into_iter().flatten() {
        let mut leaves = Vec::new();
        path(text, "", &mut leaves);
        for leaf in leaves {
            let name = leaf.rsplit("::").next().unwrap();
            let from = module_of(&format!("{module}::{leaf}"), known);
            found.extend(from.filter(|from| from != module).map(|from| (format!("{module}::{name}"), from)));
        }
    }
    found
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

/// The paths in the core that a module's text names, without its own tests and without what it only re-exports.
fn imported(module: &str, text: &str, known: &BTreeSet<String>) -> BTreeSet<String> {
    // Tests inside the file come last; `mod tests;` names another file.
    let is_module = |at: &usize| {
        let mut lines = text[*at..].lines().skip_while(|line| line.starts_with("#["));
        lines.next().is_some_and(|line| line.starts_with("mod ") && line.contains('{'))
    };
    let own_tests = text.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(is_module);
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
            found.extend(leaves.iter().map(|leaf| resolved(module, leaf)));
        }
    }
    for child in known.iter().filter_map(|other| other.strip_prefix(&format!("{module}::"))) {
        let named = format!("{child}::");
        for (at, _) in code.match_indices(&named) {
            let before = code[..at].rsplit([';', '}']).next().unwrap().trim_start();
            let is_export = before.starts_with("pub use") || before.starts_with("pub(crate) use");
            let is_whole =
                !code[..at].ends_with(|letter: char| letter.is_alphanumeric() || "_:".contains(letter));
            if is_whole && !is_export {
                let mut leaves = Vec::new();
                path(&code[at..], "", &mut leaves);
                found.extend(leaves.iter().map(|leaf| format!("{module}::{leaf}")));
            }
        }
    }
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

/// A path from the root of the core.
fn resolved(module: &str, path: &str) -> String {
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
    base.join("::")
}

/// The module that a path leads to, or into.
fn module_of(path: &str, known: &BTreeSet<String>) -> Option<String> {
    let segments: Vec<&str> = path.split("::").collect();
    (1..=segments.len())
        .rev()
        .map(|length| segments[..length].join("::"))
        .find(|module| known.contains(module))
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
