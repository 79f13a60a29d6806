//! A request as an upstream records it.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Uri, Version};
use std::sync::atomic::{AtomicU64, Ordering};

/// A request as the upstream received it.
#[derive(Debug, Clone)]
pub struct Received {
    pub(super) id: u64,
    /// `HTTP/1.1` or `HTTP/2`, as Envoy spoke to the upstream.
    pub version: Version,
    pub method: Method,
    /// Path and query; with HTTP/2 also scheme and authority.
    pub uri: Uri,
    /// All headers; values are bytes, not text.
    pub headers: HeaderMap,
    /// The length of the body, in bytes; `None` until the body is complete.
    pub body_length: Option<usize>,
    /// The trailers, once the body is complete and if it has any.
    pub trailers: HeaderMap,
    /// The body once it is complete, if the answer is an [`echo`](super::Answer::echo).
    pub body: Option<Bytes>,
}

impl Received {
    pub(super) fn new<B>(request: &Request<B>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            version: request.version(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body_length: None,
            trailers: HeaderMap::new(),
            body: None,
        }
    }

    /// The first value of a header, as bytes.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(http::HeaderValue::as_bytes)
    }
}
