//! The service behind Envoy: HTTP/1.1 and HTTP/2 without TLS on a real socket. It records what it receives, and
//! answers with the [`Answer`] that the request asks for.

mod answer;
mod received;

pub use answer::{Answer, Stream, pattern};
pub use received::Received;

use answer::ReplyBody;
use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hasher};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A running upstream. Dropping it stops it.
pub struct Upstream {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    received: Mutex<Vec<Received>>,
    usual: Mutex<Answer>,
}

impl Upstream {
    /// Starts an upstream on a free port of the loopback address.
    ///
    /// # Panics
    /// When no socket can be had.
    pub async fn start() -> Self {
        Self::start_on(Ipv4Addr::LOCALHOST).await
    }

    /// Starts an upstream on a free port of all addresses, which containers reach too.
    ///
    /// # Panics
    /// When no socket can be had.
    pub async fn start_everywhere() -> Self {
        Self::start_on(Ipv4Addr::UNSPECIFIED).await
    }

    async fn start_on(address: Ipv4Addr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state = Arc::new(State::default());
        let accepting = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { address, state, accepting }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the answer to requests that do not ask for one.
    pub fn answer_with(&self, answer: Answer) {
        *self.state.usual.lock().expect("no one panicked") = answer;
    }

    /// Returns how many requests have arrived; each counts once its headers have arrived.
    pub fn count(&self) -> usize {
        self.state.received.lock().expect("no one panicked").len()
    }

    /// Returns the requests that have arrived since the last call, in order.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.state.received.lock().expect("no one panicked"))
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl State {
    /// Records a request and returns its number.
    fn remember(&self, received: Received) -> usize {
        let mut all = self.received.lock().expect("no one panicked");
        all.push(received);
        all.len() - 1
    }

    /// Records a body, or only its length, once it has arrived. A test that has already taken the list either waited
    /// for the answer, which comes after the body, or does not use lengths.
    fn note_body(&self, number: usize, id: u64, length: usize, body: Option<Bytes>, trailers: HeaderMap) {
        let mut all = self.received.lock().expect("no one panicked");
        if let Some(received) = all.get_mut(number).filter(|received| received.id == id) {
            received.body_length = Some(length);
            received.body = body;
            received.trailers = trailers;
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    while let Ok((connection, _)) = listener.accept().await {
        tokio::spawn(serve(connection, Arc::clone(&state)));
    }
}

async fn serve(connection: TcpStream, state: Arc<State>) {
    connection.set_nodelay(true).ok();
    let answering = service_fn(move |request| answer(request, Arc::clone(&state)));
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http2().max_concurrent_streams(None);
    // An error here means that Envoy or the client has disconnected, which many tests do on purpose.
    server.serve_connection_with_upgrades(TokioIo::new(connection), answering).await.ok();
}

async fn answer(
    mut request: Request<Incoming>,
    state: Arc<State>,
) -> Result<Response<ReplyBody>, Infallible> {
    let received = Received::new(&request);
    let id = received.id;
    let number = state.remember(received);
    if request.headers().contains_key(http::header::UPGRADE) {
        return Ok(echo(&mut request));
    }
    let usual = state.usual.lock().expect("no one panicked").clone();
    let mut answer = Answer::asked_for(request.headers()).unwrap_or(usual);
    let mut length = 0;
    let mut body = Vec::new();
    let mut trailers = HeaderMap::new();
    while let Some(Ok(frame)) = request.body_mut().frame().await {
        if let Some(last) = frame.trailers_ref() {
            trailers.clone_from(last);
        }
        let Some(data) = frame.data_ref() else { continue };
        length += data.len();
        if answer.echo {
            body.extend_from_slice(data);
        }
    }
    state.note_body(number, id, length, answer.echo.then(|| body.clone().into()), trailers);
    if answer.echo {
        answer.headers.insert(Answer::ECHO.into(), text(&request, &body));
    }
    Ok(answer.give(request.method()).await)
}

/// A request in one line of plain characters, with a hash for a long body.
fn text(request: &Request<Incoming>, body: &[u8]) -> String {
    let headers = request.headers().iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.as_bytes().escape_ascii()));
    let headers: Vec<String> = headers.collect();
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    let body = match body.len() {
        0..=1000 => body.escape_ascii().to_string(),
        length => format!("{length} bytes, hash {}", hasher.finish()),
    };
    format!("{} {} [{}] {body}", request.method(), request.uri(), headers.join(" | "))
}

/// Switches protocols and sends back every byte.
fn echo(request: &mut Request<Incoming>) -> Response<ReplyBody> {
    let protocol = request.headers()[http::header::UPGRADE].clone();
    let upgrading = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let Ok(upgraded) = upgrading.await else { return };
        let mut stream = TokioIo::new(upgraded);
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            if stream.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    });
    Response::builder()
        .status(101)
        .header(http::header::CONNECTION, "upgrade")
        .header(http::header::UPGRADE, protocol)
        .body(answer::empty())
        .expect("a valid reply")
}
