//! What an upstream answers, and how a request asks for it.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Channel, Full};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

pub(super) type ReplyBody = UnsyncBoxBody<Bytes, Infallible>;

/// An answer. The usual one is `200` with the body `upstream` at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Headers beyond `content-length` and `date`.
    pub headers: BTreeMap<String, String>,
    /// The body, unless there is a `stream`.
    pub body: String,
    /// How long it takes until the headers are sent, in milliseconds.
    pub after_ms: u64,
    /// A body that is sent in pieces.
    pub stream: Option<Stream>,
    /// Trailers, after a body or a stream. Only HTTP/2 carries them to the client.
    pub trailers: BTreeMap<String, String>,
    /// Tells the client in the header [`Self::ECHO`] what has arrived.
    pub echo: bool,
}

/// A body in equal pieces with pauses between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stream {
    /// How many pieces.
    pub pieces: usize,
    /// How many bytes in each.
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
            after_ms: 0,
            stream: None,
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

    pub(super) async fn give(self) -> Response<ReplyBody> {
        tokio::time::sleep(Duration::from_millis(self.after_ms)).await;
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(name, value);
        }
        response.body(self.into_body()).expect("the test asks for a valid answer")
    }

    fn into_body(self) -> ReplyBody {
        if self.stream.is_none() && self.trailers.is_empty() {
            return Full::new(Bytes::from(self.body)).boxed_unsync();
        }
        let (mut sender, body) = Channel::new(1);
        tokio::spawn(async move {
            // The client may leave at any time; then there is nobody to tell.
            let Ok(()) = self.send_pieces(&mut sender).await else { return };
            if !self.trailers.is_empty() {
                sender.send_trailers(header_map(&self.trailers)).await.ok();
            }
        });
        body.boxed_unsync()
    }

    async fn send_pieces(
        &self,
        sender: &mut http_body_util::channel::Sender<Bytes>,
    ) -> Result<(), http_body_util::channel::SendError> {
        let Some(stream) = self.stream else {
            return sender.send_data(Bytes::from(self.body.clone())).await;
        };
        for piece in 0..stream.pieces {
            if piece > 0 {
                tokio::time::sleep(Duration::from_millis(stream.every_ms)).await;
            }
            sender.send_data(Bytes::from(vec![b'.'; stream.bytes])).await?;
        }
        Ok(())
    }
}

pub(super) fn empty() -> ReplyBody {
    Full::default().boxed_unsync()
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
