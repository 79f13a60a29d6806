//! What the module offers: its memory, and these functions of proxy-wasm 0.2.1. There is no SDK between them and the
//! host: the usual one exports all that there are, of which the host calls each for every exchange; it boxes a context
//! for every stream, knows two of the host's statuses only, and panics at an id that it does not know.
//!
//! A stream's end is told by `proxy_on_delete` alone: `proxy_on_log` and `proxy_on_done` come right before it.

use crate::contexts;
use crate::status::{DataStatus, HeadersStatus, TrailersStatus};
use crate::worker::Worker;
use brownout_core::step::Direction;
use std::alloc::{Layout, alloc};
use std::ptr::null_mut;

unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// Comes first, once. A module without it would have the linker wrap every function, to do the same before each call.
#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    // SAFETY: it is what the linker makes for exactly this purpose, and nothing else calls it.
    unsafe { __wasm_call_ctors() };
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

/// Memory for what the host hands over: `host::received` takes it as a vector of this capacity. Null if there is none,
/// and then the host's call fails.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_memory_allocate(size: usize) -> *mut u8 {
    match Layout::array::<u8>(size) {
        // SAFETY: the layout is not empty.
        Ok(layout) if size > 0 => unsafe { alloc(layout) },
        _ => null_mut(),
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(context: u32, root: u32) {
    if root == 0 {
        contexts::add_root(context, Worker::new(context));
    } else {
        contexts::add_stream(context, root);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(root: u32, _size: u32) -> u32 {
    contexts::root(root).is_some_and(|worker| worker.configure()).into()
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(root: u32) {
    if let Some(worker) = contexts::root(root) {
        worker.on_tick();
    }
}

/// Comes once for every context, however a stream ends.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(context: u32) {
    if let Some(worker) = contexts::take_stream(context) {
        worker.close(context);
    } else if let Some(worker) = contexts::remove_root(context) {
        worker.leave();
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(context: u32, _count: u32, end_of_stream: u32) -> u32 {
    let Some(worker) = contexts::take_stream(context) else { return HeadersStatus::Continue as u32 };
    let status = worker.on_request_headers(context, end_of_stream != 0);
    if worker.is_concerned_with(context) {
        contexts::keep_stream(context, worker);
    }
    status as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(context: u32, size: u32, end_of_stream: u32) -> u32 {
    on_body(context, Direction::Request, size, end_of_stream)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(context: u32, _count: u32) -> u32 {
    on_trailers(context, Direction::Request)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(context: u32, _count: u32, end_of_stream: u32) -> u32 {
    let status =
        contexts::stream(context).map(|worker| worker.on_response_headers(context, end_of_stream != 0));
    status.unwrap_or(HeadersStatus::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(context: u32, size: u32, end_of_stream: u32) -> u32 {
    on_body(context, Direction::Response, size, end_of_stream)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_trailers(context: u32, _count: u32) -> u32 {
    on_trailers(context, Direction::Response)
}

fn on_body(context: u32, direction: Direction, size: u32, end_of_stream: u32) -> u32 {
    let worker = contexts::stream(context);
    let status = worker.map(|worker| worker.on_data(context, direction, size, end_of_stream != 0));
    status.unwrap_or(DataStatus::Continue) as u32
}

fn on_trailers(context: u32, direction: Direction) -> u32 {
    let status = contexts::stream(context).map(|worker| worker.on_trailers(context, direction));
    status.unwrap_or(TrailersStatus::Continue) as u32
}
