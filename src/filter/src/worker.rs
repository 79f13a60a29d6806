//! What the root context and the exchanges of one plugin share in one VM, which is to say: in one worker.

use crate::chance::VmEntropy;
use crate::host::{self, Failed};
use crate::request::{HostClock, HostRequest};
use crate::stats::Stats;
use crate::status::{DataStatus, HeadersStatus, TrailersStatus};
use crate::tally::SharedTally;
use crate::{evidence, logger, pairs, properties};
use brownout_core::step::{
    EVIDENCE_HEADER, Event, ExchangeId, LocalReply, Release, RequestStep, ResponseStep,
};
use brownout_core::time::{Clock, Instant};
use brownout_core::{Engine, Plan};
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// How many exchanges one tick releases. The host carries releases out one inside the other: some hundreds of them
/// exhaust its stack and with that kill the VM.
const RELEASES_PER_TICK: usize = 50;
/// The host's timer counts milliseconds, and 0 stops it.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

/// The engine, and what carries out its steps.
pub struct Worker {
    root: u32,
    /// Is borrowed only while the engine is asked, never while a step of its is carried out.
    engine: RefCell<Engine<VmEntropy>>,
    stats: RefCell<Stats>,
    /// The document's text.
    text: Cell<Option<Vec<u8>>>,
    /// When the tick is due that the host has been told of.
    armed: Cell<Option<Instant>>,
}

impl Worker {
    /// A worker that does nothing yet.
    pub fn new(root: u32) -> Self {
        Self {
            root,
            engine: RefCell::new(Engine::new(Plan::default(), VmEntropy)),
            stats: RefCell::default(),
            text: Cell::default(),
            armed: Cell::default(),
        }
    }

    /// Begins to follow a plan.
    ///
    /// `true` if this is the first worker of the proxy to follow this document.
    pub fn follow(&self, mut plan: Plan, text: &[u8]) -> bool {
        // Envoy configures a root context again when another listener has the same plugin.
        if self.text.replace(Some(text.into())).as_deref() == Some(text) {
            return false;
        }
        plan.settle(&properties::read);
        let stats = Stats::new(&plan);
        let tally = SharedTally::new(text);
        let first = tally.is_first();
        if let (Ok(mut engine), Ok(mut old)) = (self.engine.try_borrow_mut(), self.stats.try_borrow_mut()) {
            engine.follow(plan, Box::new(tally), HostClock.now());
            *old = stats;
        }
        first
    }

    /// The headers of a request have arrived.
    pub fn on_request_headers(&self, id: u32, _end_of_stream: bool) -> HeadersStatus {
        const HELD: HeadersStatus = HeadersStatus::StopAllIterationAndWatermark;
        let exchange = ExchangeId(id);
        let step =
            self.ask(|engine| engine.on_request_headers(exchange, &HostRequest::default(), &HostClock));
        self.tell();
        match step {
            None | Some(RequestStep::Continue) => HeadersStatus::Continue,
            Some(RequestStep::Hold) if self.arm().is_ok() => HELD,
            Some(RequestStep::Hold) => {
                // Without a tick it would wait for ever.
                self.end(id);
                HeadersStatus::Continue
            }
            Some(RequestStep::Reply(reply)) if self.reply(&reply).is_ok() => HELD,
            Some(RequestStep::Reply(_)) => HeadersStatus::Continue,
        }
    }

    /// A piece of the request's body has arrived. Does not come while the headers are held.
    pub fn on_request_body(&self, _id: u32, _size: u32, _end_of_stream: bool) -> DataStatus {
        DataStatus::Continue
    }

    /// The request's trailers have arrived. Does not come while the headers are held.
    pub fn on_request_trailers(&self, _id: u32) -> TrailersStatus {
        TrailersStatus::Continue
    }

    /// The headers of a response have arrived: the upstream's, one of ours, or one of the host's.
    pub fn on_response_headers(&self, id: u32, _end_of_stream: bool) -> HeadersStatus {
        if let Some(ResponseStep::Mark(evidence)) =
            self.ask(|engine| engine.on_response_headers(ExchangeId(id)))
        {
            self.counted(host::add_response_header(EVIDENCE_HEADER, &evidence)).ok();
            self.tell();
        }
        HeadersStatus::Continue
    }

