//! The answers of an upstream, and how a request asks for them.

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use http_body_util::channel::{SendError, Sender};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Channel, Full};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::time::Duration;

pub(super) type ReplyBody = UnsyncBoxBody<Bytes, io::Error>;

/// Returns a range of a long body. Each byte depends on its position, so that missing, duplicated or misplaced bytes
/// are noticed.
pub fn pattern(places: Range<usize>) -> Bytes {
    // A prime, so that no power of two repeats it.
    const PERIOD: usize = 251;
    let period: Vec<u8> = (0..PERIOD).map(|place| place as u8).collect();
    let all = Bytes::from(period.repeat(places.len().div_ceil(PERIOD) + 1));
    let from = places.start % PERIOD;
    all.slice(from..from + places.len())
}

/// An answer. The usual one is `200` with the body `upstream` at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    pub status: u16,
    /// Headers beyond `content-length` and `date`.
    pub headers: BTreeMap<String, String>,
    /// The body, unless one of the next three says otherwise.
    pub body: String,
    /// A body that is no text.
    pub bytes: Option<Vec<u8>>,
    /// A body of this many bytes of [`pattern`].
    pub length: Option<usize>,
    /// The time before the headers are sent, in milliseconds.
    pub after_ms: u64,
    /// A body that is sent in pieces, without declaring its length: those bytes, or [`pattern`].
    pub stream: Option<Stream>,
    /// The number of further bytes after the last piece of a stream, sent as fast as possible.
    pub rush: usize,
    /// True to break off after the last piece of a stream, as if the service had crashed.
    pub breaks_off: bool,
    /// Trailers, after a body or a stream. Only HTTP/2 carries them to the client.
    pub trailers: BTreeMap<String, String>,
    /// True to report to the client, in the header [`Self::ECHO`], what has arrived.
    pub echo: bool,
}

/// A body in equal pieces of [`pattern`] with pauses between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    pub pieces: usize,
    /// The length of each piece, in bytes.
    pub bytes: usize,
    /// The pause before each piece but the first, in milliseconds.
    pub every_ms: u64,
}

impl Default for Answer {
    fn default() -> Self {
        Self {
            status: 200,
            headers: BTreeMap::new(),
            body: "upstream".into(),
            bytes: None,
            length: None,
            after_ms: 0,
            stream: None,
            rush: 0,
            breaks_off: false,
            trailers: BTreeMap::new(),
            echo: false,
        }
    }
}

impl Answer {
    /// The response header that holds the whole request as text, its body included: headers, since replies to HEAD
    /// have no body.
    pub const ECHO: &'static str = "x-arrived";

    /// The request header that asks an [`Upstream`](super::Upstream) for a certain answer.
    pub const HEADER: &'static str = "x-upstream-answer";

    /// The value of [`Self::HEADER`] that asks for this answer.
    pub fn to_header(&self) -> String {
        serde_json::to_string(self).expect("an answer is plain data")
    }

    pub(super) fn asked_for(headers: &HeaderMap) -> Option<Self> {
        let asked = headers.get(Self::HEADER)?;
        Some(serde_json::from_slice(asked.as_bytes()).expect("the header holds an answer of ours"))
    }

    /// Returns the answer to a request; for `HEAD`, only the headers of the answer to `GET`.
    pub(super) async fn give(self, method: &Method) -> Response<ReplyBody> {
        tokio::time::sleep(Duration::from_millis(self.after_ms)).await;
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        if method == Method::HEAD {
            if self.stream.is_none() && !matches!(self.status, 204 | 304) {
                response = response.header(CONTENT_LENGTH, self.whole().len());
            }
            return response.body(empty()).expect("the test asks for a valid answer");
        }
        response.body(self.into_body()).expect("the test asks for a valid answer")
    }

    fn into_body(self) -> ReplyBody {
        if self.stream.is_none() && self.trailers.is_empty() {
            return Full::new(self.whole()).map_err(|never| match never {}).boxed_unsync();
        }
        let (mut sender, body) = Channel::new(1);
        tokio::spawn(async move {
            // The client may disconnect at any time; then there is nothing left to do.
            let Ok(()) = self.send_pieces(&mut sender).await else { return };
            if self.breaks_off {
                sender.abort(io::Error::other("the test asks for it"));
            } else if !self.trailers.is_empty() {
                sender.send_trailers(header_map(&self.trailers)).await.ok();
            }
        });
        body.boxed_unsync()
    }

    fn whole(&self) -> Bytes {
        match (&self.bytes, self.length) {
            (Some(bytes), _) => Bytes::copy_from_slice(bytes),
            (None, Some(length)) => pattern(0..length),
            (None, None) => Bytes::from(self.body.clone()),
        }
    }

    async fn send_pieces(&self, sender: &mut Sender<Bytes, io::Error>) -> Result<(), SendError> {
        let Some(stream) = self.stream else {
            return sender.send_data(self.whole()).await;
        };
        for piece in 0..stream.pieces {
            if piece > 0 {
                tokio::time::sleep(Duration::from_millis(stream.every_ms)).await;
            }
            let from = piece * stream.bytes;
            let to = from + stream.bytes;
            let data = match &self.bytes {
                Some(bytes) => Bytes::copy_from_slice(&bytes[from..to.min(bytes.len())]),
                None => pattern(from..to),
            };
            sender.send_data(data).await?;
        }
        let length = stream.pieces * stream.bytes;
        if self.rush > 0 {
            tokio::time::sleep(Duration::from_millis(stream.every_ms)).await;
            sender.send_data(pattern(length..length + self.rush)).await?;
        }
        Ok(())
    }
}

pub(super) fn empty() -> ReplyBody {
    Full::default().map_err(|never| match never {}).boxed_unsync()
}

fn header_map(headers: &BTreeMap<String, String>) -> HeaderMap {
    headers
        .iter()
        .map(|(name, value)| {
            let name: HeaderName = name.parse().expect("the test asks for a valid name");
            (name, HeaderValue::from_str(value).expect("the test asks for a valid value"))
        })
        .collect()
}
