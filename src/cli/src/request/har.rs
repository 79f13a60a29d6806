//! The requests of a HAR file, as browsers and proxies save it (HAR 1.2).

use super::{Request, Unusable, Url, read};
use brownout_core::value::timestamp::Timestamp;
use serde::Deserialize;
use std::path::Path;

#[derive(Deserialize)]
#[serde(expecting = "an object with `log`")]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
#[serde(expecting = "an object with `entries`")]
struct Log {
    entries: Vec<HarEntry>,
}

#[derive(Deserialize)]
#[serde(expecting = "an entry with a `request`")]
struct HarEntry {
    #[serde(rename = "startedDateTime")]
    started: Option<String>,
    request: Recorded,
}

#[derive(Deserialize)]
#[serde(expecting = "a request with `method` and `url`")]
struct Recorded {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Header>,
}

#[derive(Deserialize)]
#[serde(expecting = "a header with `name` and `value`")]
struct Header {
    name: String,
    value: String,
}

/// The requests of a file, in its order.
///
/// # Errors
/// Why it cannot be read, or what is wrong with it and where.
pub fn open(path: &Path) -> Result<Vec<Request>, Unusable> {
    let (name, text) = read(path)?;
    parse(&name, &text)
}

fn parse(name: &str, text: &str) -> Result<Vec<Request>, Unusable> {
    let har: Har = serde_json::from_str(text).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let reason = error.to_string();
        let reason = reason.rsplit_once(" at line ").map_or(reason.as_str(), |(reason, _)| reason);
        Unusable::wrong(format!("{name}:{line}:{column}"), format!("not a HAR file: {reason}"))
    })?;
    let each = har.log.entries.into_iter().enumerate();
    each.map(|(index, entry)| {
        request(entry).map_err(|reason| Unusable::wrong(format!("{name}: log.entries[{index}]"), reason))
    })
    .collect()
}

fn request(entry: HarEntry) -> Result<Request, String> {
    let Recorded { method, url, headers } = entry.request;
    let mut request =
        Request::new(&method, &Url::parse(&url).map_err(|reason| format!("request.url: {reason}"))?);
    // Browsers list the request line of HTTP/2 among the headers.
    for Header { name, value } in headers.iter().filter(|header| !header.name.starts_with(':')) {
        request.add(name, value.as_bytes());
    }
    if let Some(started) = entry.started {
        let sent = Timestamp::parse(&started);
        request.sent =
            Some(sent.ok_or_else(|| format!("startedDateTime: `{started}` is not a time (RFC 3339)"))?);
    }
    Ok(request)
}
