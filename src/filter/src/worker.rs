//! The state that the root context and the exchanges of one plugin share in one VM, and so in one worker.

use crate::chance::VmEntropy;
use crate::clock::HostClock;
use crate::configure::summary;
use crate::host::{self, Failed};
use crate::request::Habit;
use crate::stats::{self, Stats};
use crate::tally::{Life, SharedTally};
use crate::{contexts, evidence, logger, properties, tally};
use brownout_core::engine::event::Event;
use brownout_core::engine::limit_held;
use brownout_core::id::{Direction, ExchangeId};
use brownout_core::limit::tally::NoTally;
use brownout_core::time::{Clock, Instant};
use brownout_core::{Engine, Plan};
use std::cell::{Cell, RefCell};
use std::time::Duration;

/// The host's timer counts milliseconds, and 0 stops it.
const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

thread_local! {
    /// True once a tick has come in this VM.
    static TICKS: Cell<bool> = const { Cell::new(false) };
}

/// The engine, and the state needed to carry out its steps.
pub struct Worker {
    pub(crate) root: u32,
    /// Borrowed only during a call to the engine, never while one of its steps is carried out.
    engine: RefCell<Engine<VmEntropy>>,
    stats: RefCell<Stats>,
    /// The document's text, to recognize it when it comes again.
    text: Cell<Option<Vec<u8>>>,
    /// The life of the document that this worker has joined.
    life: Cell<Option<Life>>,
    /// The time of the next tick, as set with the host; `None` if no tick is set.
    pub(crate) armed: Cell<Option<Instant>>,
    /// True if the host allows the calls that a release needs.
    may_release: Cell<bool>,
    pub(crate) habit: Habit,
    /// True if this worker has counted itself in the `stopped` gauge.
    says_stopped: Cell<bool>,
    refusal: Cell<Refusal>,
}

/// Tells if the document of a root context could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Refusal {
    #[default]
    No,
    /// It could not, and the gauge does not show that yet. The host first tries a document in a VM that it then
    /// silently discards: only a tick proves that this one stays.
    Untold,
    /// It could not, and the gauge shows that.
    Told,
}

impl Worker {
    /// Creates a worker that does nothing yet.
    pub fn new(root: u32) -> Self {
        Self {
            root,
            engine: RefCell::new(Engine::counting(Plan::default(), VmEntropy, Box::new(NoTally))),
            stats: RefCell::default(),
            text: Cell::default(),
            life: Cell::default(),
            armed: Cell::default(),
            may_release: Cell::new(false),
            habit: Habit::default(),
            says_stopped: Cell::default(),
            refusal: Cell::default(),
        }
    }

    /// Starts following a plan.
    ///
    /// Returns `true` if this is the first worker of the proxy to follow this document.
    pub fn follow(&self, mut plan: Plan, text: &[u8]) -> bool {
        // Envoy configures a root context again when another listener has the same plugin.
        if self.text.replace(Some(text.into())).as_deref() == Some(text) {
            return false;
        }
        plan.settle(&properties::read);
        self.take_back_stop();
        self.take_back_refusal();
        let stats = Stats::new(&plan);
        stats.show_mode(plan.mode());
        self.leave_life();
        let tally = SharedTally::new(text, plan.is_idle());
        let held = tally.held();
        if limit_held(&plan) {
            // Under documents that this one replaces, in the same VM.
            contexts::each_root(|worker| {
                worker.ask(|engine| engine.held().is(&held).then(|| engine.count_held()));
            });
        }
        let first = tally.is_first();
        self.life.set(tally.life());
        if let (Ok(mut engine), Ok(mut old)) = (self.engine.try_borrow_mut(), self.stats.try_borrow_mut()) {
            engine.follow(plan, Box::new(tally), held, HostClock.now());
            *old = stats;
        }
        self.prove();
        first
    }

    /// Stops injecting because the document cannot be read. Returns `true` for the first worker of the proxy that
    /// refuses this text.
    pub fn refuse(&self, text: &[u8]) -> bool {
        let first = self.follow(Plan::off(), text);
        if self.refusal.get() == Refusal::No {
            self.refusal.set(Refusal::Untold);
            if self.counted(host::set_tick_period(1)).is_ok() {
                self.armed.set(HostClock.now().map(|now| now.after(SHORTEST_PERIOD)));
            }
        }
        first
    }

    /// Reports a refused document in the gauge. Called from the tick, which proves that this VM stays.
    pub(crate) fn tell_refusal(&self) {
        if self.refusal.get() == Refusal::Untold
            && let Ok(stats) = self.stats.try_borrow()
        {
            stats.add_refused(1);
            self.refusal.set(Refusal::Told);
        }
    }

    fn take_back_refusal(&self) {
        if self.refusal.take() == Refusal::Told
            && let Ok(stats) = self.stats.try_borrow()
        {
            stats.add_refused(-1);
        }
    }

