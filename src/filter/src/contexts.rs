//! Maps the host's streams to their workers, as long as they are needed.
//!
//! The host creates the context of a stream when its request headers arrive. Most streams need nothing after that and
//! are not kept: only those are that the engine still has work to do on.

use crate::worker::Worker;
use brownout_core::table::Table;
use std::cell::RefCell;
use std::rc::Rc;

/// The contexts of one VM. An updated plugin and its predecessor share a VM until the last stream of the old one is
/// over, and plugins with different configurations share one too.
struct Contexts {
    roots: Vec<(u32, Rc<Worker>)>,
    /// The stream created last, until its request arrives.
    newest: Option<(u32, Rc<Worker>)>,
    /// The streams that still need work.
    kept: Table<Rc<Worker>>,
    /// Contexts of the same stream, if the module is in a chain more than once: each with the first of them.
    twins: Vec<(u32, u32)>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> =
        const { RefCell::new(Contexts {
            roots: Vec::new(),
            newest: None,
            kept: Table::new(),
            twins: Vec::new(),
        })
    };
}

/// Returns `None` on a reentrant call, which no host makes.
fn with<R>(act: impl FnOnce(&mut Contexts) -> R) -> Option<R> {
    CONTEXTS.with(|contexts| Some(act(&mut *contexts.try_borrow_mut().ok()?)))
}

/// Routes this root context's streams to `worker`.
pub fn add_root(id: u32, worker: &Rc<Worker>) {
    with(|contexts| contexts.roots.push((id, Rc::clone(worker))));
}

/// Returns the worker of a root context.
pub fn root(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| contexts.root(id).cloned()).flatten()
}

/// Calls `act` for the worker of each root context.
pub fn each_root(act: impl FnMut(&Worker)) {
    let roots =
        with(|contexts| contexts.roots.iter().map(|(_, worker)| Rc::clone(worker)).collect::<Vec<_>>());
    roots.iter().flatten().map(AsRef::as_ref).for_each(act);
}

/// Forgets a root context, and returns its worker.
pub fn remove_root(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| {
        let position = contexts.roots.iter().position(|(known, _)| *known == id)?;
        Some(contexts.roots.swap_remove(position).1)
    })
    .flatten()
}

/// Adds a new stream of this root context.
pub fn add_stream(id: u32, root: u32) {
    with(|contexts| {
        let worker = contexts.root(root).cloned();
        let newest = std::mem::replace(&mut contexts.newest, worker.map(|worker| (id, worker)));
        // Envoy creates all contexts of a stream in turn, and only then delivers its request to each: one that has not
        // had its request belongs to the same stream.
        if let Some((twin, worker)) = newest {
            match contexts.first_twin(twin) {
                Some(first) => contexts.twins.push((id, first)),
                None => contexts.twins.extend([(twin, twin), (id, twin)]),
            }
            contexts.kept.insert(twin, worker);
        }
    });
}

/// Returns the worker of a stream whose request arrives. The stream is forgotten unless it is [kept](keep_stream).
pub fn take_stream(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| contexts.take(id)).flatten()
}

/// Returns the contexts of the same stream, including this one.
pub fn twins(id: u32) -> Vec<u32> {
    let twins = with(|contexts| {
        let first = contexts.first_twin(id)?;
        let same = contexts.twins.iter().filter(|(_, other)| *other == first);
        Some(same.map(|(id, _)| *id).collect::<Vec<_>>())
    });
    twins.flatten().unwrap_or_else(|| vec![id])
}

/// Returns the worker of a stream that is over, if it needs to know.
pub fn end_stream(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| {
        if !contexts.twins.is_empty() {
            contexts.twins.retain(|(twin, _)| *twin != id);
        }
        contexts.take(id)
    })
    .flatten()
}

/// Keeps a stream until it ends.
pub fn keep_stream(id: u32, worker: Rc<Worker>) {
    with(|contexts| contexts.kept.insert(id, worker));
}

/// Returns the worker of a stream that is kept.
pub fn stream(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| contexts.kept.get(id).cloned()).flatten()
}

impl Contexts {
    fn take(&mut self, id: u32) -> Option<Rc<Worker>> {
        match self.newest.take_if(|(newest, _)| *newest == id) {
            Some((_, worker)) => Some(worker),
            None => self.kept.remove(id),
        }
    }

    fn first_twin(&self, id: u32) -> Option<u32> {
        self.twins.iter().find(|(twin, _)| *twin == id).map(|(_, first)| *first)
    }

    fn root(&self, id: u32) -> Option<&Rc<Worker>> {
        self.roots.iter().find(|(known, _)| *known == id).map(|(_, worker)| worker)
    }
}
