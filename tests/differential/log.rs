//! Envoy's access log of one side, by exchange.

use crate::seen::Side;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Mutex;
use support::deadline::until;

/// The request header that numbers an exchange.
pub const NUMBER: &str = "x-exchange";

/// A line of a listener's access log.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Entry {
    number: Option<String>,
    /// Envoy's flags: `DI` and `FI` are how the native filter says what it did.
    pub flags: String,
    /// The response code details, which say where the reply came from.
    pub details: Option<String>,
    /// The faults that our module reports in the filter state.
    pub faults: Option<String>,
    /// For how long it held the request.
    pub delay_ms: Option<String>,
    /// The dynamic metadata that the native filter has written.
    pub metadata: Option<Value>,
}

impl Entry {
    /// Returns whether that side's filter reports a delay, and whether it reports an abort.
    pub fn faults(&self, side: Side) -> (bool, bool) {
        let (said, separator, delay, abort) = match side {
            Side::Native => (self.flags.as_str(), ",", "DI", "FI"),
            Side::Ours => (self.faults.as_deref().unwrap_or_default(), "; ", "delay", "abort"),
        };
        let has = |what| said.split(separator).any(|one| one == what);
        (has(delay), has(abort))
    }
}

/// A log file that Envoy writes.
pub struct Log {
    path: PathBuf,
    read: Mutex<(u64, BTreeMap<u64, Entry>)>,
}

impl Log {
    /// The log in this file.
    pub fn new(path: PathBuf) -> Self {
        Self { path, read: Mutex::default() }
    }

    /// The access logger that writes it.
    pub fn logger(&self) -> Value {
        json!([{
            "name": "envoy.access_loggers.file",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
                "path": self.path,
                "log_format": { "json_format": {
                    "number": format!("%REQ({NUMBER})%"),
                    "flags": "%RESPONSE_FLAGS%",
                    "details": "%RESPONSE_CODE_DETAILS%",
                    "faults": "%FILTER_STATE(wasm.brownout.faults:PLAIN)%",
                    "delay_ms": "%FILTER_STATE(wasm.brownout.delay_ms:PLAIN)%",
                    "metadata": "%DYNAMIC_METADATA(envoy.filters.http.fault)%",
                } },
            },
        }])
    }

    /// Waits for the line of an exchange.
    pub async fn entry(&self, number: u64) -> Entry {
        until("a line of the access log", async || self.all_read(|all| all.get(&number).cloned())).await
    }

    /// Waits for `count` lines, starting at exchange `first`, and returns them.
    pub async fn entries_from(&self, first: u64, count: usize) -> Vec<Entry> {
        until("the lines of the access log", async || {
            self.all_read(|all| {
                let found: Vec<_> = all.range(first..).take(count).map(|(_, entry)| entry.clone()).collect();
                (found.len() == count).then_some(found)
            })
        })
        .await
    }

    fn all_read<T>(&self, look: impl FnOnce(&BTreeMap<u64, Entry>) -> T) -> T {
        let mut guard = self.read.lock().expect("no one panicked");
        let (offset, entries) = &mut *guard;
        let mut file = File::open(&self.path).expect("Envoy has opened its access log");
        let mut text = String::new();
        file.seek(SeekFrom::Start(*offset)).expect("a file");
        file.read_to_string(&mut text).expect("text");
        let complete = text.rfind('\n').map_or(0, |end| end + 1);
        *offset += complete as u64;
        for line in text[..complete].lines() {
            let entry: Entry = serde_json::from_str(line).expect("a line in our format");
            if let Some(number) = entry.number.as_deref().and_then(|number| number.parse().ok()) {
                entries.insert(number, entry);
            }
        }
        look(entries)
    }
}
