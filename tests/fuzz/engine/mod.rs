//! Any sequence of what can happen to engines: requests, pieces of bodies, trailers, responses, clients that leave,
//! ticks, clocks that stand still, jump and fail, new documents.
//!
//! * Every message that is held is resumed exactly once; an exchange ends once, and nothing follows its end.
//! * A body that no fault rewrites comes out byte for byte, and every message is as long as its headers say.
//! * The number of held or throttled exchanges is right at all times, and 0 at the end; nothing is kept then,
//!   nothing is waited for, and no place is taken.

mod flow;
pub mod pool;

use crate::exchange::Seeded;
use arbitrary::Unstructured;
use brownout_core::engine::event::Event;
use brownout_core::id::ExchangeId;
use brownout_core::limit::holders::Holders;
use brownout_core::limit::tally::{Account, LocalTally, Tally};
use brownout_core::sim::Clocks;
use brownout_core::time::Instant;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::{Engine, Plan};
use flow::Flow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

/// The number of engines: workers of one proxy.
const WORKERS: usize = 3;
/// The most operations of one input.
const MOST: usize = 200;
/// The most exchanges under way.
const MOST_FLOWS: usize = 12;

/// An engine, and the number of held exchanges that it last reported.
struct Worker {
    engine: Engine<Seeded>,
    active: usize,
}

/// Returns whether nobody holds a place.
fn is_free(words: &[u64]) -> bool {
    // At a time when no lease has expired.
    Holders::read(words).others(None, Instant::default()) == 0
}

/// Some workers, their clock, and all exchanges.
struct Stage<'i> {
    input: Unstructured<'i>,
    workers: Vec<Worker>,
    clocks: Clocks,
    /// The time that the clocks show when they work.
    now: Duration,
    wall: i64,
    broken: bool,
    flows: BTreeMap<u32, Flow>,
    last: u32,
    /// True once a document that may rewrite bodies has been loaded.
    rewrites: bool,
    /// The data that workers share.
    tally: LocalTally,
    /// The names in it.
    scopes: BTreeSet<Rc<str>>,
}

pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let seed = input.arbitrary().unwrap_or(0);
    let engine = || Worker { engine: Engine::new(Plan::default(), Seeded(seed)), active: 0 };
    let mut stage = Stage {
        input,
        workers: (0..WORKERS).map(|_| engine()).collect(),
        clocks: Clocks::default(),
        now: Duration::from_secs(1),
        wall: 1_700_000_000_000_000,
        broken: false,
        flows: BTreeMap::new(),
        last: 0,
        rewrites: false,
        tally: LocalTally::default(),
        scopes: BTreeSet::new(),
    };
    stage.set_clocks();
    stage.follow();
    for _ in 0..MOST {
        if stage.input.is_empty() {
            break;
        }
        stage.act();
        stage.check();
    }
    stage.finish();
}

