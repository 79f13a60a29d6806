//! The time at which an experiment runs. Other tools count from its start; a document has points in time, and
//! `--starting-at` converts one to the other.

use super::built::Built;
use super::findings::Findings;
use super::place::{Node, Place};
use brownout_core::decode::diagnostic::Code;
use brownout_core::value::duration::parse;
use brownout_core::value::timestamp::Timestamp;
use std::time::Duration;

/// A period of an experiment, relative to its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Its place in the input.
    pub place: Place,
    /// The time from the start to its beginning.
    pub after: Duration,
    /// Its length; `None` if it does not end.
    pub length: Option<Duration>,
}

impl Window {
    /// Returns the field `schedule` of a rule. Without a start, adds a note and returns `None`.
    pub fn schedule(&self, start: Option<Timestamp>, findings: &mut Findings) -> Option<(String, Built)> {
        let Some(start) = start else {
            let note = "left out: when it ends depends on when it starts; say so with `--starting-at`, and it becomes \
                `not_before` and `not_after`";
            findings.note(&self.place, note);
            return None;
        };
        let mut fields = vec![("not_before", at(start, self.after).from(&self.place))];
        let end = self.length.map(|length| at(start, self.after.saturating_add(length)));
        fields.extend(end.map(|end| ("not_after", end.from(&self.place))));
        Some(("schedule".into(), Built::object(fields).from(&self.place)))
    }
}

fn at(start: Timestamp, after: Duration) -> Built {
    let after = i64::try_from(after.as_micros()).unwrap_or(i64::MAX);
    Built::text(Timestamp(start.0.saturating_add(after)).to_string())
}

/// Parses a Go duration of any length: an experiment may be longer than any fault.
pub fn of_any_length(text: &str) -> Option<Duration> {
    let nanos = parse(text)?;
    let seconds = u64::try_from(nanos / 1_000_000_000).ok()?;
    Some(Duration::new(seconds, u32::try_from(nanos % 1_000_000_000).ok()?))
}

/// Reads a duration of any length: `90s`, `24h`.
pub fn length(node: &Node<'_>, findings: &mut Findings) -> Option<Duration> {
    let text = findings.text(node)?;
    let length = of_any_length(text);
    if length.is_none() {
        let label = format!("found `{text}`, expected one such as `90s` or `1h30m`");
        findings.wrong(&node.place, Code::InvalidValue, "invalid duration", label);
    }
    length
}
