//! Bytes on a socket, for what no HTTP library would send.

use crate::deadline::within_patience;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that sends exactly the bytes it is given.
pub struct Raw {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// The head of an HTTP/1.1 reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// Names in lower case, and values, in order of arrival.
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Head {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        let found = self.headers.iter().find(|(given, _)| given == name);
        found.map(|(_, value)| value.as_slice())
    }
}

impl Raw {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("somebody listens there");
        stream.set_nodelay(true).expect("a connected socket");
        Self { stream, unread: Vec::new() }
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When the peer has closed the connection.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("the peer is there");
    }

    /// Waits for the head of a reply.
    ///
    /// # Panics
    /// When the connection ends first, or what comes is no HTTP/1.1.
    pub async fn head(&mut self) -> Head {
        within_patience("the head of a reply", async {
            loop {
                if let Some((head, length)) = parse_head(&self.unread) {
                    self.unread.drain(..length);
                    return head;
                }
                assert!(
                    self.read_more().await > 0,
                    "closed after {:?}",
                    self.unread.escape_ascii().to_string()
                );
            }
        })
        .await
    }

    /// Waits for exactly `length` bytes.
    ///
    /// # Panics
    /// When the connection ends first.
    pub async fn bytes(&mut self, length: usize) -> Vec<u8> {
        within_patience("bytes of a reply", async {
            while self.unread.len() < length {
                assert!(self.read_more().await > 0, "closed after {} of {length} bytes", self.unread.len());
            }
            self.unread.drain(..length).collect()
        })
        .await
    }

    /// Waits for a reply with a `content-length`.
    ///
    /// # Panics
    /// When the connection ends first, or the reply has no `content-length`.
    pub async fn reply(&mut self) -> (Head, Vec<u8>) {
        let head = self.head().await;
        let length = head.header("content-length").expect("a reply that tells its length");
        let length = std::str::from_utf8(length).ok().and_then(|text| text.parse().ok());
        let body = self.bytes(length.expect("a number")).await;
        (head, body)
    }

    /// Waits for the final reply to a request of this method, however its length is given (RFC 9112, section 6.3).
    ///
    /// # Panics
    /// When the connection ends first, or the reply ends only with the connection.
    pub async fn message(&mut self, method: &str) -> (Head, Vec<u8>) {
        let mut head = self.head().await;
        while (100..200).contains(&head.status) {
            head = self.head().await;
        }
        if method == "HEAD" || matches!(head.status, 204 | 304) {
            return (head, Vec::new());
        }
        let chunked = head.header("transfer-encoding") == Some(b"chunked");
        let length = head.header("content-length").map(<[u8]>::to_vec);
        let body = match (chunked, length) {
            (true, None) => self.chunks().await,
            (false, Some(length)) => self.bytes(number(&length, 10)).await,
            (chunked, length) => panic!("chunked: {chunked}, length: {length:?}"),
        };
        (head, body)
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let length = number(&self.line().await, 16);
            body.extend(self.bytes(length).await);
            // Without trailers, the last chunk is followed by an empty line, like the others.
            assert_eq!(self.line().await, b"", "after {} bytes", body.len());
            if length == 0 {
                return body;
            }
        }
    }

    async fn line(&mut self) -> Vec<u8> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.bytes(1).await);
        }
        line.truncate(line.len() - 2);
        line
    }

    /// Waits for the peer to close the connection, and returns whether it sent nothing before.
    pub async fn closes(&mut self) -> bool {
        within_patience("the end of the connection", self.read_more()).await == 0 && self.unread.is_empty()
    }

    /// Returns what arrives until nothing has come for `moment`, or the peer closes the connection.
    pub async fn unasked(&mut self, moment: Duration) -> Vec<u8> {
        while let Ok(1..) = tokio::time::timeout(moment, self.read_more()).await {}
        std::mem::take(&mut self.unread)
    }

    /// Returns what arrives within `time`, and whether the peer has closed the connection by then.
    pub async fn within(&mut self, time: Duration) -> (Vec<u8>, bool) {
        let reading = async { while self.read_more().await > 0 {} };
        let closed = tokio::time::timeout(time, reading).await.is_ok();
        (std::mem::take(&mut self.unread), closed)
    }

    /// Waits for the peer to close the connection and returns what it sent before.
    pub async fn rest(mut self) -> Vec<u8> {
        within_patience("the end of the connection", async { while self.read_more().await > 0 {} }).await;
        self.unread
    }

    /// Disconnects at once with a TCP reset, like a crashed client.
    pub fn leave_abruptly(self) {
        self.stream.set_zero_linger().expect("a connected socket");
    }

    /// Reads what is there; 0 at the end, however the connection ended.
    async fn read_more(&mut self) -> usize {
        self.stream.read_buf(&mut self.unread).await.unwrap_or(0)
    }
}

fn number(digits: &[u8], radix: u32) -> usize {
    let digits = std::str::from_utf8(digits).ok();
    let number = digits.and_then(|digits| usize::from_str_radix(digits, radix).ok());
    number.unwrap_or_else(|| panic!("a length, not {digits:?}"))
}

fn parse_head(bytes: &[u8]) -> Option<(Head, usize)> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = response.parse(bytes).expect("HTTP/1.1") else {
        return None;
    };
    let status = response.code.expect("a complete head has a status");
    let headers = response.headers.iter();
    let headers = headers.map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec())).collect();
    Some((Head { status, headers }, length))
}
