//! One worker's part in it.

use super::closing::is_server_error;
use super::{Closing, Ends, StopWhen, Window};
use crate::id::ExchangeId;
use crate::limit::tally::{Account, Tally};
use crate::time::Instant;
use crate::view::ResponseView;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use core::time::Duration;

/// How many times in a window a worker tells the others.
const TELLS: u32 = 20;
/// How long it keeps anything to itself at most.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is known of an exchange that is not over. What comes later here says more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Note {
    /// Its response has begun and not ended.
    Unfinished,
    /// gRPC says that it failed.
    Failed,
    /// A rule has done something to it: how it ends says nothing.
    Injected,
}

/// What the others say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    /// Nothing: they cannot be asked.
    Nothing,
    /// Injection goes on.
    Going,
    /// It has stopped; by us, if there are numbers.
    Stopped(Option<Ends>),
}

/// How the exchanges of one worker end.
#[derive(Debug)]
pub struct Watch {
    when: StopWhen,
    window: Window,
    /// Whether it is the attempts of a router that are watched.
    in_cluster: bool,
    scope: Rc<str>,
    notes: BTreeMap<ExchangeId, Note>,
    /// What the others have not been told yet.
    untold: Ends,
    /// When they were told last.
    told: Option<Instant>,
    stopped: bool,
}

impl Watch {
    /// A watch that has seen nothing yet.
    pub fn new(when: StopWhen, in_cluster: bool) -> Self {
        Self {
            window: Window::new(when.window.get()),
            when,
            in_cluster,
            scope: "".into(),
            notes: BTreeMap::new(),
            untold: Ends::default(),
            told: None,
            stopped: false,
        }
    }

    /// Whether injection has stopped, as far as is known here.
    pub fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// A rule does something to an exchange.
    pub fn injected(&mut self, id: ExchangeId) {
        self.note(id, Note::Injected);
    }

    /// The headers of a response have arrived.
    pub fn begun(&mut self, id: ExchangeId, response: &dyn ResponseView) {
        if response.any_value("grpc-status", &mut is_server_error) == Some(true) {
            self.note(id, Note::Failed);
        } else if self.in_cluster && response.has_body() {
            self.note(id, Note::Unfinished);
        }
    }

    /// A response has come to its end, with this `grpc-status` in its trailers.
    pub fn ended(&mut self, id: ExchangeId, grpc_status: Option<&[u8]>) {
        if grpc_status.is_some_and(is_server_error) {
            self.note(id, Note::Failed);
        } else if self.notes.get(&id) == Some(&Note::Unfinished) {
            self.notes.remove(&id);
        }
    }

    /// An exchange is over.
    pub fn closed(&mut self, id: ExchangeId, closing: impl FnOnce() -> Option<Closing>) {
        let note = self.notes.remove(&id);
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

    /// When the others have to be told something: never, if there is nothing to tell.
    pub fn due(&self) -> Option<Instant> {
        let often = (self.when.window.get() / TELLS).min(PATIENCE);
        let due = self.told.map_or(Instant::default(), |told| told.after(often));
        (self.untold.all > 0 && !self.stopped).then_some(due)
    }

    /// Tells them, if that is due. The numbers if it is now too much, which only one worker gets.
    pub fn tell(&mut self, now: Instant, tally: &mut dyn Tally) -> Option<Ends> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        match self.consult(now, tally) {
            Heard::Stopped(ends) => ends,
            Heard::Nothing | Heard::Going => None,
        }
    }

    /// Whether a rule may do something to a request, and the numbers as in [`Self::tell`]. No, if nobody can tell.
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
            let known = self.notes.entry(id).or_insert(note);
            *known = note.max(*known);
        }
    }

    /// Tells the others what they have not been told, and hears from them.
    fn consult(&mut self, now: Instant, tally: &mut dyn Tally) -> Heard {
        let (untold, window, when) = (self.untold, self.window, &self.when);
        let (mut heard, mut changes) = (Heard::Nothing, false);
        let changed = tally.change(Account::Health, &self.scope, &mut |words| {
            // The first of them says whether injection has stopped.
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
