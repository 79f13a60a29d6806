//! Argument types that several commands share: formats, times and durations.

use brownout_core::time::{Clock, Instant};
use brownout_core::value::duration;
use brownout_core::value::timestamp::Timestamp;
use std::time::{Duration, SystemTime};

/// A command's output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text for people.
    Text,
    /// JSON for programs.
    Json,
}

/// Parses an RFC 3339 time.
///
/// # Errors
/// When the text is not one.
pub fn time(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok_or_else(|| "expected a time such as `2026-11-22T13:00:00Z` (RFC 3339)".into())
}

/// Parses a duration as documents write it, but of any length.
///
/// # Errors
/// When the text is not one.
pub fn length(text: &str) -> Result<Duration, String> {
    let nanos = duration::parse(text).and_then(|nanos| u64::try_from(nanos).ok());
    nanos.map(Duration::from_nanos).ok_or_else(|| "expected a duration such as `30s` or `1h30m`".into())
}

pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// Returns the current time, truncated to whole seconds.
pub fn now_in_seconds() -> Timestamp {
    Timestamp(now().0 / 1_000_000 * 1_000_000)
}

/// One moment, on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    pub wall: Timestamp,
    /// The time since the document arrived.
    pub age: Duration,
}

impl Moment {
    /// A time of day at which a document arrives.
    pub fn of(wall: Timestamp) -> Self {
        Self { wall, age: Duration::ZERO }
    }
}

impl Clock for Moment {
    fn now(&self) -> Option<Instant> {
        Some(Instant(self.age))
    }

    fn wall(&self) -> Option<Timestamp> {
        Some(self.wall)
    }
}
