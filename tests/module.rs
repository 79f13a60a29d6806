//! The module as a host finds it before running it: what it asks for, what it offers, how big it is.

use brownout_cli::render::capabilities;
use std::collections::BTreeSet;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

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
const IMPORTS_OF_THE_SDK: [&str; 18] = [
    "env.proxy_call_foreign_function",
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
    "env.proxy_resolve_shared_queue",
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

/// All that the module offers. Envoy calls each function of a stream for every exchange, and none that is not there.
const EXPORTS: [&str; 15] = [
    "_initialize",
    "memory",
    "proxy_abi_version_0_2_1",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_memory_allocate",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_body",
    "proxy_on_response_headers",
    "proxy_on_response_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// Bytes. A Kubernetes object holds 1 MiB, which is 768 KiB in base64; the rest is for what stands around it.
const LARGEST: usize = 640 * 1024;

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
fn it_offers_the_calls_that_it_wants_to_get_and_nothing_else() {
    assert_eq!(Module::read().exports, names(&EXPORTS));
}

/// What rendered configurations let the module do.
#[test]
fn it_asks_for_nothing_that_rendered_configurations_neither_allow_nor_deny() {
    let bare = |name: &String| name.rsplit('.').next().expect("a name").to_owned();
    let decided = [&capabilities::IMPORTS[..], &capabilities::IMPORTS_OF_STD, &capabilities::DENIED];
    let decided: BTreeSet<String> = decided.into_iter().flat_map(names).collect();
    let open: Vec<String> =
        Module::read().imports.iter().map(bare).filter(|name| !decided.contains(name)).collect();
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn rendered_configurations_let_envoy_call_all_that_it_offers() {
    let mut functions = Module::read().exports;
    functions.remove("memory");
    assert_eq!(names(&capabilities::EXPORTS), functions);
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
    let home = std::env::var("HOME").expect("somebody runs this");
    let checkout = support::repository::root().display().to_string();
    let folders = [home, checkout].map(|folder| format!("{folder}/"));
    let told: Vec<_> = folders.into_iter().filter(|folder| text.contains(folder.as_str())).collect();
    assert_eq!(told, Vec::<String>::new());
}
