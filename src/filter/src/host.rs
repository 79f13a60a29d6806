//! The host's calls, each with its status: this is the only file that names them.
//!
//! The SDK's wrappers are not used: they panic on unexpected statuses, and a panic takes down the VM with every request
//! that it holds. Here a call that fails is an [`Err`], and the caller makes sure that the request goes on.

use brownout_core::id::Direction;
use proxy_wasm::types::{BufferType, LogLevel, MapType, MetricType, StreamType};
use std::ptr::null_mut;

/// A host call that failed, with its proxy-wasm status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failed(pub u32);

impl Failed {
    /// proxy-wasm's `NotFound`.
    const NOT_FOUND: Self = Self(1);
}

/// The result of a host call.
pub type Result<T> = std::result::Result<T, Failed>;

const OK: u32 = 0;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, text: *const u8, size: usize) -> u32;
    fn proxy_get_log_level(level: *mut u32) -> u32;
    fn proxy_set_tick_period_milliseconds(period: u32) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        most: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        replaced: usize,
        data: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_get_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_get_property(path: *const u8, path_size: usize, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_set_property(path: *const u8, path_size: usize, value: *const u8, value_size: usize) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(key: *const u8, key_size: usize, data: *const u8, size: usize, cas: u32) -> u32;
    fn proxy_add_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
    fn proxy_continue_stream(stream: u32) -> u32;
    fn proxy_close_stream(stream: u32) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
    fn random_get(buffer: *mut u8, size: usize) -> u32;
}

/// The ids of WASI's clocks.
const CLOCK_REALTIME: u32 = 0;
const CLOCK_MONOTONIC: u32 = 1;

fn done(status: u32) -> Result<()> {
    if status == OK { Ok(()) } else { Err(Failed(status)) }
}

/// Runs a call that hands over memory which it has allocated through our `proxy_on_memory_allocate`.
fn received(call: impl FnOnce(*mut *mut u8, *mut usize) -> u32) -> Result<Vec<u8>> {
    let mut data = null_mut();
    let mut size = 0;
    done(call(&mut data, &mut size))?;
    if data.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: the host got this memory from the SDK's `proxy_on_memory_allocate`, which made it as a boxed slice of
    // exactly `size` bytes, has filled it, and has given it up.
    Ok(unsafe { Vec::from_raw_parts(data, size, size) })
}

/// Maps `NotFound` to `None`, since absence is not a failure.
fn optional(result: Result<Vec<u8>>) -> Result<Option<Vec<u8>>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Failed::NOT_FOUND) => Ok(None),
        Err(failed) => Err(failed),
    }
}

/// Writes a line to the host's log. A failure is ignored.
pub fn log(level: LogLevel, text: &str) {
    // SAFETY: the host reads `text` during the call.
    let _ = unsafe { proxy_log(level as u32, text.as_ptr(), text.len()) };
}

/// Returns the lowest log level that the host writes.
pub fn log_level() -> Result<u32> {
    let mut level = 0;
    // SAFETY: the host writes one u32 during the call.
    done(unsafe { proxy_get_log_level(&mut level) })?;
    Ok(level)
}

/// The monotonic clock, in nanoseconds from an origin of its own.
pub fn monotonic_nanoseconds() -> Result<u64> {
    clock(CLOCK_MONOTONIC)
}

/// The wall clock, in nanoseconds since 1970.
pub fn realtime_nanoseconds() -> Result<u64> {
    clock(CLOCK_REALTIME)
}

/// Returns 64 unpredictable bits from the host.
pub fn random() -> Result<u64> {
    let mut bytes = [0; 8];
    // SAFETY: the host writes these bytes during the call.
    done(unsafe { random_get(bytes.as_mut_ptr(), bytes.len()) })?;
    Ok(u64::from_le_bytes(bytes))
}

fn clock(clock: u32) -> Result<u64> {
    let mut time = 0;
    // SAFETY: the host writes one u64 during the call.
    done(unsafe { clock_time_get(clock, 0, &mut time) })?;
    Ok(time)
}

/// Has `on_tick` called at this period in milliseconds, starting now; 0 turns it off.
pub fn set_tick_period(milliseconds: u32) -> Result<()> {
    // SAFETY: no memory is passed.
    done(unsafe { proxy_set_tick_period_milliseconds(milliseconds) })
}

/// Switches the following calls to another context. Fails if it is gone.
pub fn set_effective_context(context: u32) -> Result<()> {
    // SAFETY: no memory is passed.
    done(unsafe { proxy_set_effective_context(context) })
}

/// Returns the plugin's configuration; empty if there is none.
pub fn plugin_configuration() -> Result<Vec<u8>> {
    let buffer = BufferType::PluginConfiguration as u32;
    // SAFETY: see `received`.
    let result = received(|data, size| unsafe { proxy_get_buffer_bytes(buffer, 0, usize::MAX, data, size) });
    Ok(optional(result)?.unwrap_or_default())
}

fn headers_of(direction: Direction) -> u32 {
    match direction {
        Direction::Request => MapType::HttpRequestHeaders as u32,
        Direction::Response => MapType::HttpResponseHeaders as u32,
    }
}

fn body_of(direction: Direction) -> u32 {
    match direction {
        Direction::Request => BufferType::HttpRequestBody as u32,
        Direction::Response => BufferType::HttpResponseBody as u32,
    }
}

fn stream_of(direction: Direction) -> u32 {
    match direction {
        Direction::Request => StreamType::HttpRequest as u32,
        Direction::Response => StreamType::HttpResponse as u32,
    }
}

