//! Runs the engine in simulated time: every request, every effect it asks for, and every deadline.

use super::arrivals::Arrivals;
use super::observed::Observed;
use super::traffic::Traffic;
use brownout_core::Plan;
use brownout_core::engine::Engine;
use brownout_core::entropy::Entropy;
use brownout_core::id::ExchangeId;
use brownout_core::sim::{Finished, Proxy, UpstreamResponse};
use brownout_core::time::Instant;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::RequestView;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use std::rc::Rc;
use std::time::Duration;

/// Randomness from a seed, with the module's generator.
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

/// Sends all requests at their times, and waits until the last one is let go.
pub fn drive(
    plan: &Plan,
    traffic: &mut Traffic,
    arrivals: Arrivals<'_>,
    seed: u64,
    start: Timestamp,
    backend: UpstreamResponse,
) -> Observed {
    let engine = Engine::new(plan.clone(), Chance::seeded(seed)).arrived(Some(Instant::default()));
    let mut observed = Observed::new(plan, arrivals.duration());
    let mut proxy = Proxy::new(engine);
    let backend = Rc::new(backend);
    // The document arrives when both clocks begin.
    let set = |proxy: &Proxy<Chance>, now: Instant| {
        proxy.clocks.set(now);
        let micros = i64::try_from(now.0.as_micros()).ok().and_then(|micros| start.0.checked_add(micros));
        proxy.clocks.wall.set(micros.map(Timestamp));
    };
    for (number, arrival) in (0_u32..).zip(arrivals) {
        let arrival = Instant(arrival);
        while proxy.next_release(arrival) {
            observed.look(&mut proxy, plan, None);
        }
        set(&proxy, arrival);
        observed.arrived(arrival.0);
        let request = traffic.next(number);
        proxy.send(ExchangeId(number), request, &backend.body, &backend);
        observed.look(&mut proxy, plan, Some(request));
    }
    while proxy.next_release(Instant(Duration::MAX)) {
        observed.look(&mut proxy, plan, None);
    }
    observed.name_rules(|rule| proxy.engine.rule_name(rule).map(str::to_owned));
    observed
}

impl Observed {
    fn look(&mut self, proxy: &mut Proxy<Chance>, plan: &Plan, request: Option<&dyn RequestView>) {
        while let Some(event) = proxy.next_event() {
            self.event(&event, plan, request, &proxy.clocks);
        }
        while let Some(Finished { began, ended, .. }) = proxy.next_finished() {
            self.finished(ended.0.saturating_sub(began.0));
        }
    }
}
