//! The odds that the host does what the module asks.

use crate::exchange::Seeded;
use arbitrary::Unstructured;
use brownout_core::entropy::Entropy;

/// The names of the host calls that can fail individually.
pub const CALLS: [&str; 20] = [
    "proxy_get_log_level",
    "proxy_set_tick_period_milliseconds",
    "proxy_set_effective_context",
    "proxy_get_buffer_bytes",
    "proxy_set_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_get_header_map_value",
    "proxy_get_property",
    "proxy_set_property",
    "proxy_get_shared_data",
    "proxy_set_shared_data",
    "proxy_add_header_map_value",
    "proxy_replace_header_map_value",
    "proxy_remove_header_map_value",
    "proxy_send_local_response",
    "proxy_continue_stream",
    "proxy_close_stream",
    "proxy_define_metric",
    "clock_time_get",
    "random_get",
];

/// The statuses of failed calls: proxy-wasm's, and one that it does not define.
const STATUSES: [u32; 10] = [1, 2, 3, 4, 6, 7, 8, 10, 12, 4_000_000_000];

/// The odds of the host's answers, until the input changes them.
#[derive(Debug)]
pub struct Odds {
    /// Calls that always fail: those that the proxy's configuration denies the module.
    forbidden: u32,
    /// Of 256 calls that are not forbidden, the number that fail on average.
    failing: u8,
    /// Of 256 answers, the number that are nonsense on average.
    nonsense: u8,
    chance: Seeded,
}

impl Odds {
    /// A host that does what it is asked to.
    pub fn good() -> Self {
        Self { forbidden: 0, failing: 0, nonsense: 0, chance: Seeded(0) }
    }

    /// Generates a host that may fail calls or answer nonsense.
    pub fn any(input: &mut Unstructured<'_>) -> Self {
        let mut odds = Self::good();
        let kinds = input.int_in_range(0..=7_u8).unwrap_or(0);
        if kinds & 1 != 0 {
            odds.forbidden = input.arbitrary().unwrap_or(0);
        }
        if kinds & 2 != 0 {
            odds.failing = input.int_in_range(0..=64).unwrap_or(0);
        }
        if kinds & 4 != 0 {
            odds.nonsense = input.int_in_range(0..=64).unwrap_or(0);
        }
        odds.chance = Seeded(input.arbitrary().unwrap_or(0));
        odds
    }

    /// Returns the status with which a call fails, if it fails.
    pub fn failure(&mut self, call: &str) -> Option<u32> {
        let place = CALLS.iter().position(|name| *name == call);
        if place.is_some_and(|place| self.forbidden & (1 << place) != 0) {
            return Some(10);
        }
        let draw = self.chance.next_u64();
        let status = STATUSES[(draw >> 8) as usize % STATUSES.len()];
        (draw as u8 > 255 - self.failing).then_some(status)
    }

    /// Returns the nonsense to answer with, if any.
    pub fn nonsense(&mut self) -> Option<Vec<u8>> {
        let draw = self.chance.next_u64();
        if draw as u8 <= 255 - self.nonsense {
            return None;
        }
        let size = (draw >> 8) as usize % 40;
        Some((0..size).map(|_| (self.chance.next_u64() >> 7) as u8).collect())
    }

    pub fn number(&mut self) -> u64 {
        self.chance.next_u64()
    }
}
