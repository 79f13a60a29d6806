//! Evidence for the access log: filter state that `%FILTER_STATE(wasm.brownout.rule:PLAIN)%`, and likewise `faults` and
//! `delay_ms`, read.

use crate::host;
use brownout_core::engine::event::listed;
use brownout_core::kind::Kinds;
use std::time::Duration;

/// Sets it for the exchange of the effective context. Without a delay, an earlier one stays.
pub fn set_filter_state(rule: &str, kinds: Kinds, delay: Option<Duration>) -> host::Result<()> {
    host::set_property("brownout.rule", rule.as_bytes())?;
    host::set_property("brownout.faults", listed(kinds).as_bytes())?;
    match delay {
        Some(delay) => host::set_property("brownout.delay_ms", delay.as_millis().to_string().as_bytes()),
        None => Ok(()),
    }
}
