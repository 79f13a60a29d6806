//! What the module may ask of Envoy, and Envoy of the module: the one list of names for Envoy's
//! `capability_restriction_config`.
//!
//! A module that may not call out cannot: no HTTP or gRPC call, no queue, no foreign function. A call that is not listed
//! fails, and a callback that is not listed never comes. The suite `module` holds these lists against the module, and
//! every suite with a real Envoy runs the module under them.

/// The functions of proxy-wasm 0.2.1 that the module calls.
pub const CALLS: [&str; 21] = [
    "proxy_add_header_map_value",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_get_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
];

/// The functions of WASI that it calls: its clocks, its chance, and a way for a panic to say where it was.
pub const SYSTEM_CALLS: [&str; 3] = ["clock_time_get", "fd_write", "random_get"];

/// The functions of the module that Envoy calls, as far as Envoy asks whether it may: it always may start the module and
/// have memory of it.
pub const CALLBACKS: [&str; 11] = [
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_request_body",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_body",
    "proxy_on_response_headers",
    "proxy_on_response_trailers",
    "proxy_on_tick",
    "proxy_on_vm_start",
];

/// All names of `allowed_capabilities`.
pub fn allowed() -> impl Iterator<Item = &'static str> {
    CALLS.into_iter().chain(SYSTEM_CALLS).chain(CALLBACKS)
}
