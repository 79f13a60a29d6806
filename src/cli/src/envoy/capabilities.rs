//! The calls that the module may make to Envoy, and Envoy to the module: the names for Envoy's
//! `capability_restriction_config`.
//!
//! The restriction makes outbound calls impossible: no HTTP or gRPC call, no queue, no foreign function. A call that is
//! not listed fails, and Envoy never invokes a callback that is not listed. The test suite `module` checks these lists
//! against the module, and every suite with a real Envoy runs the module under them.

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

/// The WASI functions that the module calls: for clocks, for randomness, and for a panic to report where it happened.
pub const SYSTEM_CALLS: [&str; 3] = ["clock_time_get", "fd_write", "random_get"];

/// The functions of the module that Envoy calls and that it restricts: starting the module and allocating memory are
/// always allowed.
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

/// Returns all names for `allowed_capabilities`.
pub fn allowed() -> impl Iterator<Item = &'static str> {
    CALLS.into_iter().chain(SYSTEM_CALLS).chain(CALLBACKS)
}
