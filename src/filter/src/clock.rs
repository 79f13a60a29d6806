//! The clocks that the host provides.

use crate::host;
use brownout_core::time::{Clock, Instant};
use brownout_core::value::timestamp::Timestamp;
use std::time::Duration;

pub struct HostClock;

impl Clock for HostClock {
    fn now(&self) -> Option<Instant> {
        host::monotonic_nanoseconds().ok().map(|nanos| Instant(Duration::from_nanos(nanos)))
    }

    fn wall(&self) -> Option<Timestamp> {
        let nanos = host::realtime_nanoseconds().ok()?;
        i64::try_from(nanos / 1000).ok().map(Timestamp)
    }
}
