//! The functions that the module imports, and those that it exports.
//!
//! A sequence of calls that would crash Envoy is recorded, and reported once the callback has returned.

use super::proxy::{World, world};
use std::slice::from_raw_parts;

mod streams;
mod vm;

pub mod module {
    // The library that provides these functions: the module's own for streams, and the SDK's for root contexts.
    use brownout_filter_native as _;

    unsafe extern "C" {
        pub safe fn _initialize();
        pub safe fn proxy_on_memory_allocate(size: usize) -> *mut u8;
        #[link_name = "brownout_on_context_create"]
        pub safe fn proxy_on_context_create(context: u32, root: u32);
        #[link_name = "brownout_on_configure"]
        pub safe fn proxy_on_configure(root: u32, size: u32) -> u32;
        #[link_name = "brownout_on_tick"]
        pub safe fn proxy_on_tick(root: u32);
        #[link_name = "brownout_on_delete"]
        pub safe fn proxy_on_delete(context: u32);
        #[link_name = "brownout_on_request_headers"]
        pub safe fn proxy_on_request_headers(context: u32, count: u32, end: u32) -> u32;
        #[link_name = "brownout_on_request_body"]
        pub safe fn proxy_on_request_body(context: u32, size: u32, end: u32) -> u32;
        #[link_name = "brownout_on_request_trailers"]
        pub safe fn proxy_on_request_trailers(context: u32, count: u32) -> u32;
        #[link_name = "brownout_on_response_headers"]
        pub safe fn proxy_on_response_headers(context: u32, count: u32, end: u32) -> u32;
        #[link_name = "brownout_on_response_body"]
        pub safe fn proxy_on_response_body(context: u32, size: u32, end: u32) -> u32;
        #[link_name = "brownout_on_response_trailers"]
        pub safe fn proxy_on_response_trailers(context: u32, count: u32) -> u32;
    }
}

const OK: u32 = 0;
const NOT_FOUND: u32 = 1;
const BAD_ARGUMENT: u32 = 2;
const CAS_MISMATCH: u32 = 8;

/// Returns the bytes that a pointer and a size refer to.
unsafe fn bytes<'b>(data: *const u8, size: usize) -> &'b [u8] {
    // SAFETY: the module guarantees that there are `size` bytes.
    if size == 0 { &[] } else { unsafe { from_raw_parts(data, size) } }
}

unsafe fn text(data: *const u8, size: usize) -> String {
    // SAFETY: as above.
    String::from_utf8_lossy(unsafe { bytes(data, size) }).into_owned()
}

/// Hands bytes over in memory that the module allocates for them.
unsafe fn hand_over(value: &[u8], data: *mut *mut u8, size: *mut usize) -> u32 {
    let memory = module::proxy_on_memory_allocate(value.len());
    if memory.is_null() && !value.is_empty() {
        return 10;
    }
    // SAFETY: the module has allocated that many bytes, and passes a valid place for the answer.
    unsafe {
        if !value.is_empty() {
            memory.copy_from_nonoverlapping(value.as_ptr(), value.len());
        }
        *data = memory;
        *size = value.len();
    }
    OK
}

/// Writes an answer, or nonsense instead of it.
unsafe fn answer(
    call: &str,
    data: *mut *mut u8,
    size: *mut usize,
    truth: impl FnOnce(&mut World) -> Result<Vec<u8>, u32>,
) -> u32 {
    let value = world(|world| {
        let about = call.contains("header");
        if let Some(status) = world.odds.failure(call) {
            mislead(world, about);
            return Err(status);
        }
        if let Some(nonsense) = world.odds.nonsense().filter(|_| call != "proxy_get_buffer_bytes") {
            mislead(world, about);
            return Ok(nonsense);
        }
        truth(world)
    });
    match value {
        // SAFETY: the caller's.
        Ok(value) => unsafe { hand_over(&value, data, size) },
        Err(status) => status,
    }
}

/// Notes that the module was given false headers, so that it cannot know the message's length.
fn mislead(world: &mut World, headers: bool) {
    let effective = world.effective;
    if let Some(stream) = world.streams.get_mut(&effective).filter(|_| headers) {
        stream.misled = true;
    }
}
