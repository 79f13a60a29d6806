//! The functions that the host calls. The SDK exports every callback, and the host calls each of them for every
//! exchange. The SDK also boxes a context for every stream, knows only two of the host's statuses, and panics at an
//! unknown id. So the filter has its own callbacks, and `src/link` puts them in place of the SDK's, which it removes.
//! Only the SDK's module start and memory allocation remain.
//!
//! `proxy_on_delete` alone signals the end of a stream: `proxy_on_log` and `proxy_on_done` come right before it.

use crate::contexts;
use crate::status::{DataStatus, HeadersStatus, TrailersStatus};
use crate::worker::Worker;
use brownout_core::id::Direction;
use std::rc::Rc;

/// The Wasm module's entry point, which the SDK defines.
mod start {
    proxy_wasm::main! {{}}
}

/// Accepts any VM configuration: nothing depends on it.
#[unsafe(no_mangle)]
extern "C" fn brownout_on_vm_start(_root: u32, _size: u32) -> u32 {
    1
}

/// Creates a root context, which is one plugin in one VM, or a stream.
#[unsafe(no_mangle)]
extern "C" fn brownout_on_context_create(context: u32, root: u32) {
    if root == 0 {
        contexts::add_root(context, &Rc::new(Worker::new(context)));
    } else {
        contexts::add_stream(context, root);
    }
}

/// Accepts every configuration: see [`Worker::configure`].
#[unsafe(no_mangle)]
extern "C" fn brownout_on_configure(root: u32, _size: u32) -> u32 {
    if let Some(worker) = contexts::root(root) {
        worker.configure();
    }
    1
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_tick(root: u32) {
    if let Some(worker) = contexts::root(root) {
        worker.on_tick();
    }
}

/// Ends a context. Called once for each, however a stream ends.
#[unsafe(no_mangle)]
extern "C" fn brownout_on_delete(context: u32) {
    if let Some(worker) = contexts::end_stream(context) {
        worker.close(context);
    } else if let Some(worker) = contexts::remove_root(context) {
        worker.leave();
    }
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_request_headers(context: u32, _count: u32, end_of_stream: u32) -> u32 {
    let Some(worker) = contexts::take_stream(context) else { return HeadersStatus::Continue as u32 };
    let status = worker.on_request_headers(context, end_of_stream != 0);
    if worker.is_concerned_with(context) {
        contexts::keep_stream(context, worker);
    }
    status as u32
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_request_body(context: u32, size: u32, end_of_stream: u32) -> u32 {
    on_body(context, Direction::Request, size, end_of_stream)
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_request_trailers(context: u32, _count: u32) -> u32 {
    on_trailers(context, Direction::Request)
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_response_headers(context: u32, _count: u32, end_of_stream: u32) -> u32 {
    let status =
        contexts::stream(context).map(|worker| worker.on_response_headers(context, end_of_stream != 0));
    status.unwrap_or(HeadersStatus::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_response_body(context: u32, size: u32, end_of_stream: u32) -> u32 {
    on_body(context, Direction::Response, size, end_of_stream)
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_response_trailers(context: u32, _count: u32) -> u32 {
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
