//! The engine's inputs, generated from a fuzzer's bytes: requests, responses, clocks and randomness.

use arbitrary::{Result, Unstructured};
/// Random draws determined by a seed.
pub use brownout_core::entropy::Sequence as Seeded;
use brownout_core::sim::Clocks;
use brownout_core::time::Instant;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::{Property, RequestView, ResponseView};
use std::time::Duration;

/// Names that documents of [`crate::grammar`] ask for.
const NAMES: [&str; 24] = [
    "a",
    "b",
    ":method",
    ":path",
    ":authority",
    "content-type",
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "cookie",
    "upgrade",
    "x-envoy-fault-delay-request",
    "x-envoy-fault-abort-request",
    "x-envoy-fault-abort-grpc-request",
    "x-envoy-fault-delay-request-percentage",
    "x-envoy-fault-abort-request-percentage",
    "x-envoy-fault-throughput-response",
    "x-envoy-fault-throughput-request",
    "x-request-id",
    "traceparent",
    "user-agent",
    "te",
    "host",
    "expect",
];

/// Values that they compare with, or that have a special meaning.
const VALUES: [&[u8]; 32] = [
    b"",
    b"a",
    b"b",
    b"/",
    b"/a",
    b"/a?a=b&b",
    b"/a/b?a=%62;c",
    b"GET",
    b"POST",
    b"HEAD",
    b"CONNECT",
    b"shop",
    b"shop:80",
    b"[::1]:80",
    b"application/grpc",
    b"application/grpc+proto",
    b"application/json",
    b"application/json; charset=utf-8",
    b"gzip",
    b"chunked",
    b"a=b; b=a",
    b"websocket",
    b"0",
    b"1",
    b"100",
    b"503",
    b"4294967296",
    b"-1",
    b"9223372036854775808",
    b"\xff\xfe",
    b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    b"kube-probe/1.30",
];

/// Returns a value, often one with a special meaning.
pub fn bytes(input: &mut Unstructured<'_>) -> Vec<u8> {
    let chosen = |input: &mut Unstructured<'_>| -> Result<Vec<u8>> {
        if input.ratio(3, 4)? {
            return Ok(input.choose(&VALUES)?.to_vec());
        }
        let size = input.int_in_range(0..=24)?;
        // Parsers of messages refuse these three (RFC 9110, section 5.5).
        let printable = |byte: &u8| if b"\r\n\0".contains(byte) { b' ' } else { *byte };
        Ok(input.bytes(size.min(input.len()))?.iter().map(printable).collect())
    };
    chosen(input).unwrap_or_default()
}

fn headers(input: &mut Unstructured<'_>, first: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<_> =
        first.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec())).collect();
    for _ in 0..input.int_in_range(0..=5).unwrap_or(0) {
        let name = input.choose(&NAMES).unwrap_or(&"a");
        let value = bytes(input);
        let pseudo = name.starts_with(':');
        match headers.iter_mut().find(|(other, _)| pseudo && other == name) {
            Some(known) => known.1 = value,
            None => headers.push(((*name).to_owned(), value)),
        }
    }
    headers
}

/// Corrects headers that declare a length.
pub fn tell_length(headers: &mut [(String, Vec<u8>)], length: usize) {
    for (_, value) in headers.iter_mut().filter(|(name, _)| name == "content-length") {
        *value = length.to_string().into_bytes();
    }
}

fn any_value(headers: &[(String, Vec<u8>)], name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
    let mut values = headers.iter().filter(|(other, _)| other == name).peekable();
    values.peek()?;
    Some(values.any(|(_, value)| test(value)))
}

#[derive(Debug, Clone)]
pub struct Request {
    /// Names in lower case and values, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// True if more follows the headers.
    pub has_body: bool,
    /// A document in the metadata of its route.
    pub route_document: Option<Vec<u8>>,
    /// The value of all other facts.
    fact: Vec<u8>,
}

impl Request {
    pub fn any(input: &mut Unstructured<'_>) -> Self {
        let first: [(&str, &[u8]); 3] = [(":method", b"GET"), (":path", b"/"), (":authority", b"shop")];
        let present = input.int_in_range(0..=7).unwrap_or(0);
        let headers = headers(input, if present == 7 { &[] } else { &first });
        let has_body = input.arbitrary().unwrap_or(false);
        Self { headers, has_body, route_document: None, fact: bytes(input) }
    }

    /// Returns the value of a property; `None` if the proxy does not know it.
    pub fn fact(&self, property: Property<'_>) -> Option<Vec<u8>> {
        let value = match property {
            Property::RouteDocument => self.route_document.clone()?,
            Property::VirtualHostDocument => return None,
            Property::SourceAddress if self.fact.is_empty() => b"10.1.2.3:4567".to_vec(),
            Property::ListenerDirection => vec![self.fact.len() as u8 % 3, 0, 0, 0, 0, 0, 0, 0],
            _ => self.fact.clone(),
        };
        Some(value).filter(|value| !value.is_empty())
    }
}

impl RequestView for Request {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        any_value(&self.headers, name, test)
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value));
        true
    }

    fn is_http2(&self) -> bool {
        // As in reality, where only such a request has it.
        self.headers.iter().any(|(name, _)| name == "te")
    }

    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        self.fact(property)
    }

    fn has_body(&self) -> bool {
        self.has_body
    }
}

#[derive(Debug, Clone)]
pub struct Response {
    /// As of a request; `:status` is the first.
    pub headers: Vec<(String, Vec<u8>)>,
    /// True if more follows the headers.
    pub has_body: bool,
}

impl Response {
    pub fn any(input: &mut Unstructured<'_>) -> Self {
        let statuses: [&[u8]; 10] =
            [b"200", b"503", b"404", b"204", b"304", b"101", b"100", b"", b"x", b"99999"];
        let status = *input.choose(&statuses).unwrap_or(&statuses[0]);
        let headers = headers(input, &[(":status", status)]);
        Self { headers, has_body: input.arbitrary().unwrap_or(false) }
    }
}

impl ResponseView for Response {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        any_value(&self.headers, name, test)
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value));
        true
    }

    fn has_body(&self) -> bool {
        self.has_body
    }
}

/// Returns clocks that each show an arbitrary time or none.
pub fn clocks(input: &mut Unstructured<'_>) -> Clocks {
    let wall = input.arbitrary::<Option<i64>>().unwrap_or_default().map(Timestamp);
    let monotonic = input.arbitrary::<Option<u64>>().unwrap_or_default();
    let clocks = Clocks::default();
    clocks.monotonic.set(monotonic.map(|nanos| Instant(Duration::from_nanos(nanos))));
    clocks.wall.set(wall);
    clocks
}

/// Returns `size` bytes; adjacent bytes differ.
pub fn body(size: usize) -> Vec<u8> {
    (0..size).map(|place| b'a' + (place % 23) as u8).collect()
}
