//! Which worker a stream of the host belongs to, as long as that matters.
//!
//! The host makes a context of a stream known in the moment in which the headers of its request arrive. Most streams are
//! of no concern from then on, and are not kept: only those are that the engine still has something to do with.

use crate::worker::Worker;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// An updated plugin and the one before it live in one VM until the last stream of the old one is over, and so do
/// plugins that are configured differently.
struct Contexts {
    roots: Vec<(u32, Rc<Worker>)>,
    /// The stream that was made known last, until its request arrives.
    newest: Option<(u32, Rc<Worker>)>,
    /// The streams with which something is still to be done.
    kept: BTreeMap<u32, Rc<Worker>>,
    /// Contexts of one and the same stream, where the module is more than once in a chain: each with the first of them.
    twins: Vec<(u32, u32)>,
}

thread_local! {
    static CONTEXTS: RefCell<Contexts> =
        const { RefCell::new(Contexts {
            roots: Vec::new(),
            newest: None,
            kept: BTreeMap::new(),
            twins: Vec::new(),
        })
    };
}

/// `None` if they are being looked at already, which no host brings about.
fn with<R>(act: impl FnOnce(&mut Contexts) -> R) -> Option<R> {
    CONTEXTS.with(|contexts| Some(act(&mut *contexts.try_borrow_mut().ok()?)))
}

/// Has the streams of a root context be the matter of this worker.
pub fn add_root(id: u32, worker: &Rc<Worker>) {
    with(|contexts| contexts.roots.push((id, Rc::clone(worker))));
}

/// The worker of a root context.
pub fn root(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| contexts.root(id).cloned()).flatten()
}

/// Forgets a root context.
pub fn remove_root(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| {
        let position = contexts.roots.iter().position(|(known, _)| *known == id)?;
        Some(contexts.roots.swap_remove(position).1)
    })
    .flatten()
}

/// A stream has begun.
pub fn add_stream(id: u32, root: u32) {
    with(|contexts| {
        let worker = contexts.root(root).cloned();
        let newest = std::mem::replace(&mut contexts.newest, worker.map(|worker| (id, worker)));
        // Envoy makes the contexts of a stream known one after another, and then brings its request to each: one that
        // has not had its request belongs to the same stream.
        if let Some((twin, worker)) = newest {
            match contexts.first_twin(twin) {
                Some(first) => contexts.twins.push((id, first)),
                None => contexts.twins.extend([(twin, twin), (id, twin)]),
            }
            contexts.kept.insert(twin, worker);
        }
    });
}

/// The worker of a stream whose request arrives: the stream is forgotten, unless it is [kept](keep_stream).
pub fn take_stream(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| contexts.take(id)).flatten()
}

/// The contexts of the same stream, itself among them.
pub fn twins(id: u32) -> Vec<u32> {
    let twins = with(|contexts| {
        let first = contexts.first_twin(id)?;
        let same = contexts.twins.iter().filter(|(_, other)| *other == first);
        Some(same.map(|(id, _)| *id).collect::<Vec<_>>())
    });
    twins.flatten().unwrap_or_else(|| vec![id])
}

/// The worker of a stream that is over, if that matters to it.
pub fn end_stream(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| {
        if !contexts.twins.is_empty() {
            contexts.twins.retain(|(twin, _)| *twin != id);
        }
        contexts.take(id)
    })
    .flatten()
}

/// Goes on to know a stream.
pub fn keep_stream(id: u32, worker: Rc<Worker>) {
    with(|contexts| contexts.kept.insert(id, worker));
}

/// The worker of a stream that is of concern.
pub fn stream(id: u32) -> Option<Rc<Worker>> {
    with(|contexts| contexts.kept.get(&id).cloned()).flatten()
}

impl Contexts {
    fn take(&mut self, id: u32) -> Option<Rc<Worker>> {
        match self.newest.take_if(|(newest, _)| *newest == id) {
            Some((_, worker)) => Some(worker),
            None => self.kept.remove(&id),
        }
    }

    fn first_twin(&self, id: u32) -> Option<u32> {
        self.twins.iter().find(|(twin, _)| *twin == id).map(|(_, first)| *first)
    }

    fn root(&self, id: u32) -> Option<&Rc<Worker>> {
        self.roots.iter().find(|(known, _)| *known == id).map(|(_, worker)| worker)
    }
}
