//! The host: its streams and timers, and the order in which it calls the module.

mod messages;

use super::calls::module;
use super::odds::Odds;
use super::stream::{Action, Stream};
use crate::engine::pool;
use crate::exchange::{self, Request};
use arbitrary::Unstructured;
use brownout_core::id::Direction;
use brownout_core::sim::Message;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

/// The most streams under way.
const MOST_STREAMS: usize = 120;
/// The most streams that a tick may release.
const MOST_RELEASES: usize = 100;

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

/// The state that the module's calls can see and change.
pub struct World {
    pub odds: Odds,
    pub now: u64,
    pub wall: u64,
    pub effective: u32,
    pub streams: BTreeMap<u32, Stream>,
    /// By root context: the period in nanoseconds, and when the tick is due.
    pub timers: BTreeMap<u32, (u64, u64)>,
    pub roots: Vec<u32>,
    pub configuration: Vec<u8>,
    pub shared: HashMap<Vec<u8>, (Vec<u8>, u32)>,
    /// Names and values of metrics; the index is the metric's number.
    pub metrics: Vec<(String, i64)>,
    /// True once defining or updating a metric has failed.
    pub miscounted: bool,
    /// The part of a body that is visible during its callback.
    pub shown: Option<(u32, Direction, Vec<u8>)>,
    /// The stream and direction whose headers are visible.
    pub headers_of: Option<(u32, Direction)>,
    pub actions: Vec<(u32, Action)>,
    /// Violations, reported once the callback has returned, since a panic cannot unwind through the module.
    pub wrong: Vec<String>,
}

impl World {
    fn new() -> Self {
        Self {
            odds: Odds::good(),
            now: 1_000_000_000,
            wall: 1_700_000_000_000_000_000,
            effective: 0,
            streams: BTreeMap::new(),
            timers: BTreeMap::new(),
            roots: Vec::new(),
            configuration: Vec::new(),
            shared: HashMap::new(),
            metrics: Vec::new(),
            miscounted: false,
            shown: None,
            headers_of: None,
            actions: Vec::new(),
            wrong: Vec::new(),
        }
    }
}

/// Reads or changes the host's state.
pub fn world<R>(act: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with(|world| act(&mut world.borrow_mut()))
}

/// The caller of the module.
pub struct Proxy {
    last: u32,
    root: Option<u32>,
    rewrites: bool,
}

impl Proxy {
    /// A host with one VM, and nothing in it.
    pub fn start(odds: Odds) -> Self {
        world(|world| world.odds = odds);
        module::_initialize();
        Self { last: 0, root: None, rewrites: false }
    }

    /// Sets the effective context, calls the module, and carries out what it asked for.
    fn call<R>(&mut self, context: u32, call: impl FnOnce() -> R) -> R {
        world(|world| {
            world.effective = context;
            world.streams.values_mut().for_each(|stream| stream.actions = 0);
        });
        let result = call();
        let wrong = world(|world| std::mem::take(&mut world.wrong));
        assert!(wrong.is_empty(), "{wrong:?}");
        result
    }

    /// Carries out what the module asked for in its last callback.
    fn settle(&mut self) {
        let actions = world(|world| std::mem::take(&mut world.actions));
        for (id, action) in actions {
            match action {
                Action::Continue(direction) => self.resume(id, direction),
                Action::Close => self.delete(id),
                Action::Reply(status, headers, body) => self.reply(id, status, headers, body),
            }
        }
    }

    /// Gives a plugin a document, in a new root context, as Envoy does with every change of configuration.
    pub fn configure(&mut self, document: String) {
        self.rewrites |= pool::rewrites(&document);
        let root = self.next();
        world(|world| {
            world.configuration = document.into_bytes();
            world.roots.push(root);
        });
        self.call(root, || module::proxy_on_context_create(root, 0));
        let accepted = self.call(root, || module::proxy_on_configure(root, 0));
        self.settle();
        assert_eq!(accepted, 1, "a document must never be refused: that would block other updates");
        let old = self.root.replace(root);
        old.into_iter().for_each(|old| self.retire(old));
    }

    /// Deletes a root context that is no longer in force, once its last stream is gone.
    fn retire(&mut self, root: u32) {
        let used = world(|world| world.streams.values().any(|stream| stream.root == root));
        if !used && world(|world| world.roots.contains(&root)) {
            world(|world| world.roots.retain(|known| *known != root));
            self.call(root, || module::proxy_on_delete(root));
            world(|world| world.timers.remove(&root));
        }
    }

    fn next(&mut self) -> u32 {
        self.last += 1;
        self.last
    }