    /// A piece of the response's body has arrived.
    pub fn on_response_body(&self, _id: u32, _size: u32, _end_of_stream: bool) -> DataStatus {
        DataStatus::Continue
    }

    /// The response's trailers have arrived.
    pub fn on_response_trailers(&self, _id: u32) -> TrailersStatus {
        TrailersStatus::Continue
    }

    /// The exchange is over.
    pub fn end(&self, id: u32) {
        self.ask(|engine| engine.end(ExchangeId(id)));
        self.tell();
    }

    /// The tick: releases what is due.
    pub fn on_tick(&self) {
        self.armed.set(None);
        let now = HostClock.now();
        for _ in 0..RELEASES_PER_TICK {
            let Some(now) = now else { break };
            let Some(Some((id, release))) = self.ask(|engine| engine.next_due(now)) else { break };
            self.release(id, release);
        }
        self.counted(host::set_effective_context(self.root)).ok();
        if self.poll_timeout().is_none() {
            self.counted(host::set_tick_period(0)).ok();
        } else {
            self.arm().ok();
        }
    }

    /// No tick comes any more.
    pub fn disarm(&self) {
        self.armed.set(None);
        self.counted(host::set_tick_period(0)).ok();
    }

    fn release(&self, id: ExchangeId, release: Release) {
        // Fails if the stream is gone, and with it every reason to act.
        let there = host::set_effective_context(id.0);
        self.tell();
        if there.is_err() {
            self.end(id.0);
            return;
        }
        let resumed = match release {
            Release::Resume => self.counted(host::continue_request()),
            Release::Reply(reply) => {
                // A reply that cannot be sent must not leave the request hanging.
                self.reply(&reply).or_else(|_| self.counted(host::continue_request()))
            }
        };
        if resumed.is_err() {
            log::error!("an exchange that was held could be neither answered nor resumed");
        }
    }

    fn reply(&self, reply: &LocalReply) -> host::Result<()> {
        let headers = pairs::serialize(&reply.headers);
        let grpc_status = reply.grpc_status.map(|status| status.code());
        self.counted(host::send_local_response(
            reply.status,
            reply.details,
            reply.body.as_bytes(),
            &headers,
            grpc_status,
        ))
    }

    /// Asks the engine. `None` if it is being asked already, which no host does.
    fn ask<R>(&self, question: impl FnOnce(&mut Engine<VmEntropy>) -> R) -> Option<R> {
        Some(question(&mut *self.engine.try_borrow_mut().ok()?))
    }

    /// Counts and tells what has happened to the exchange of the effective context.
    fn tell(&self) {
        let (Ok(mut engine), Ok(stats)) = (self.engine.try_borrow_mut(), self.stats.try_borrow()) else {
            return;
        };
        while let Some(event) = engine.next_event() {
            stats.count(&event, |rule| engine.rule_name(rule).map(str::to_owned));
            match event {
                Event::RouteRefused(mistakes) => logger::refused("document of a route", &mistakes),
                Event::Reported { rule, kinds, delay } => {
                    self.counted(evidence::set_filter_state(&rule, kinds, delay)).ok();
                }
                _ => {}
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.engine.try_borrow().ok()?.poll_timeout()
    }

    /// Tells the host of the next deadline, if that is earlier than the one it knows: each call begins the period
    /// anew, so that calls for every request would put the tick off for ever.
    fn arm(&self) -> host::Result<()> {
        let Some(due) = self.poll_timeout() else { return Ok(()) };
        if self.armed.get().is_some_and(|armed| armed <= due) {
            return Ok(());
        }
        let now = HostClock.now().ok_or(Failed(0))?;
        let wait = now.until(due).max(SHORTEST_PERIOD);
        let period = u32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX);
        self.counted(host::set_tick_period(period))?;
        self.armed.set(Some(due));
        Ok(())
    }

    fn counted<T>(&self, result: host::Result<T>) -> host::Result<T> {
        if result.is_err()
            && let Ok(stats) = self.stats.try_borrow()
        {
            stats.count_host_error();
        }
        result
    }
}
