//! The module as a host sees it before running it: its imports, exports and size.

use brownout_cli::envoy::capabilities::{CALLBACKS, CALLS, SYSTEM_CALLS};
use brownout_link::{OFFERED, called};
use std::collections::BTreeSet;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// Functions that Rust's standard library always imports, besides those that we use through it.
const IMPORTS_OF_STD: [&str; 3] = ["environ_get", "environ_sizes_get", "proc_exit"];

/// Bytes. A Kubernetes object holds 1 MiB, which is 768 KiB in base64; the rest is for the surrounding manifest.
const LARGEST: usize = 440_000;

struct Module {
    bytes: Vec<u8>,
    imports: BTreeSet<String>,
    exports: BTreeSet<String>,
    starts: bool,
    customs: Vec<String>,
}

impl Module {
    fn read() -> Self {
        let path = support::repository::module();
        let mut module = Self {
            bytes: std::fs::read(&path).expect("the module is a file"),
            imports: BTreeSet::new(),
            exports: BTreeSet::new(),
            starts: false,
            customs: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(&module.bytes) {
            match payload.expect("the module is WebAssembly") {
                Payload::ImportSection(section) => {
                    module.imports.extend(section.into_imports().map(|import| {
                        let import = import.expect("an import");
                        format!("{}.{}", import.module, import.name)
                    }));
                }
                Payload::ExportSection(section) => {
                    let exports = section.into_iter().map(|export| export.expect("an export"));
                    module.exports.extend(exports.map(|export| export.name.to_owned()));
                }
                Payload::StartSection { .. } => module.starts = true,
                Payload::CustomSection(section) => module.customs.push(section.name().to_owned()),
                _ => {}
            }
        }
        module
    }
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

/// Returns the allowed imports. A host that lacks one of them cannot load the module, so extend the list deliberately.
fn allowed() -> BTreeSet<String> {
    let proxy = CALLS.iter().map(|name| format!("env.{name}"));
    let system = SYSTEM_CALLS.iter().chain(&IMPORTS_OF_STD);
    proxy.chain(system.map(|name| format!("wasi_snapshot_preview1.{name}"))).collect()
}

#[test]
fn what_it_may_call_is_what_its_source_names() {
    assert_eq!(called().map(str::to_owned).collect::<BTreeSet<_>>(), names(&CALLS));
}

#[test]
fn what_envoy_may_call_is_what_it_offers() {
    let mut offered = Module::read().exports;
    offered.retain(|name| name.starts_with("proxy_on_"));
    // Envoy does not restrict the export that allocates memory.
    offered.remove("proxy_on_memory_allocate");
    assert_eq!(offered, names(&CALLBACKS));
}

#[test]
fn it_asks_the_host_only_for_what_is_on_the_list() {
    let unlisted: Vec<_> = Module::read().imports.difference(&allowed()).cloned().collect();
    assert_eq!(unlisted, Vec::<String>::new());
}

#[test]
fn the_list_holds_nothing_that_it_does_not_ask_for() {
    let imports = Module::read().imports;
    let unused: BTreeSet<String> = allowed().difference(&imports).cloned().collect();
    assert_eq!(unused, BTreeSet::new());
}

#[test]
fn it_offers_the_calls_that_it_wants_to_get_and_nothing_else() {
    assert_eq!(Module::read().exports, names(&OFFERED));
}

#[test]
fn nothing_in_it_is_there_for_debuggers() {
    assert_eq!(Module::read().customs, [] as [String; 0]);
}

#[test]
fn nothing_runs_before_the_host_says_so() {
    let module = Module::read();
    // Envoy refuses a start section; a `_start` would make it a program that runs once.
    assert!(!module.starts, "the module has a start section");
    assert!(!module.exports.contains("_start"), "the module is a program, not a library");
}

#[test]
fn it_needs_no_feature_beyond_webassembly_2() {
    let validated = Validator::new_with_features(WasmFeatures::WASM2).validate_all(&Module::read().bytes);
    assert_eq!(validated.map(|_| ()).map_err(|error| error.to_string()), Ok(()));
}

#[test]
fn it_is_small() {
    let size = Module::read().bytes.len();
    assert!(size <= LARGEST, "{size} bytes, {LARGEST} are allowed");
}

#[test]
fn it_does_not_tell_where_it_was_built() {
    let module = Module::read();
    let text = String::from_utf8_lossy(&module.bytes);
    let home = std::env::var("HOME").expect("HOME is set");
    let checkout = support::repository::root().display().to_string();
    let folders = [home, checkout].map(|folder| format!("{folder}/"));
    let told: Vec<_> = folders.into_iter().filter(|folder| text.contains(folder.as_str())).collect();
    assert_eq!(told, Vec::<String>::new());
}
