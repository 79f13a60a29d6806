//! The engine in simulated time: every request that comes, everything that it wants done, and every deadline.

use super::arrivals::Arrivals;
use super::backend::Backend;
use super::observed::Observed;
use super::traffic::Traffic;
use brownout_core::engine::Engine;
use brownout_core::entropy::Entropy;
use brownout_core::id::{Direction, ExchangeId};
use brownout_core::step::{DataThen, HeadersStep, Release};
use brownout_core::time::{Clock, Instant};
use brownout_core::value::timestamp::Timestamp;
use brownout_core::{Plan, view::RequestView};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

/// Chance from a seed: the generator that the module has.
#[derive(Debug, Clone)]
pub struct Chance(Xoshiro256PlusPlus);

impl Chance {
    /// The same seed gives the same numbers, on every platform.
    pub fn seeded(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }
}

impl Entropy for Chance {
    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }
}

/// Both clocks of a proxy, moved by hand. The document arrives when they begin.
struct Simulated {
    start: Timestamp,
    now: Cell<Duration>,
}

impl Clock for Simulated {
    fn now(&self) -> Option<Instant> {
        Some(Instant(self.now.get()))
    }

    fn wall(&self) -> Option<Timestamp> {
        let micros = i64::try_from(self.now.get().as_micros()).ok()?;
        self.start.0.checked_add(micros).map(Timestamp)
    }
}

/// What of an exchange waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Headers(Direction),
    Body(Direction),
}

/// An exchange that waits.
struct Waiting {
    arrived: Duration,
    has_body: bool,
    part: Part,
}

/// One worker, and what has been seen of it.
struct Worker<'p> {
    engine: Engine<Chance>,
    clock: Simulated,
    plan: &'p Plan,
    backend: Backend,
    waiting: BTreeMap<ExchangeId, Waiting>,
    observed: Observed,
}

/// Sends all requests at their times, and waits until the last one is let go.
pub fn drive(
    plan: &Plan,
    traffic: &mut Traffic,
    arrivals: Arrivals<'_>,
    seed: u64,
    start: Timestamp,
    backend: Backend,
) -> Observed {
    let clock = Simulated { start, now: Cell::default() };
    let engine = Engine::new(plan.clone(), Chance::seeded(seed)).arrived(Some(Instant::default()));
    let observed = Observed::new(plan, arrivals.duration());
    let mut worker = Worker { engine, clock, plan, backend, waiting: BTreeMap::new(), observed };
    for (number, arrival) in (0_u32..).zip(arrivals) {
        worker.release_until(Instant(arrival));
        worker.clock.now.set(arrival);
        worker.send(ExchangeId(number), traffic.next(number));
    }
    while let Some(due) = worker.engine.poll_timeout() {
        worker.release_until(due);
    }
    worker.observed.name_rules(|rule| worker.engine.rule_name(rule).map(str::to_owned));
    worker.observed
}

impl Worker<'_> {
    fn send(&mut self, id: ExchangeId, request: &dyn RequestView) {
        let arrived = self.clock.now.get();
        self.observed.arrived(arrived);
        let step = self.engine.on_request_headers(id, request, &self.clock);
        self.tell(Some(request));
        let has_body = request.has_body();
        self.act(id, Waiting { arrived, has_body, part: Part::Headers(Direction::Request) }, &step);
        self.tell(None);
    }

    /// What is wanted once headers have come, of the request or of the response.
    fn act(&mut self, id: ExchangeId, exchange: Waiting, step: &HeadersStep) {
        match (step, exchange.part) {
            (HeadersStep::Hold(_), _) => {
                self.waiting.insert(id, exchange);
            }
            (HeadersStep::Reply(_) | HeadersStep::Reset, _) => self.finish(id, &exchange),
            (_, Part::Headers(direction) | Part::Body(direction)) => self.body(id, exchange, direction),
        }
    }

    /// A body comes in one piece, and nothing after it.
    fn body(&mut self, id: ExchangeId, exchange: Waiting, direction: Direction) {
        let comes = direction == Direction::Response || exchange.has_body;
        if comes && self.engine.cares_for_body(id, direction) {
            let data = self.engine.on_data(id, direction, &self.backend, true, &self.clock);
            match data.then {
                DataThen::Forward => {}
                DataThen::Reset => return self.finish(id, &exchange),
                DataThen::Buffer | DataThen::Watermark => {
                    self.waiting.insert(id, Waiting { part: Part::Body(direction), ..exchange });
                    return;
                }
            }
        }
        self.next(id, exchange, direction);
    }

    /// A message is through: the backend answers a request at once; after the response, the exchange is over.
    fn next(&mut self, id: ExchangeId, exchange: Waiting, direction: Direction) {
        if direction == Direction::Response {
            return self.finish(id, &exchange);
        }
        let step = self.engine.on_response_headers(id, &self.backend, &self.clock);
        self.act(id, Waiting { part: Part::Headers(Direction::Response), ..exchange }, &step);
    }

    fn finish(&mut self, id: ExchangeId, exchange: &Waiting) {
        self.engine.end(id);
        self.observed.finished(self.clock.now.get().saturating_sub(exchange.arrived));
    }

    /// Everything that is due by then, each at its own time.
    fn release_until(&mut self, until: Instant) {
        while let Some(due) = self.engine.poll_timeout().filter(|due| *due <= until) {
            self.clock.now.set(due.0);
            // A deadline may turn out to ask for nothing.
            let Some((id, release)) = self.engine.next_due(due) else { continue };
            if let Some(exchange) = self.waiting.remove(&id) {
                self.release(id, exchange, &release);
            }
            self.tell(None);
        }
    }

    fn release(&mut self, id: ExchangeId, exchange: Waiting, release: &Release) {
        match (release, exchange.part) {
            (Release::Reply(..) | Release::Reset, _) => self.finish(id, &exchange),
            (Release::Resume(_), Part::Headers(direction)) => self.body(id, exchange, direction),
            (Release::Resume(_), Part::Body(direction)) => self.next(id, exchange, direction),
            (Release::Emit(..), Part::Body(direction)) if !self.engine.cares_for_body(id, direction) => {
                self.next(id, exchange, direction);
            }
            (Release::Emit(..), _) => {
                self.waiting.insert(id, exchange);
            }
        }
    }

    fn tell(&mut self, request: Option<&dyn RequestView>) {
        while let Some(event) = self.engine.next_event() {
            self.observed.event(&event, self.plan, request, &self.clock);
        }
    }
}
