//! The requests that pass through the proxy, from Envoy's access log.
//!
//! Envoy appends a line of JSON to a file for every finished exchange. The file is read as it grows; once it is large,
//! it is moved away and Envoy reopens its log, so that a long run does not fill the disk.

use crate::envoy::Admin;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The size at which a new file is started.
const LARGEST: u64 = 16 * 1024 * 1024;
/// The number of bytes to read at once.
const CHUNK: u64 = 1024 * 1024;

/// Response flags of an exchange that its client did not wait for.
const LEFT: [&str; 2] = ["DC", "DR"];
/// Envoy's `%RESPONSE_CODE_DETAILS%` for a response from the service itself.
const FROM_SERVICE: &str = "via_upstream";
/// Its prefix for a reply from the module.
const FROM_US: &str = "brownout_";
/// gRPC's statuses that are the server's fault: UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE, DATA_LOSS.
const SERVER_FAULTS: [u64; 5] = [2, 4, 13, 14, 15];

/// Returns an entry for `access_log` of Envoy's connection manager.
pub fn access_log(file: &Path) -> Value {
    json!({
        "name": "envoy.access_loggers.file",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
            "path": file,
            "log_format": {"json_format": {
                "time": "%START_TIME%",
                "clock": "%START_TIME_LOCAL(%H:%M:%S.%3f)%",
                "method": "%REQ(:METHOD)%",
                "authority": "%REQ(:AUTHORITY)%",
                "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
                "protocol": "%PROTOCOL%",
                "status": "%RESPONSE_CODE%",
                "grpc_status": "%GRPC_STATUS_NUMBER%",
                "details": "%RESPONSE_CODE_DETAILS%",
                "flags": "%RESPONSE_FLAGS%",
                "duration_ms": "%DURATION%",
                "rule": "%FILTER_STATE(wasm.brownout.rule:PLAIN)%",
                "faults": "%FILTER_STATE(wasm.brownout.faults:PLAIN)%",
                "delay_ms": "%FILTER_STATE(wasm.brownout.delay_ms:PLAIN)%",
            }},
        },
    })
}

/// The outcome of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestOutcome {
    /// The service answered, without an error of its own, and no fault was injected.
    Passed,
    /// A rule took it, or the module answered it.
    Injected,
    /// The service answered with a 5xx, or with a gRPC status that is the server's fault.
    Failed,
    /// Envoy answered, because the service did not.
    Unanswered,
    /// The client disconnected before the answer.
    Left,
}

impl RequestOutcome {
    /// Returns its name in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Injected => "injected",
            Self::Failed => "failed",
            Self::Unanswered => "unanswered",
            Self::Left => "left",
        }
    }
}

/// One finished exchange from the access log.
#[derive(Debug, Clone, PartialEq)]
pub struct ShownRequest {
    pub outcome: RequestOutcome,
    /// The local time at which it began: `14:03:07.120`.
    pub clock: String,
    /// The method and path, such as `GET /search?q=tea`.
    pub what: String,
    /// The status, unless the client got none.
    pub status: Option<u16>,
    /// The duration from the first byte of the request to the last byte of the response.
    pub milliseconds: u64,
    /// The rule that took it.
    pub rule: Option<String>,
    /// The rule, and what it did: `slow-search; delay`.
    pub fault: Option<String>,
    /// All fields of the log line.
    pub json: Value,
}

impl ShownRequest {
    /// Parses a log line. Returns `None` if the line describes no exchange.
    fn of(line: &str) -> Option<Self> {
        let mut json: Value = serde_json::from_str(line).ok()?;
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let method = text("method")?;
        let path = text("path").or_else(|| text("authority"))?;
        let number = |name: &str| json[name].as_u64().or_else(|| json[name].as_str()?.parse().ok());
        let status =
            number("status").and_then(|status| u16::try_from(status).ok()).filter(|status| *status > 0);
        let rule = text("rule");
        let faults = text("faults").unwrap_or_default();
        let milliseconds = number("duration_ms").unwrap_or(0);
        let flags = text("flags").unwrap_or_default();
        let details = text("details").unwrap_or_default();
        let server_fault = number("grpc_status").is_some_and(|status| SERVER_FAULTS.contains(&status));
        let outcome = if rule.is_some() || details.starts_with(FROM_US) {
            RequestOutcome::Injected
        } else if status.is_none() || flags.split(',').any(|flag| LEFT.contains(&flag)) {
            RequestOutcome::Left
        } else if details != FROM_SERVICE {
            RequestOutcome::Unanswered
        } else if status >= Some(500) || server_fault {
            RequestOutcome::Failed
        } else {
            RequestOutcome::Passed
        };
        let fault = rule.as_ref().map(|rule| format!("{rule}; {faults}"));
        let clock = text("clock").unwrap_or_default();
        let delay = number("delay_ms");
        if let Some(fields) = json.as_object_mut() {
            fields.remove("clock");
            fields.insert("status".into(), status.into());
            fields.insert("type".into(), "request".into());
            fields.insert("outcome".into(), outcome.word().into());
            let faults: Vec<&str> = faults.split("; ").filter(|fault| !fault.is_empty()).collect();
            fields.insert("faults".into(), faults.into());
            fields.insert("delay_ms".into(), delay.into());
        }
        Some(Self {
            outcome,
            clock,
            what: format!("{method} {path}"),
            status,
            milliseconds,
            rule,
            fault,
            json,
        })
    }
}