    /// Does the timed work that does not belong to held exchanges.
    pub(crate) fn look_around(&self, now: Instant) {
        self.ask(|engine| {
            engine.tell_others(now);
            engine.look_at_clock(now, &HostClock);
        });
        self.tell();
    }

    /// Finds out whether exchanges can be held, and tells the engine. A proxy's configuration may deny calls to the
    /// module, including the tick, and held exchanges could then never be released. Only a tick proves that ticks work,
    /// and nothing is held before the first: it comes about one millisecond after the first document of a VM.
    fn prove(&self) {
        let on_itself = host::set_effective_context(self.root).is_ok();
        // On a context that is not a stream, this has no effect if it is allowed.
        self.may_release.set(on_itself && host::continue_stream(Direction::Request).is_ok());
        if !TICKS.get() && host::set_tick_period(1).is_ok() {
            self.armed.set(HostClock.now().map(|now| now.after(SHORTEST_PERIOD)));
        }
        let can_hold = self.may_release.get() && TICKS.get();
        self.ask(|engine| engine.set_can_hold(can_hold));
    }

    /// Records that a tick has come, and that more will.
    pub(crate) fn has_ticked(&self) {
        if !TICKS.replace(true) {
            stats::count_timer();
        }
        if self.may_release.get() {
            self.ask(|engine| engine.set_can_hold(true));
        }
    }

    /// Returns whether a stream may still need work.
    pub fn is_concerned_with(&self, id: u32) -> bool {
        self.ask(|engine| engine.knows(ExchangeId(id))) != Some(false)
    }

    /// Ends an exchange, and reports its events.
    pub fn end(&self, id: u32) {
        self.ask(|engine| engine.end(ExchangeId(id)));
        self.tell();
    }

    /// Cleans up when the root context goes away. The host's timer outlives the context that set it.
    pub fn leave(&self) {
        self.armed.set(None);
        self.counted(host::set_tick_period(0)).ok();
        self.take_back_stop();
        self.take_back_refusal();
        self.leave_life();
    }

    fn leave_life(&self) {
        self.life.take().into_iter().for_each(tally::leave);
    }

    fn take_back_stop(&self) {
        if self.says_stopped.take()
            && let Ok(stats) = self.stats.try_borrow()
        {
            stats.take_back_stop();
        }
    }

    /// Calls the engine. Returns `None` on a reentrant call, which no host makes.
    pub(crate) fn ask<R>(&self, question: impl FnOnce(&mut Engine<VmEntropy>) -> R) -> Option<R> {
        Some(question(&mut *self.engine.try_borrow_mut().ok()?))
    }

    /// Counts and reports what has happened to the exchange of the effective context.
    pub(crate) fn tell(&self) {
        let (Ok(mut engine), Ok(stats)) = (self.engine.try_borrow_mut(), self.stats.try_borrow()) else {
            return;
        };
        while let Some(event) = engine.next_event() {
            stats.count(&event, |rule| engine.rule_name(rule).map(str::to_owned));
            match event {
                Event::RouteRefused(mistakes) => logger::refused("document of a route", &mistakes),
                Event::Stopped(ends) => {
                    self.says_stopped.set(true);
                    logger::stopped(ends, engine.plan());
                }
                Event::Expired(end) => {
                    log::info!("brownout: document expired at {end}: {}", summary(engine.plan()));
                }
                Event::Reported { rule, kinds, delay } => {
                    self.counted(evidence::set_filter_state(&rule, kinds, delay)).ok();
                }
                _ => {}
            }
        }
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.engine.try_borrow().ok()?.poll_timeout()
    }

    /// Sets the host's timer to the next deadline, if that is earlier than the current one. Each call restarts the
    /// period, so a call for every request would postpone the tick forever.
    pub(crate) fn arm(&self) -> host::Result<()> {
        let Some(due) = self.poll_timeout() else { return Ok(()) };
        if self.armed.get().is_some_and(|armed| armed <= due) {
            return Ok(());
        }
        let has_deadlines = self.ask(|engine| engine.has_deadlines()) != Some(false);
        if !has_deadlines && self.ask(|engine| engine.can_hold()) == Some(false) {
            // Without a tick, reports and clock checks wait for the next callback.
            return Ok(());
        }
        match self.set_tick(due) {
            Err(_) if !has_deadlines => Ok(()),
            set => set,
        }
    }

    fn set_tick(&self, due: Instant) -> host::Result<()> {
        let now = HostClock.now().ok_or(Failed(0))?;
        let wait = now.until(due).max(SHORTEST_PERIOD);
        let period = u32::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX);
        self.counted(host::set_tick_period(period))?;
        self.armed.set(Some(due));
        Ok(())
    }

    pub(crate) fn counted<T>(&self, result: host::Result<T>) -> host::Result<T> {
        if result.is_err()
            && let Ok(stats) = self.stats.try_borrow()
        {
            stats.count_host_error();
        }
        result
    }
}
