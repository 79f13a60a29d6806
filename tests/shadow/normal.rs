//! Messages as bytes, without what Envoy itself varies each time: header values that contain a time or a request ID,
//! and where it happens to split a body into chunks.

use std::hash::{DefaultHasher, Hasher};

/// The headers whose values vary. Their presence and position do not.
pub const VARYING: [&str; 3] = ["date", "x-request-id", "x-envoy-upstream-service-time"];

/// The most bytes shown as text; more are shown as a hash.
const LONG: usize = 1000;

/// Messages of HTTP/1.1 one after the other, as text.
pub fn normal(bytes: &[u8]) -> String {
    let Some(end) = find(bytes, b"\r\n\r\n") else { return shown(bytes) };
    let (head, rest) = bytes.split_at(end + 4);
    let text = String::from_utf8_lossy(head);
    let lines: String = head.split_inclusive(|byte| *byte == b'\n').map(line).collect();
    let interim = text.starts_with("HTTP/1.1 1") && !text.starts_with("HTTP/1.1 101");
    let rest = if interim {
        normal(rest)
    } else if text.contains("\r\ntransfer-encoding: chunked\r\n") {
        unchunked(rest)
    } else if let Some(next) = next(rest).filter(|_| text.starts_with("HTTP/")) {
        shown(&rest[..next]) + &normal(&rest[next..])
    } else {
        shown(rest)
    };
    lines + &rest
}

/// Returns where the next response begins. There is none after a long one.
fn next(bytes: &[u8]) -> Option<usize> {
    if bytes.len() > LONG { None } else { find(bytes, b"HTTP/1.1 ") }
}

fn line(bytes: &[u8]) -> String {
    let name = bytes.split(|byte| *byte == b':').next().unwrap_or_default();
    match VARYING.iter().find(|varying| varying.as_bytes() == name) {
        Some(name) => format!("{name}: …\n"),
        None => bytes.escape_ascii().to_string() + "\n",
    }
}

/// A chunked body, and whether it was complete.
fn unchunked(bytes: &[u8]) -> String {
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let Ok(httparse::Status::Complete((start, size))) = httparse::parse_chunk_size(&bytes[at..]) else {
            return format!("chunks, not all of them: {}", shown(&body));
        };
        let from = at + start;
        let to = (from + usize::try_from(size).expect("a length")).min(bytes.len());
        if size == 0 {
            return format!("chunks: {}, then {}", shown(&body), shown(&bytes[to..]));
        }
        body.extend_from_slice(&bytes[from..to]);
        at = (to + 2).min(bytes.len());
    }
}

/// Returns bytes as text, or a hash if there are many.
pub fn shown(bytes: &[u8]) -> String {
    if bytes.len() <= LONG {
        return bytes.escape_ascii().to_string();
    }
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{} bytes, hash {}", bytes.len(), hasher.finish())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}
