//! Envoy's access log, written after each exchange.

use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A line of a listener's access log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Path and query; `None` for CONNECT.
    pub path: Option<String>,
    /// The HTTP status, 0 when none was sent.
    pub status: u16,
    /// Envoy's short flags for what went wrong, `-` if nothing did.
    pub flags: String,
    /// The response code details, which say who replied: `via_upstream`, `brownout_abort`, ….
    pub details: Option<String>,
    /// The rule that took the exchange, as our module leaves it in the filter state.
    pub rule: Option<String>,
    /// The faults that this rule injected, likewise.
    pub faults: Option<String>,
    /// The time it was held, in milliseconds, likewise.
    pub delay_ms: Option<String>,
}

impl Entry {
    pub(super) fn format() -> Value {
        json!({
            "path": "%REQ(:PATH)%",
            "status": "%RESPONSE_CODE%",
            "flags": "%RESPONSE_FLAGS%",
            "details": "%RESPONSE_CODE_DETAILS%",
            "rule": "%FILTER_STATE(wasm.brownout.rule:PLAIN)%",
            "faults": "%FILTER_STATE(wasm.brownout.faults:PLAIN)%",
            "delay_ms": "%FILTER_STATE(wasm.brownout.delay_ms:PLAIN)%",
        })
    }
}

pub(super) fn file(directory: &Path, listener: &str) -> PathBuf {
    directory.join(format!("access-{listener}.log"))
}

/// All complete lines so far.
pub(super) fn read(directory: &Path, listener: &str) -> Vec<Entry> {
    let text = std::fs::read_to_string(file(directory, listener)).expect("Envoy has opened its access log");
    let complete = text.rfind('\n').map_or("", |end| &text[..end]);
    complete.lines().map(|line| serde_json::from_str(line).expect("a line in our format")).collect()
}