/// Returns the first value of a header. A message's headers are available until they have been passed on.
pub fn header(direction: Direction, name: &str) -> Result<Option<Vec<u8>>> {
    let map = headers_of(direction);
    // SAFETY: the host reads `name` during the call; for the rest see `received`.
    optional(received(|data, size| unsafe {
        proxy_get_header_map_value(map, name.as_ptr(), name.len(), data, size)
    }))
}

/// Returns the first value of a response trailer. Only valid in the callback for the trailers.
pub fn response_trailer(name: &str) -> Result<Option<Vec<u8>>> {
    // SAFETY: the host reads `name` during the call; for the rest see `received`.
    optional(received(|data, size| unsafe {
        proxy_get_header_map_value(
            MapType::HttpResponseTrailers as u32,
            name.as_ptr(),
            name.len(),
            data,
            size,
        )
    }))
}

/// All headers of a message, in proxy-wasm's serialization.
pub fn headers(direction: Direction) -> Result<Vec<u8>> {
    let map = headers_of(direction);
    // SAFETY: see `received`.
    received(|data, size| unsafe { proxy_get_header_map_pairs(map, data, size) })
}

/// Replaces all headers of this name.
pub fn set_header(direction: Direction, name: &str, value: &[u8]) -> Result<()> {
    let map = headers_of(direction);
    // SAFETY: the host reads `name` and `value` during the call.
    done(unsafe {
        proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

pub fn add_header(direction: Direction, name: &str, value: &[u8]) -> Result<()> {
    let map = headers_of(direction);
    // SAFETY: the host reads `name` and `value` during the call.
    done(unsafe { proxy_add_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len()) })
}

/// Removes all headers of a name.
pub fn remove_header(direction: Direction, name: &str) -> Result<()> {
    let map = headers_of(direction);
    // SAFETY: the host reads `name` during the call.
    done(unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) })
}

/// Returns the first `size` bytes that the host shows of a body. Only valid in the callback for that body.
pub fn body(direction: Direction, size: usize) -> Result<Vec<u8>> {
    let buffer = body_of(direction);
    // SAFETY: see `received`.
    Ok(optional(received(|data, length| unsafe { proxy_get_buffer_bytes(buffer, 0, size, data, length) }))?
        .unwrap_or_default())
}

/// Replaces the first `replaced` bytes that the host shows of a body. Outside the callback for that body, this is valid
/// only after it has returned `StopIterationAndBuffer`: at any other time the host's buffer may be gone.
pub fn set_body(direction: Direction, replaced: usize, data: &[u8]) -> Result<()> {
    let buffer = body_of(direction);
    // SAFETY: the host reads `data` during the call.
    done(unsafe { proxy_set_buffer_bytes(buffer, 0, replaced, data.as_ptr(), data.len()) })
}

/// Returns a property; the parts of its path are joined by zero bytes.
pub fn property(path: &[u8]) -> Result<Option<Vec<u8>>> {
    // SAFETY: the host reads `path` during the call; for the rest see `received`.
    optional(received(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) }))
}

/// Sets a property of the exchange, which Envoy keeps as filter state under `wasm.` and the path.
pub fn set_property(path: &str, value: &[u8]) -> Result<()> {
    // SAFETY: the host reads `path` and `value` during the call.
    done(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

/// Returns the shared data under a key, with its version. All VMs of this proxy see the same.
pub fn shared_data(key: &str) -> Result<Option<(Vec<u8>, u32)>> {
    let mut cas = 0;
    // SAFETY: the host reads `key` and writes `cas` during the call; for the rest see `received`.
    let value = optional(received(|data, size| unsafe {
        proxy_get_shared_data(key.as_ptr(), key.len(), data, size, &mut cas)
    }))?;
    Ok(value.map(|value| (value, cas)))
}

/// Replaces the shared data under a key if its version is still this one, and fails with proxy-wasm's `CasMismatch`
/// otherwise. Version 0 matches any.
pub fn set_shared_data(key: &str, value: &[u8], cas: u32) -> Result<()> {
    // SAFETY: the host reads `key` and `value` during the call.
    done(unsafe { proxy_set_shared_data(key.as_ptr(), key.len(), value.as_ptr(), value.len(), cas) })
}

/// Answers the request. `headers` is in proxy-wasm's serialization.
pub fn send_local_response(
    status: u16,
    details: &str,
    body: &[u8],
    headers: &[u8],
    grpc_status: Option<u8>,
) -> Result<()> {
    // SAFETY: the host reads all four during the call.
    done(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            grpc_status.map_or(-1, i32::from),
        )
    })
}

/// Resumes a message that was held. On one that was not, and above all on a response whose headers have not arrived,
/// this can crash Envoy.
pub fn continue_stream(direction: Direction) -> Result<()> {
    // SAFETY: no memory is passed.
    done(unsafe { proxy_continue_stream(stream_of(direction)) })
}

/// Resets the stream, both ways. Calling this twice for one stream can crash Envoy.
pub fn close_stream() -> Result<()> {
    // SAFETY: no memory is passed.
    done(unsafe { proxy_close_stream(stream_of(Direction::Request)) })
}

/// Defines a metric, or finds the existing one with that name.
pub fn define_metric(kind: MetricType, name: &str) -> Result<u32> {
    let mut id = 0;
    // SAFETY: the host reads `name` and writes one u32 during the call.
    done(unsafe { proxy_define_metric(kind as u32, name.as_ptr(), name.len(), &mut id) })?;
    Ok(id)
}

/// Adds to a counter (more than 0) or a gauge.
pub fn increment_metric(id: u32, offset: i64) -> Result<()> {
    // SAFETY: no memory is passed.
    done(unsafe { proxy_increment_metric(id, offset) })
}

/// Sets a gauge, or records a value in a histogram.
pub fn record_metric(id: u32, value: u64) -> Result<()> {
    // SAFETY: no memory is passed.
    done(unsafe { proxy_record_metric(id, value) })
}
