//! A request as a test writes it.

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
    /// The method.
    pub method: Method,
    /// `host` or `host:port`: `host` in HTTP/1.1, `:authority` in HTTP/2.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// Headers in order; a name may occur more than once.
    pub headers: HeaderMap,
    /// The body. One of no bytes is no body at all.
    pub body: Bytes,
    /// Pieces that go before the body, each with its pause after it. How long it all is going to be is then not told.
    pub ahead: Option<Stream>,
    /// Trailers, for HTTP/2.
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

    /// A `GET`.
    pub fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `POST` with a body.
    pub fn post(path: &str, body: impl Into<Bytes>) -> Self {
        Self { body: body.into(), ..Self::new(Method::POST, path) }
    }

    /// Adds a header, also beside one of the same name.
    ///
    /// # Panics
    /// When name or value cannot stand in a request.
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

    /// Sets the authority.
    #[must_use]
    pub fn authority(mut self, authority: &str) -> Self {
        self.authority = authority.into();
        self
    }

    /// The request in the form that hyper sends in the given version.
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

/// A body that begins in pieces, and then comes as fast as it goes.
fn in_pieces(ahead: Stream, rest: Bytes) -> RequestBody {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        for piece in 0..ahead.pieces {
            let from = piece * ahead.bytes;
            // The peer may leave at any time; then there is nobody to tell.
            if sender.send_data(pattern(from..from + ahead.bytes)).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(ahead.every_ms)).await;
        }
        sender.send_data(rest).await.ok();
    });
    body.boxed_unsync()
}
