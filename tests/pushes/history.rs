//! The documents in force at each moment, and the one that a reply followed.

use std::fmt;
use std::time::{Duration, Instant};
use support::client::{Cut, Reply};
use support::load::LoadExchange;

/// The longest time after Envoy accepts a document in which workers may still use the previous one.
pub const IN_FORCE: Duration = Duration::from_millis(100);
/// The same where eight programs share two processors: a worker without CPU time does nothing, and then still has the
/// previous document. One push in twenty may take this long; anything longer is a failure.
pub const ON_A_BUSY_MACHINE: Duration = Duration::from_secs(1);

/// The effect of a rule on a request, as its client sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// The status of the reply.
    pub status: u16,
    /// The header `x-brownout`; `None` if it is absent.
    pub evidence: Option<String>,
}

/// The parts of an exchange that are checked.
#[derive(Debug)]
pub struct Seen {
    pub sent: Instant,
    pub done: Instant,
    /// `None`: the reply did not arrive.
    pub outcome: Option<Outcome>,
}

impl Seen {
    pub fn of(exchange: LoadExchange) -> Self {
        let LoadExchange { sent, done, reply, .. } = exchange;
        Self { sent, done, outcome: reply.as_ref().map(outcome).map_err(Cut::to_string).ok() }
    }
}

fn outcome(reply: &Reply) -> Outcome {
    Outcome { status: reply.status.as_u16(), evidence: reply.header("x-brownout") }
}

/// The documents that were pushed, one after the other.
#[derive(Debug, Default)]
pub struct History(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    outcome: Outcome,
    pushed: Instant,
    taken: Instant,
}

impl History {
    /// Adds a document: what it does to a request, when it was pushed, and when Envoy had accepted it.
    pub fn add(&mut self, outcome: Outcome, pushed: Instant, taken: Instant) {
        self.0.push(Entry { outcome, pushed, taken });
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the exchanges that match no document that could be in force at any moment between their start and end.
    pub fn wrong<'a>(&self, seen: &'a [Seen]) -> Vec<&'a Seen> {
        seen.iter().filter(|seen| !self.explains(seen)).collect()
    }

    fn explains(&self, seen: &Seen) -> bool {
        let Some(outcome) = &seen.outcome else { return false };
        self.0.iter().enumerate().any(|(number, entry)| {
            let over = self.0.get(number + 1).map(|next| next.taken + ON_A_BUSY_MACHINE);
            entry.outcome == *outcome
                && entry.pushed <= seen.done
                && over.is_none_or(|over| seen.sent <= over)
        })
    }

    /// Returns for each document how long after Envoy had accepted it the last request was sent that still followed the
    /// previous document. Client pauses and request times are not included.
    pub fn lateness(&self, seen: &[Seen]) -> Lateness {
        let mut late = vec![Duration::ZERO; self.0.len().saturating_sub(1)];
        for seen in seen {
            let Some(number) = self.number(seen) else { continue };
            if let (Some(next), Some(late)) = (self.0.get(number + 1), late.get_mut(number)) {
                *late = (*late).max(seen.sent.saturating_duration_since(next.taken));
            }
        }
        late.sort();
        Lateness(late)
    }

    /// Returns the document that an exchange followed; if several do the same, the last possible one.
    fn number(&self, seen: &Seen) -> Option<usize> {
        let outcome = seen.outcome.as_ref()?;
        self.0.iter().rposition(|entry| entry.outcome == *outcome && entry.pushed <= seen.done)
    }
}

/// The lateness of each document, in ascending order: see [`History::lateness`].
pub struct Lateness(Vec<Duration>);

impl Lateness {
    fn part(&self, of_twenty: usize) -> Duration {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * of_twenty / 20).copied().unwrap_or_default()
    }

    /// Asserts that nineteen of twenty pushes were in force in time, and the others a little later.
    pub fn is_bounded(&self) {
        assert!(!self.0.is_empty(), "no document has come");
        assert!(self.part(19) <= IN_FORCE && self.part(20) <= ON_A_BUSY_MACHINE, "in force late: {self}");
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [half, most, all] = [10, 19, 20].map(|part| self.part(part));
        write!(f, "half of the pushes after {half:?}, nineteen of twenty after {most:?}, all after {all:?}")
    }
}
