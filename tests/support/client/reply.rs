//! Replies, and the times at which their parts arrived.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, Version};
use std::fmt;
use std::time::Duration;

/// A reply that arrived in full. Times count from the moment before the request was sent.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The version that the peer spoke.
    pub version: Version,
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub trailers: HeaderMap,
    /// The body's pieces as they arrived.
    pub pieces: Vec<Piece>,
    /// The time until the headers arrived.
    pub headers_after: Duration,
    /// The time until the last byte arrived.
    pub complete_after: Duration,
}

/// A part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The time until it arrived.
    pub after: Duration,
    pub bytes: usize,
}

impl Reply {
    /// Returns the first value of a header as text, with invalid UTF-8 replaced.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    /// Returns the body as text, with invalid UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A reply that did not arrive in full: the connection was closed or the stream reset.
#[derive(Debug)]
pub struct Cut {
    /// The time until it was noticed.
    pub after: Duration,
    /// Status and body so far, if the headers had arrived.
    pub begun: Option<(StatusCode, BytesMut)>,
    /// The error from the client's HTTP library.
    pub cause: hyper::Error,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cut after {:?}", self.after)?;
        if let Some((status, body)) = &self.begun {
            write!(f, " (status {status}, {} bytes of body)", body.len())?;
        }
        write!(f, ": {}", self.cause)
    }
}

impl std::error::Error for Cut {}