/// The log of one run.
#[derive(Debug)]
pub struct Requests {
    path: PathBuf,
    /// The open file: the one at `path`, or the one that was moved away from there.
    file: Option<File>,
    /// The number of bytes read from the open file.
    read: u64,
    /// The beginning of a line whose end has not been written yet.
    rest: Vec<u8>,
    /// True if the file was moved away and Envoy was told to reopen its log.
    moved: bool,
}

impl Requests {
    /// Creates a reader for the log that Envoy writes to this file.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), file: None, read: 0, rest: Vec::new(), moved: false }
    }

    /// Returns the exchanges logged since the last call, up to a few thousand.
    pub fn next(&mut self, admin: &Admin) -> Vec<ShownRequest> {
        let found = self.lines();
        if found.is_empty() && self.moved && self.path.exists() {
            // All of the old file has been read: Envoy writes to the new one from now on.
            (self.file, self.read, self.moved) = (None, 0, false);
            return self.lines();
        }
        if self.read > LARGEST && !self.moved {
            // If the call fails, Envoy keeps writing to the old file, and we keep reading it.
            self.moved = fs::rename(&self.path, self.path.with_extension("old")).is_ok()
                && admin.reopen_logs().is_ok();
        }
        found
    }

    fn lines(&mut self) -> Vec<ShownRequest> {
        // After a read error, the next call tries again.
        let Ok(read) = self.read_on() else { return Vec::new() };
        self.rest.extend_from_slice(&read);
        let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        String::from_utf8_lossy(&lines).lines().filter_map(ShownRequest::of).collect()
    }

    fn read_on(&mut self) -> io::Result<Vec<u8>> {
        if self.file.is_none() {
            self.file = Some(File::open(&self.path)?);
        }
        let mut bytes = Vec::new();
        if let Some(file) = &mut self.file {
            file.take(CHUNK).read_to_end(&mut bytes)?;
            self.read += bytes.len() as u64;
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestOutcome, Requests, ShownRequest};
    use crate::envoy::Admin;
    use std::fs;
    use std::io::Write;

    const LINE: &str = r#"{"time":"2026-11-30T13:00:00.000Z","clock":"14:00:00.000","method":"GET","path":"/a",
        "authority":"x","protocol":"HTTP/1.1","status":200,"grpc_status":null,"details":"via_upstream","flags":"-",
        "duration_ms":7,"rule":null,"faults":null,"delay_ms":null}"#;

    fn outcome(changes: &[(&str, &str)]) -> RequestOutcome {
        let line = changes.iter().fold(LINE.to_owned(), |line, (old, new)| line.replace(old, new));
        ShownRequest::of(&line).expect("an exchange").outcome
    }

    #[test]
    fn passed_means_that_the_service_answered_without_an_error() {
        assert_eq!(outcome(&[]), RequestOutcome::Passed);
        assert_eq!(outcome(&[("200", "404")]), RequestOutcome::Passed);
        assert_eq!(outcome(&[("200", "503")]), RequestOutcome::Failed);
        assert_eq!(outcome(&[(r#""grpc_status":null"#, r#""grpc_status":14"#)]), RequestOutcome::Failed);
        assert_eq!(outcome(&[(r#""grpc_status":null"#, r#""grpc_status":5"#)]), RequestOutcome::Passed);
        assert_eq!(
            outcome(&[("200", "503"), ("via_upstream", "upstream_reset"), ("-\"", "UF\"")]),
            RequestOutcome::Unanswered
        );
        assert_eq!(outcome(&[("200", "0"), (r#""flags":"-""#, r#""flags":"DC""#)]), RequestOutcome::Left);
        assert_eq!(outcome(&[("200", "503"), (r#""rule":null"#, r#""rule":"a""#)]), RequestOutcome::Injected);
    }

    #[test]
    fn a_line_is_read_once_all_of_it_is_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("access.log");
        let admin = Admin::new("127.0.0.1:1".parse().expect("an address"));
        let mut requests = Requests::new(&path);
        assert_eq!(requests.next(&admin), []);
        let line = LINE.replace('\n', "");
        let (start, end) = line.split_at(40);
        let mut file = fs::File::create(&path).expect("a file");
        write!(file, "{line}\n{start}").expect("written");
        assert_eq!(requests.next(&admin).len(), 1);
        writeln!(file, "{end}\nnot JSON").expect("written");
        let found = requests.next(&admin);
        assert_eq!(found.iter().map(|found| found.what.as_str()).collect::<Vec<_>>(), ["GET /a"]);
    }
}
