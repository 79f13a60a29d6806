//! The module as a host finds it before running it: what it asks for, what it offers, how big it is.

use std::collections::BTreeSet;
use wasmparser::{ExternalKind, Parser, Payload, Validator, WasmFeatures};

/// What the module asks of its host. Each is in ABI 0.2.1, and Envoy has it. A host without one of them does not load
/// the module at all: a longer list is a decision.
const IMPORTS: [&str; 13] = [
    "env.proxy_add_header_map_value",
    "env.proxy_continue_stream",
    "env.proxy_define_metric",
    "env.proxy_get_buffer_bytes",
    "env.proxy_get_header_map_pairs",
    "env.proxy_get_header_map_value",
    "env.proxy_get_log_level",
    "env.proxy_increment_metric",
    "env.proxy_log",
    "env.proxy_record_metric",
    "env.proxy_send_local_response",
    "env.proxy_set_effective_context",
    "env.proxy_set_tick_period_milliseconds",
];

/// What comes along with the SDK and is never called: the default methods of its traits.
const IMPORTS_OF_THE_SDK: [&str; 23] = [
    "env.proxy_call_foreign_function",
    "env.proxy_close_stream",
    "env.proxy_dequeue_shared_queue",
    "env.proxy_done",
    "env.proxy_enqueue_shared_queue",
    "env.proxy_get_current_time_nanoseconds",
    "env.proxy_get_property",
    "env.proxy_get_shared_data",
    "env.proxy_get_status",
    "env.proxy_grpc_call",
    "env.proxy_grpc_cancel",
    "env.proxy_grpc_close",
    "env.proxy_grpc_send",
    "env.proxy_grpc_stream",
    "env.proxy_http_call",
    "env.proxy_register_shared_queue",
    "env.proxy_remove_header_map_value",
    "env.proxy_replace_header_map_value",
    "env.proxy_resolve_shared_queue",
    "env.proxy_set_buffer_bytes",
    "env.proxy_set_header_map_pairs",
    "env.proxy_set_property",
    "env.proxy_set_shared_data",
];

/// What Rust's standard library asks for.
const IMPORTS_OF_STD: [&str; 6] = [
    "wasi_snapshot_preview1.clock_time_get",
    "wasi_snapshot_preview1.environ_get",
    "wasi_snapshot_preview1.environ_sizes_get",
    "wasi_snapshot_preview1.fd_write",
    "wasi_snapshot_preview1.proc_exit",
    "wasi_snapshot_preview1.random_get",
];

/// What Envoy calls by name.
const EXPORTS: [&str; 11] = [
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_done",
    "proxy_on_memory_allocate",
    "proxy_on_request_headers",
    "proxy_on_response_headers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// Bytes. A Kubernetes object holds 1 MiB, which is 768 KiB in base64; the rest is for what stands around it.
const LARGEST: usize = 704 * 1024;

struct Module {
    bytes: Vec<u8>,
    imports: BTreeSet<String>,
    functions: BTreeSet<String>,
    starts: bool,
}

impl Module {
    fn read() -> Self {
        let path = support::repository::module();
        let mut module = Self {
            bytes: std::fs::read(&path).expect("the module is a file"),
            imports: BTreeSet::new(),
            functions: BTreeSet::new(),
            starts: false,
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
                    let functions = exports.filter(|export| export.kind == ExternalKind::Func);
                    module.functions.extend(functions.map(|export| export.name.to_owned()));
                }
                Payload::StartSection { .. } => module.starts = true,
                _ => {}
            }
        }
        module
    }
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

fn allowed() -> BTreeSet<String> {
    [&IMPORTS[..], &IMPORTS_OF_THE_SDK, &IMPORTS_OF_STD].into_iter().flat_map(names).collect()
}

#[test]
fn it_asks_the_host_only_for_what_is_on_the_list() {
    let unlisted: Vec<_> = Module::read().imports.difference(&allowed()).cloned().collect();
    assert_eq!(unlisted, Vec::<String>::new());
}

#[test]
fn the_list_holds_nothing_that_it_does_not_ask_for() {
    let unused: Vec<_> = allowed().difference(&Module::read().imports).cloned().collect();
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn it_offers_the_calls_that_envoy_makes() {
    let missing: Vec<_> = names(&EXPORTS).difference(&Module::read().functions).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn it_names_one_version_of_the_abi() {
    let functions = Module::read().functions;
    let versions: Vec<_> = functions.iter().filter(|name| name.starts_with("proxy_abi_version_")).collect();
    assert_eq!(versions, ["proxy_abi_version_0_2_1"]);
}

#[test]
fn nothing_runs_before_the_host_says_so() {
    let module = Module::read();
    // Envoy refuses a start section; a `_start` would make it a program that runs once.
    assert!(!module.starts, "the module has a start section");
    assert!(!module.functions.contains("_start"), "the module is a program, not a library");
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
    let home = std::env::var("HOME").expect("somebody runs this");
    let checkout = support::repository::root().display().to_string();
    let told: Vec<_> = [home, checkout].into_iter().filter(|folder| text.contains(folder.as_str())).collect();
    assert_eq!(told, Vec::<String>::new());
}
