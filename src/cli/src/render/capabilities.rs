//! What the module may ask of Envoy, and Envoy of the module: the one list.
//!
//! A module that may not call out cannot: no HTTP or gRPC call, no queue, no foreign function. A call that the module
//! makes and the list lacks would fail; a callback that the list lacks would not come. The suite `module` holds the list
//! against the module, and the suite `manifests` runs the module under it.

/// Calls from the module to Envoy.
pub const IMPORTS: [&str; 28] = [
    "proxy_add_header_map_value",
    "proxy_close_stream",
    "proxy_continue_stream",
    "proxy_define_metric",
    "proxy_get_buffer_bytes",
    "proxy_get_current_time_nanoseconds",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_log_level",
    "proxy_get_property",
    "proxy_get_shared_data",
    "proxy_get_status",
    "proxy_increment_metric",
    "proxy_log",
    "proxy_record_metric",
    "proxy_remove_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_send_local_response",
    "proxy_set_buffer_bytes",
    "proxy_set_effective_context",
    "proxy_set_header_map_pairs",
    "proxy_set_property",
    "proxy_set_shared_data",
    "proxy_set_tick_period_milliseconds",
    "clock_time_get",
    "fd_write",
    "proc_exit",
    "random_get",
];

/// What else Rust's standard library links.
pub const IMPORTS_OF_STD: [&str; 2] = ["environ_get", "environ_sizes_get"];

/// Calls from Envoy to the module: all that it offers.
pub const EXPORTS: [&str; 14] = [
    "_initialize",
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

/// What the module links and must never need: ways out of the proxy.
pub const DENIED: [&str; 12] = [
    "proxy_call_foreign_function",
    "proxy_dequeue_shared_queue",
    "proxy_done",
    "proxy_enqueue_shared_queue",
    "proxy_grpc_call",
    "proxy_grpc_cancel",
    "proxy_grpc_close",
    "proxy_grpc_send",
    "proxy_grpc_stream",
    "proxy_http_call",
    "proxy_register_shared_queue",
    "proxy_resolve_shared_queue",
];
