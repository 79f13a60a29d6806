//! The requests of an access log of Envoy: its default format, Istio's default format, or JSON, one object on a line.

use super::{Request, Unusable, Url, log_line, read};
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::Property;
use serde_json::{Map, Value};
use std::path::Path;

/// Keys of JSON lines, as Istio, Envoy Gateway and Envoy's documentation name them, and their meanings.
const KEYS: &[(&str, Key)] = &[
    ("authority", Key::Header(":authority")),
    (":authority", Key::Header(":authority")),
    ("host", Key::Header(":authority")),
    ("method", Key::Header(":method")),
    (":method", Key::Header(":method")),
    ("request_method", Key::Header(":method")),
    ("path", Key::Path),
    (":path", Key::Path),
    ("request_path", Key::Path),
    ("x-envoy-origin-path", Key::Path),
    ("x-envoy-original-path", Key::Path),
    ("scheme", Key::Header(":scheme")),
    ("start_time", Key::Start),
    ("timestamp", Key::Start),
    ("user_agent", Key::Header("user-agent")),
    ("user-agent", Key::Header("user-agent")),
    ("request_id", Key::Header("x-request-id")),
    ("x_forwarded_for", Key::Header("x-forwarded-for")),
    ("content_type", Key::Header("content-type")),
    ("content-type", Key::Header("content-type")),
    ("referer", Key::Header("referer")),
    ("cookie", Key::Header("cookie")),
    ("traceparent", Key::Header("traceparent")),
    ("route_name", Key::Fact(Property::RouteName)),
    ("virtual_host", Key::Fact(Property::VirtualHostName)),
    ("virtual_host_name", Key::Fact(Property::VirtualHostName)),
    ("upstream_cluster", Key::Fact(Property::ClusterName)),
    ("downstream_remote_address", Key::Fact(Property::SourceAddress)),
    ("downstream_peer_uri_san", Key::Fact(Property::PeerUriSan)),
];

/// The meaning of a field of a line.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    Header(&'static str),
    /// The path and query, or a whole URL.
    Path,
    /// The time at which the request began.
    Start,
    /// A property that the proxy knew.
    Fact(Property<'static>),
}

/// The requests of a file, in its order.
///
/// # Errors
/// Why it cannot be read, or the line that is neither JSON nor in one of the two formats.
pub fn open(path: &Path) -> Result<Vec<Request>, Unusable> {
    let (name, text) = read(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            one(line.trim()).map_err(|reason| Unusable::wrong(format!("{name}:{}", index + 1), reason))
        })
        .collect()
}

fn one(line: &str) -> Result<Request, String> {
    if line.starts_with('{') {
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
        let fields = object.iter().filter_map(|(name, value)| Some((key(name)?, text(value)?)));
        build(fields)
    } else {
        let fields = log_line::fields(line)?;
        build(fields.into_iter().map(|(key, value)| (Named::Known(key), value)))
    }
}

enum Named {
    Known(Key),
    /// A header by its own name.
    Header(String),
}

fn key(name: &str) -> Option<Named> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, key)) = KEYS.iter().find(|(known, _)| *known == lower) {
        return Some(Named::Known(*key));
    }
    let header = lower.replace('_', "-");
    header.starts_with("x-").then_some(Named::Header(header))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Builds a request. Envoy writes `-` for a missing value.
fn build(fields: impl Iterator<Item = (Named, String)>) -> Result<Request, String> {
    let mut request = Request::new("", &Url { scheme: "http".into(), ..Url::default() });
    for (key, value) in fields.filter(|(_, value)| !value.is_empty() && value != "-") {
        match key {
            Named::Header(name) => request.set(&name, value.as_bytes()),
            Named::Known(Key::Header(name)) => request.set(name, value.as_bytes()),
            Named::Known(Key::Path) => {
                let path = value
                    .split_once("://")
                    .map_or(Ok(value.clone()), |_| Url::parse(&value).map(|u| u.path))?;
                request.set(":path", path.as_bytes());
            }
            Named::Known(Key::Fact(property)) => request.know(property, value),
            Named::Known(Key::Start) => {
                let sent = Timestamp::parse(&value);
                request.sent = Some(sent.ok_or_else(|| format!("`{value}` is not a time (RFC 3339)"))?);
            }
        }
    }
    let given = |name: &str| request.headers.iter().any(|(other, value)| other == name && !value.is_empty());
    match (given(":method"), given(":path")) {
        (true, true) => Ok(request),
        (false, _) => Err("no method: expected the field `method`".into()),
        (true, false) => Err("no path: expected the field `path`".into()),
    }
}