impl Stage<'_> {
    fn below(&mut self, most: usize) -> usize {
        self.input.int_in_range(0..=most.saturating_sub(1)).unwrap_or(0)
    }

    fn act(&mut self) {
        match self.below(16) {
            0..=3 => self.arrive(),
            4..=7 => self.with_a_flow(Flow::more_of_the_request),
            8 | 9 => self.with_a_flow(Flow::respond),
            10 | 11 => self.with_a_flow(Flow::more_of_the_response),
            12 => self.move_clocks(),
            13 => {
                self.move_clocks();
                let (worker, most) = (self.below(WORKERS), self.below(5));
                self.tick(worker, most);
            }
            14 => self.leave(),
            _ => self.follow(),
        }
    }

    fn arrive(&mut self) {
        if self.flows.len() == MOST_FLOWS {
            return;
        }
        self.last += 1;
        let worker = self.below(WORKERS);
        let engine = &mut self.workers[worker].engine;
        let flow = Flow::begin(ExchangeId(self.last), worker, engine, &self.clocks, &mut self.input);
        self.flows.insert(self.last, flow);
    }

    fn with_a_flow(
        &mut self,
        act: impl FnOnce(&mut Flow, &mut Engine<Seeded>, &Clocks, &mut Unstructured<'_>),
    ) {
        let place = self.below(self.flows.len());
        let Some(flow) = self.flows.values_mut().nth(place) else { return };
        act(flow, &mut self.workers[flow.worker].engine, &self.clocks, &mut self.input);
        flow.assert_sound(self.rewrites);
    }

    fn leave(&mut self) {
        let place = self.below(self.flows.len());
        let Some(id) = self.flows.keys().nth(place).copied() else { return };
        let Some(flow) = self.flows.remove(&id) else { return };
        self.workers[flow.worker].engine.end(flow.id());
    }

    fn tick(&mut self, worker: usize, most: usize) {
        let Some(now) = self.clocks.monotonic.get() else { return };
        for _ in 0..most {
            let Some((id, release)) = self.workers[worker].engine.next_due(now) else { break };
            let flow = self.flows.get_mut(&id.0).expect("it is released after its end");
            assert_eq!(flow.worker, worker);
            flow.release(release, &mut self.workers[worker].engine, &self.clocks);
            flow.assert_sound(self.rewrites);
        }
    }

    fn follow(&mut self) {
        let text = pool::document(&mut self.input);
        let Ok(plan) = Plan::from_json(text.as_bytes()) else { return };
        self.rewrites |= pool::rewrites(&text);
        self.tally = self.tally.next_document();
        self.scopes.extend(plan.rules().iter().map(|rule| rule.name.shared()).chain(["".into()]));
        for worker in 0..WORKERS {
            // Some are late, or are never told.
            if self.below(8) < 7 {
                let arrived = self.clocks.monotonic.get();
                let tally = Box::new(self.tally.clone());
                let engine = &mut self.workers[worker].engine;
                let held = engine.held().clone();
                engine.follow(plan.clone(), tally, held, arrived);
            }
        }
    }

    fn move_clocks(&mut self) {
        match self.below(12) {
            0 => self.broken = !self.broken,
            1 => self.wall = self.input.arbitrary().unwrap_or(0),
            2 => self.now += Duration::from_secs(7200),
            3 => self.now = self.now.saturating_sub(Duration::from_secs(5)),
            4 | 5 => {}
            6 => self.now += Duration::from_nanos(1),
            other => {
                let milliseconds = self.below(60 * (other - 5)) as u64;
                self.now += Duration::from_millis(milliseconds);
                self.wall = self.wall.saturating_add(milliseconds as i64 * 1000);
            }
        }
        self.set_clocks();
    }

    fn set_clocks(&self) {
        self.clocks.monotonic.set((!self.broken).then_some(Instant(self.now)));
        self.clocks.wall.set((!self.broken).then_some(Timestamp(self.wall)));
    }

    /// Asserts what must hold at any time.
    fn check(&mut self) {
        for (place, worker) in self.workers.iter_mut().enumerate() {
            while let Some(event) = worker.engine.next_event() {
                match event {
                    Event::Activated => worker.active += 1,
                    Event::Released => worker.active -= 1,
                    _ => {}
                }
            }
            assert_eq!(worker.engine.active(), worker.active);
            let flows = self.flows.values().filter(|flow| flow.worker == place && !flow.is_over());
            assert!(worker.active <= flows.clone().count(), "more are held than there are");
            for flow in flows {
                flow.assert_known(&worker.engine);
            }
        }
    }

    /// Releases everything that waits; the remaining clients then leave.
    fn finish(&mut self) {
        self.broken = false;
        for _ in 0..4 {
            self.now += Duration::from_secs(3 * 3600);
            self.set_clocks();
            for worker in 0..WORKERS {
                self.tick(worker, usize::MAX);
            }
        }
        self.check();
        for flow in self.flows.values() {
            flow.assert_not_forgotten(self.rewrites);
        }
        for worker in self.workers.iter().filter(|worker| worker.active == 0) {
            assert_eq!(worker.engine.poll_timeout(), None);
        }
        for flow in std::mem::take(&mut self.flows).into_values() {
            self.workers[flow.worker].engine.end(flow.id());
        }
        self.check();
        for worker in &self.workers {
            assert_eq!((worker.engine.active(), worker.engine.kept_bytes()), (0, 0));
            assert_eq!(worker.engine.poll_timeout(), None);
        }
        for scope in &self.scopes {
            let free = self.tally.change(Account::Held, scope, &mut |words| is_free(words));
            assert!(free, "a place of `{scope}` is still taken");
        }
    }
}