    /// Lets a request arrive, unless there are too many streams.
    pub fn request(&mut self, input: &mut Unstructured<'_>) {
        let Some(root) = self.root.filter(|_| world(|world| world.streams.len() < MOST_STREAMS)) else {
            return;
        };
        let mut facts = Request::any(input);
        if input.ratio(1, 8).unwrap_or(false) {
            let document = pool::document(input);
            self.rewrites |= pool::rewrites(&document);
            facts.route_document = Some(document.into_bytes());
        }
        let size = usize::from(input.int_in_range(0..=2000_u16).unwrap_or(0));
        if facts.has_body {
            exchange::tell_length(&mut facts.headers, size);
        }
        let trailers = input.ratio(1, 4).unwrap_or(false);
        let request = Message::new(&facts.headers, facts.has_body.then(|| exchange::body(size)), trailers);
        let has_body = facts.has_body;
        let stream = Stream {
            root,
            facts,
            request,
            response: None,
            ending: false,
            deleting: false,
            actions: 0,
            stuck: false,
            misled: false,
            answered: false,
            rewritten: self.rewrites,
        };
        let id = self.next();
        world(|world| world.streams.insert(id, stream));
        self.call(id, || module::proxy_on_context_create(id, root));
        self.headers(id, Direction::Request, has_body);
    }

    /// Calls the module with headers, and does what it returns.
    fn headers(&mut self, id: u32, direction: Direction, has_body: bool) {
        world(|world| world.headers_of = Some((id, direction)));
        let status = self.call(id, || match direction {
            Direction::Request => module::proxy_on_request_headers(id, 0, (!has_body).into()),
            Direction::Response => module::proxy_on_response_headers(id, 0, (!has_body).into()),
        });
        world(|world| {
            world.headers_of = None;
            if let Some(message) = world.streams.get_mut(&id).and_then(|stream| stream.message(direction)) {
                assert!(status == 0 || status == 4, "status {status} for headers");
                message.hold(status == 4);
            }
        });
        self.settle();
        self.finish_if_complete(id);
    }

    fn finish_if_complete(&mut self, id: u32) {
        let complete = world(|world| {
            let stream = world.streams.get(&id)?;
            stream.assert_sound();
            (stream.is_complete() && !stream.ending).then_some(())
        });
        if complete.is_some() {
            self.delete(id);
        }
    }

    /// Lets the client of one of the streams leave.
    pub fn leave(&mut self, input: &mut Unstructured<'_>) {
        if let Some(id) = self.pick(input) {
            self.delete(id);
        }
    }

    /// The end of a stream, for whatever reason.
    fn delete(&mut self, id: u32) {
        let root = world(|world| {
            let stream = world.streams.get_mut(&id)?;
            stream.deleting = true;
            Some(stream.root)
        });
        let Some(root) = root else { return };
        self.call(id, || module::proxy_on_delete(id));
        world(|world| {
            world.streams.remove(&id);
            world.actions.retain(|(other, _)| *other != id);
        });
        if self.root != Some(root) {
            self.retire(root);
        }
    }

    /// Time passes, and ticks come.
    pub fn wait(&mut self, nanoseconds: u64) {
        world(|world| {
            world.now = world.now.saturating_add(nanoseconds);
            world.wall = world.wall.saturating_add(nanoseconds);
        });
        let now = world(|world| world.now);
        let due: Vec<u32> = world(|world| {
            let due = world.timers.iter().filter(|(_, (_, due))| *due <= now);
            due.map(|(root, _)| *root).collect()
        });
        for root in due {
            world(|world| {
                if let Some((period, due)) = world.timers.get_mut(&root) {
                    *due = now.saturating_add(*period);
                }
            });
            self.call(root, || module::proxy_on_tick(root));
            let released = world(|world| world.actions.len());
            assert!(released <= MOST_RELEASES, "{released} releases in a tick");
            self.settle();
        }
    }

    /// Changes how the host answers from now on.
    pub fn change_odds(&mut self, odds: Odds) {
        world(|world| world.odds = odds);
    }

    /// Makes the clocks jump, forwards or backwards.
    pub fn move_clocks(&mut self, input: &mut Unstructured<'_>) {
        match input.int_in_range(0..=3_u8).unwrap_or(0) {
            0 => world(|world| world.wall = input.arbitrary().unwrap_or(0)),
            1 => world(|world| world.now = world.now.saturating_sub(5_000_000_000)),
            2 => self.wait(7_200_000_000_000),
            _ => world(|world| world.now = world.now.max(input.arbitrary::<u64>().unwrap_or(0) >> 2)),
        }
    }

    /// Makes every call succeed from now on, and gives everything that waits enough time.
    pub fn finish(&mut self) {
        self.change_odds(Odds::good());
        for _ in 0..20 {
            self.wait(3 * 3_600_000_000_000);
        }
        let ids: Vec<u32> = world(|world| world.streams.keys().copied().collect());
        for id in &ids {
            for direction in [Direction::Request, Direction::Response] {
                self.more(*id, direction, usize::MAX);
                self.more(*id, direction, usize::MAX);
            }
        }
        for _ in 0..20 {
            self.wait(3 * 3_600_000_000_000);
        }
        world(|world| {
            for stream in world.streams.values().filter(|stream| !stream.stuck && !stream.answered) {
                for direction in [Direction::Request, Direction::Response] {
                    assert!(!stream.waits(direction), "{direction:?} waits for ever: {stream:?}");
                }
            }
        });
        ids.into_iter().for_each(|id| self.delete(id));
        world(|world| {
            let active = world.metrics.iter().find(|(name, _)| name == "brownout.active_faults");
            let active = active.filter(|_| !world.miscounted);
            assert!(active.is_none_or(|(_, value)| *value == 0), "{active:?}");
        });
        if let Some(root) = self.root.take() {
            self.retire(root);
        }
    }
}
