//! One worker's part in `stop_when`.

use super::closing::is_server_error;
use super::{Closing, Ends, StopWhen, Window};
use crate::id::ExchangeId;
use crate::limit::tally::{Account, Tally};
use crate::table::Table;
use crate::time::Instant;
use crate::view::ResponseView;
use alloc::rc::Rc;
use core::time::Duration;

/// The number of times per window that a worker publishes its counts.
const TELLS: u32 = 20;
/// The longest time that it holds counts back.
const PATIENCE: Duration = Duration::from_secs(1);

/// A fact about an exchange that is not over. Later variants take precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Note {
    /// Its response has begun and not ended.
    Unfinished,
    /// Its gRPC status says that it failed.
    Failed,
    /// A rule has acted on it, so how it ends does not count.
    Injected,
}

/// The answer from the shared counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// None: the counters are not available.
    Nothing,
    /// Injection goes on.
    Going,
    /// It has stopped; by this worker, if the counts are given.
    Stopped(Option<Ends>),
}

/// One worker's record of how its exchanges end.
#[derive(Debug)]
pub struct Watch {
    when: StopWhen,
    window: Window,
    /// True if it watches a router's upstream attempts.
    in_cluster: bool,
    scope: Rc<str>,
    notes: Table<Note>,
    /// The counts that have not been published yet.
    untold: Ends,
    /// The time of the last publication; `None` before the first.
    told: Option<Instant>,
    stopped: bool,
}

impl Watch {
    /// Creates a watch that has seen nothing yet.
    pub fn new(when: StopWhen, in_cluster: bool) -> Self {
        Self {
            window: Window::new(when.window.get()),
            when,
            in_cluster,
            scope: "".into(),
            notes: Table::new(),
            untold: Ends::default(),
            told: None,
            stopped: false,
        }
    }

    /// Returns whether injection has stopped, as far as this worker knows.
    pub fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Records that a rule acts on an exchange.
    pub fn injected(&mut self, id: ExchangeId) {
        self.note(id, Note::Injected);
    }

    /// Records that the headers of a response have arrived.
    pub fn begun(&mut self, id: ExchangeId, response: &dyn ResponseView) {
        if response.any_value("grpc-status", &mut is_server_error) == Some(true) {
            self.note(id, Note::Failed);
        } else if self.in_cluster && response.has_body() {
            self.note(id, Note::Unfinished);
        }
    }

    /// Records that a response has ended, with this `grpc-status` in its trailers.
    pub fn ended(&mut self, id: ExchangeId, grpc_status: Option<&[u8]>) {
        if grpc_status.is_some_and(is_server_error) {
            self.note(id, Note::Failed);
        } else if self.notes.get(id.0) == Some(&Note::Unfinished) {
            self.notes.remove(id.0);
        }
    }

    /// Records that an exchange is over.
    pub fn closed(&mut self, id: ExchangeId, closing: impl FnOnce() -> Option<Closing>) {
        let note = self.notes.remove(id.0);
        if self.stopped || note == Some(Note::Injected) {
            return;
        }
        let failed = match note {
            Some(Note::Failed) => Some(true),
            _ => closing().and_then(|closing| closing.failed(self.in_cluster, note.is_some())),
        };
        if let Some(failed) = failed {
            self.untold = self.untold.and(Ends::one(failed));
        }
    }

    /// Returns when to publish counts: `None` if there are none.
    pub fn due(&self) -> Option<Instant> {
        let often = (self.when.window.get() / TELLS).min(PATIENCE);
        let due = self.told.map_or(Instant::default(), |told| told.after(often));
        (self.untold.all > 0 && !self.stopped).then_some(due)
    }

    /// Publishes the counts if that is due. Returns the totals if they are now too high; only one worker gets them.
    pub fn tell(&mut self, now: Instant, tally: &mut dyn Tally) -> Option<Ends> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        match self.consult(now, tally) {
            Heard::Stopped(ends) => ends,
            Heard::Nothing | Heard::Going => None,
        }
    }

    /// Returns whether rules may inject, and the totals as in [`Self::tell`]. `false` if that cannot be determined.
    pub fn allows(&mut self, now: Option<Instant>, tally: &mut dyn Tally) -> (bool, Option<Ends>) {
        let Some(now) = now.filter(|_| !self.stopped) else { return (false, None) };
        match self.consult(now, tally) {
            Heard::Nothing => (false, None),
            Heard::Going => (true, None),
            Heard::Stopped(ends) => (false, ends),
        }
    }

    fn note(&mut self, id: ExchangeId, note: Note) {
        if !self.stopped {
            let known = self.notes.get(id.0).copied();
            self.notes.insert(id.0, known.map_or(note, |known| note.max(known)));
        }
    }

    /// Publishes the counts, and reads what the other workers have published.
    fn consult(&mut self, now: Instant, tally: &mut dyn Tally) -> Heard {
        let (untold, window, when) = (self.untold, self.window, &self.when);
        let (mut heard, mut changes) = (Heard::Nothing, false);
        let changed = tally.change(Account::Health, &self.scope, &mut |words| {
            // The first word is the flag that says whether injection has stopped.
            words.resize(1 + Window::LENGTH, 0);
            let Some((stopped, numbers)) = words.split_first_mut() else { return false };
            (heard, changes) = (Heard::Stopped(None), false);
            if *stopped == 0 {
                window.add(numbers, now, untold);
                let ends = window.sum(numbers, now);
                let reached = when.is_reached(ends);
                *stopped = reached.into();
                heard = if reached { Heard::Stopped(Some(ends)) } else { Heard::Going };
                changes = reached || untold.all > 0;
            }
            changes
        });
        self.told = Some(now);
        if changes && !changed {
            return Heard::Nothing;
        }
        if heard != Heard::Nothing {
            self.untold = Ends::default();
        }
        if let Heard::Stopped(_) = heard {
            self.stopped = true;
            self.notes.clear();
        }
        heard
    }
}
