//! One connection of a client.

use super::request::RequestBody;
use super::{Cut, Piece, Reply, Request};
use bytes::BytesMut;
use http::{HeaderMap, Response, Version};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, requests one after the other.
    Http1,
    /// HTTP/2 without TLS and without an upgrade, any number of requests at once.
    Http2,
}

/// A connection that stays open between requests. Dropping it closes it at once, even in the middle of a request.
pub struct Connection {
    sender: Sender,
    driving: Driving,
}

/// The tasks that move bytes for a connection.
#[derive(Clone, Default)]
struct Driving(Arc<Mutex<JoinSet<()>>>);

impl<F> Executor<F> for Driving
where
    F: Future<Output: Send> + Send + 'static,
{
    fn execute(&self, task: F) {
        let mut tasks = self.0.lock().expect("no one panicked");
        tasks.spawn(async move { drop(task.await) });
    }
}

enum Sender {
    Http1(http1::SendRequest<RequestBody>),
    Http2(http2::SendRequest<RequestBody>),
}

impl Connection {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens there or the peer does not speak the protocol.
    pub async fn open(protocol: Protocol, address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("somebody listens there");
        stream.set_nodelay(true).expect("a connected socket");
        let io = TokioIo::new(stream);
        let driving = Driving::default();
        let sender = match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.expect("HTTP/1.1");
                driving.execute(connection);
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let (sender, connection) = http2::handshake(driving.clone(), io).await.expect("HTTP/2");
                driving.execute(connection);
                Sender::Http2(sender)
            }
        };
        Self { sender, driving }
    }

    /// Sends a request and waits for the whole reply.
    ///
    /// # Errors
    /// [`Cut`] when the reply does not come or breaks off.
    pub async fn send(&mut self, request: Request) -> Result<Reply, Cut> {
        let begin = Instant::now();
        let answered = match &mut self.sender {
            Sender::Http1(sender) => match sender.ready().await {
                Ok(()) => sender.send_request(request.into_http(Version::HTTP_11)).await,
                Err(cause) => Err(cause),
            },
            Sender::Http2(sender) => sender.send_request(request.into_http(Version::HTTP_2)).await,
        };
        match answered {
            Ok(response) => receive(begin, response).await,
            Err(cause) => Err(Cut { after: begin.elapsed(), begun: None, cause }),
        }
    }

    /// Sends many requests at once on this connection and waits for all replies, in the order of the requests.
    ///
    /// # Panics
    /// When the connection speaks HTTP/1.1, which cannot do that.
    pub async fn send_at_once(&mut self, requests: Vec<Request>) -> Vec<Result<Reply, Cut>> {
        let Sender::Http2(sender) = &self.sender else {
            panic!("HTTP/1.1 carries one request at a time on a connection");
        };
        let mut sending = JoinSet::new();
        for (number, request) in requests.into_iter().enumerate() {
            let mut sender = sender.clone();
            sending.spawn(async move {
                let begin = Instant::now();
                let reply = match sender.send_request(request.into_http(Version::HTTP_2)).await {
                    Ok(response) => receive(begin, response).await,
                    Err(cause) => Err(Cut { after: begin.elapsed(), begun: None, cause }),
                };
                (number, reply)
            });
        }
        let mut replies = sending.join_all().await;
        replies.sort_by_key(|(number, _)| *number);
        replies.into_iter().map(|(_, reply)| reply).collect()
    }

    /// Returns whether the peer has closed the connection.
    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The tasks hold handles of their own.
        self.driving.0.lock().expect("no one panicked").abort_all();
    }
}

async fn receive(begin: Instant, response: Response<Incoming>) -> Result<Reply, Cut> {
    let headers_after = begin.elapsed();
    let (head, mut incoming) = response.into_parts();
    let mut body = BytesMut::new();
    let mut pieces = Vec::new();
    let mut trailers = HeaderMap::new();
    while let Some(frame) = incoming.frame().await {
        match frame.map(hyper::body::Frame::into_data) {
            Ok(Ok(data)) => {
                pieces.push(Piece { after: begin.elapsed(), bytes: data.len() });
                body.extend_from_slice(&data);
            }
            Ok(Err(frame)) => trailers.extend(frame.into_trailers().unwrap_or_default()),
            Err(cause) => {
                return Err(Cut { after: begin.elapsed(), begun: Some((head.status, body)), cause });
            }
        }
    }
    Ok(Reply {
        version: head.version,
        status: head.status,
        headers: head.headers,
        body: body.freeze(),
        trailers,
        pieces,
        headers_after,
        complete_after: begin.elapsed(),
    })
}
