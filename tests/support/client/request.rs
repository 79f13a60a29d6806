//! A request as a test specifies it.

use crate::upstream::{Stream, pattern};
use bytes::Bytes;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Channel, Full};
use std::convert::Infallible;
use std::time::Duration;

pub(super) type RequestBody = UnsyncBoxBody<Bytes, Infallible>;

/// A request: method, authority, path with query, headers and body.
#[derive(Debug, Clone)]
pub struct Request {
    pub method: Method,
    /// `host` or `host:port`: `host` in HTTP/1.1, `:authority` in HTTP/2.
    pub authority: String,
    /// The path with its query.
    pub path: String,
    /// Headers in order; a name may occur more than once.
    pub headers: HeaderMap,
    /// The body. An empty one means no body.
    pub body: Bytes,
    /// Pieces that are sent before the body, with a pause after each. The total length is then not declared.
    pub ahead: Option<Stream>,
    /// Trailers, for requests over HTTP/2 only.
    pub trailers: HeaderMap,
}

impl Request {
    /// A request without body to `backend.example`.
    pub fn new(method: Method, path: &str) -> Self {
        Self {
            method,
            authority: "backend.example".into(),
            path: path.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            ahead: None,
            trailers: HeaderMap::new(),
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub fn post(path: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Method::POST, path) }
    }

    /// Adds a header, even if there is already one of the same name.
    ///
    /// # Panics
    /// When name or value is not allowed in a request.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        self.headers.append(name, HeaderValue::from_bytes(value.as_ref()).expect("a header value"));
        self
    }

    /// Adds a trailer.
    ///
    /// # Panics
    /// When name or value cannot stand in a request.
    #[must_use]
    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        self.trailers.append(name, HeaderValue::from_str(value).expect("a value"));
        self
    }

    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = authority.into();
        self
    }

    /// Converts the request to the form that hyper sends in the given version.
    pub(super) fn into_http(self, version: Version) -> http::Request<RequestBody> {
        let trailers = (!self.trailers.is_empty()).then_some(Ok(self.trailers));
        let body = match self.ahead {
            None => Full::new(self.body).boxed_unsync(),
            Some(ahead) => in_pieces(ahead, self.body),
        };
        let mut request = http::Request::new(match trailers {
            None => body,
            trailers => body.with_trailers(std::future::ready(trailers)).boxed_unsync(),
        });
        *request.method_mut() = self.method;
        *request.version_mut() = version;
        *request.headers_mut() = self.headers;
        if version == Version::HTTP_2 {
            *request.uri_mut() = Uri::builder()
                .scheme("http")
                .authority(self.authority)
                .path_and_query(self.path)
                .build()
                .expect("a valid authority and path");
        } else {
            *request.uri_mut() = self.path.parse().expect("a valid path");
            let host = HeaderValue::from_str(&self.authority).expect("a valid authority");
            request.headers_mut().insert(HOST, host);
        }
        request
    }
}

/// Returns a body that begins in pieces, with the rest sent as fast as possible.
fn in_pieces(ahead: Stream, rest: Bytes) -> RequestBody {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        for piece in 0..ahead.pieces {
            let from = piece * ahead.bytes;
            // The peer may disconnect at any time; then there is nothing left to do.
            if sender.send_data(pattern(from..from + ahead.bytes)).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(ahead.every_ms)).await;
        }
        sender.send_data(rest).await.ok();
    });
    body.boxed_unsync()
}
