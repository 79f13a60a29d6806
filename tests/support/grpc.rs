//! A third-party gRPC client and server: tonic, with plain bytes as messages.

use bytes::{Buf, BufMut};
use http::uri::PathAndQuery;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::{Request, Response, Status, Streaming};

/// A codec whose messages are plain bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Codec for Plain {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, message: Vec<u8>, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put_slice(&message);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let length = buffer.remaining();
        Ok(Some(buffer.copy_to_bytes(length).to_vec()))
    }
}

/// A service that echoes each message. Dropping it stops it.
pub struct Server {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

#[derive(Clone)]
struct Echo;

type Messages = Pin<Box<dyn Stream<Item = Result<Vec<u8>, Status>> + Send>>;
type Answering<T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send>>;

impl Service<Request<Streaming<Vec<u8>>>> for Echo {
    type Response = Response<Messages>;
    type Error = Status;
    type Future = Answering<Messages>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Streaming<Vec<u8>>>) -> Self::Future {
        let messages: Messages = Box::pin(request.into_inner());
        Box::pin(async move { Ok(Response::new(messages)) })
    }
}

impl Server {
    /// Starts it on a free port of the loopback address.
    ///
    /// # Panics
    /// When no socket can be had.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).ok();
                // Every kind of call is a stream of messages in each direction, sometimes of just one.
                let echo = service_fn(|request: http::Request<Incoming>| async {
                    let mut server = tonic::server::Grpc::new(Plain);
                    Ok::<_, Infallible>(server.streaming(Echo, request.map(Body::new)).await)
                });
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                connections.spawn(async move {
                    // An error here means that the peer has disconnected.
                    server.serve_connection(TokioIo::new(stream), echo).await.ok();
                });
            }
        });
        Self { address, accepting }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// An HTTP/2 connection as the transport of a tonic client.
pub struct Channel {
    sender: http2::SendRequest<Body>,
    driving: JoinHandle<()>,
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.driving.abort();
    }
}

impl Service<http::Request<Body>> for Channel {
    type Response = http::Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        self.sender.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.sender.send_request(request))
    }
}

/// A client on a connection of its own.
pub struct Client(tonic::client::Grpc<Channel>);

/// The result of a call: the messages received, and its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The messages that came before the end.
    pub messages: Vec<Vec<u8>>,
    /// The status: 0 is good.
    pub status: i32,
    pub message: String,
}

impl Called {
    fn failed(status: &Status, messages: Vec<Vec<u8>>) -> Self {
        Self { messages, status: status.code().into(), message: status.message().into() }
    }

    fn good(messages: Vec<Vec<u8>>) -> Self {
        Self { messages, status: 0, message: String::new() }
    }
}

impl Client {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens there.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("somebody listens there");
        stream.set_nodelay(true).expect("a connected socket");
        let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.expect("HTTP/2");
        let driving = tokio::spawn(async move { drop(connection.await) });
        let origin = format!("http://{address}").parse().expect("a URI");
        Self(tonic::client::Grpc::with_origin(Channel { sender, driving }, origin))
    }

    /// Makes a call with one message each way, and with `metadata`.
    pub async fn unary(
        &mut self,
        path: &'static str,
        message: &[u8],
        metadata: &[(&'static str, &str)],
    ) -> Called {
        let mut request = Request::new(message.to_vec());
        add(&mut request, metadata);
        self.ready().await;
        match self.0.unary(request, PathAndQuery::from_static(path), Plain).await {
            Ok(response) => Called::good(vec![response.into_inner()]),
            Err(status) => Called::failed(&status, Vec::new()),
        }
    }

    /// Makes a call with many messages each way; each but the first is sent once the previous one has come back.
    pub async fn streaming(
        &mut self,
        path: &'static str,
        messages: &[&[u8]],
        metadata: &[(&'static str, &str)],
    ) -> Called {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let mut request = Request::new(tokio_stream::wrappers::ReceiverStream::new(receiver));
        add(&mut request, metadata);
        let mut left = messages.iter().map(|message| message.to_vec());
        if let Some(first) = left.next() {
            sender.send(first).await.ok();
        }
        self.ready().await;
        let mut incoming = match self.0.streaming(request, PathAndQuery::from_static(path), Plain).await {
            Ok(response) => response.into_inner(),
            Err(status) => return Called::failed(&status, Vec::new()),
        };
        let mut sender = Some(sender);
        let mut came = Vec::new();
        while let Some(next) = incoming.next().await {
            match next {
                Ok(message) => came.push(message),
                Err(status) => return Called::failed(&status, came),
            }
            match (left.next(), &sender) {
                (Some(message), Some(sender)) => drop(sender.send(message).await),
                _ => sender = None,
            }
        }
        Called::good(came)
    }

    async fn ready(&mut self) {
        self.0.ready().await.expect("a connection");
    }
}

fn add<T>(request: &mut Request<T>, metadata: &[(&'static str, &str)]) {
    for (name, value) in metadata {
        request.metadata_mut().append(*name, value.parse().expect("a metadata value"));
    }
}
