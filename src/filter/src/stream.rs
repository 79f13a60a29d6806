//! The host's callbacks for streams, past the SDK: the functions here take the place of its own in the module (see
//! `src/link`). The SDK would box a context for each stream, answers with two of the host's statuses only, and panics
//! at an id that it does not know.

use crate::status::{DataStatus, HeadersStatus, TrailersStatus};
use crate::worker::Worker;
use brownout_core::step::Direction;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Who is responsible for which context. An updated plugin and the one before it live in one VM until the last
/// stream of the old one is over, and so do plugins that are configured differently.
struct Contexts {
    roots: BTreeMap<u32, Rc<Worker>>,
    streams: BTreeMap<u32, Rc<Worker>>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> =
        const { RefCell::new(Contexts { roots: BTreeMap::new(), streams: BTreeMap::new() }) };
}

impl Contexts {
    /// `None` if they are being looked at already, which no host brings about.
    fn with<R>(act: impl FnOnce(&mut Self) -> R) -> Option<R> {
        CONTEXTS.with(|contexts| Some(act(&mut *contexts.try_borrow_mut().ok()?)))
    }

    fn of_stream(id: u32) -> Option<Rc<Worker>> {
        Self::with(|contexts| contexts.streams.get(&id).map(Rc::clone)).flatten()
    }
}

/// Has the streams of a root context be the matter of this worker.
pub fn serve(root: u32, worker: &Rc<Worker>) {
    Contexts::with(|contexts| contexts.roots.insert(root, Rc::clone(worker)));
}

/// The SDK's functions, which go on serving root contexts. They panic at an id that they do not know.
mod sdk {
    unsafe extern "C" {
        pub safe fn proxy_on_context_create(context: u32, root: u32);
        pub safe fn proxy_on_delete(context: u32);
    }
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_context_create(context: u32, root: u32) {
    if root == 0 {
        sdk::proxy_on_context_create(context, root);
        return;
    }
    Contexts::with(|contexts| {
        if let Some(worker) = contexts.roots.get(&root) {
            contexts.streams.insert(context, Rc::clone(worker));
        }
    });
}

/// Comes once for every stream, however it ends.
#[unsafe(no_mangle)]
extern "C" fn brownout_on_delete(context: u32) {
    if let Some(worker) = Contexts::with(|contexts| contexts.streams.remove(&context)).flatten() {
        worker.end(context);
    } else if let Some(worker) = Contexts::with(|contexts| contexts.roots.remove(&context)).flatten() {
        // The host's timer outlives the context that set it.
        worker.disarm();
        sdk::proxy_on_delete(context);
    }
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_request_headers(context: u32, _count: u32, end_of_stream: u32) -> u32 {
    let status =
        Contexts::of_stream(context).map(|worker| worker.on_request_headers(context, end_of_stream != 0));
    status.unwrap_or(HeadersStatus::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_request_body(context: u32, size: u32, end_of_stream: u32) -> u32 {
    let status = Contexts::of_stream(context)
        .map(|worker| worker.on_data(context, Direction::Request, size, end_of_stream != 0));
    status.unwrap_or(DataStatus::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_request_trailers(context: u32, _count: u32) -> u32 {
    let status = Contexts::of_stream(context).map(|worker| worker.on_trailers(context, Direction::Request));
    status.unwrap_or(TrailersStatus::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_response_headers(context: u32, _count: u32, end_of_stream: u32) -> u32 {
    let status =
        Contexts::of_stream(context).map(|worker| worker.on_response_headers(context, end_of_stream != 0));
    status.unwrap_or(HeadersStatus::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_response_body(context: u32, size: u32, end_of_stream: u32) -> u32 {
    let status = Contexts::of_stream(context)
        .map(|worker| worker.on_data(context, Direction::Response, size, end_of_stream != 0));
    status.unwrap_or(DataStatus::Continue) as u32
}

#[unsafe(no_mangle)]
extern "C" fn brownout_on_response_trailers(context: u32, _count: u32) -> u32 {
    let status = Contexts::of_stream(context).map(|worker| worker.on_trailers(context, Direction::Response));
    status.unwrap_or(TrailersStatus::Continue) as u32
}
