//! An upstream that sends exactly the bytes it is told to, and records every byte that it receives.

use crate::normal::normal;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// A step of the upstream's script, which it runs after each whole request.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends these bytes as they are.
    Say(Vec<u8>),
    /// Waits until the client has received what was sent.
    Wait,
    /// Reads this many bytes and sends them back.
    Echo(usize),
    Close,
}

/// The upstream. It ends when it is dropped.
pub struct Bytes {
    address: SocketAddr,
    state: Arc<State>,
    accepting: JoinHandle<()>,
}

struct State {
    script: Mutex<Vec<Step>>,
    heard: Mutex<Vec<String>>,
    arrived: Semaphore,
}

impl Bytes {
    /// Starts it on a free port of the loopback address.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let state =
            Arc::new(State { script: Mutex::default(), heard: Mutex::default(), arrived: Semaphore::new(0) });
        let shared = Arc::clone(&state);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { address, state, accepting }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the script to follow from now on.
    pub fn follow(&self, script: &[Step]) {
        *self.state.script.lock().expect("no one panicked") = script.to_vec();
    }

    /// Signals that the client has received what was sent: see [`Step::Wait`].
    pub fn arrived(&self) {
        self.state.arrived.add_permits(1);
    }

    /// Returns the requests received since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.state.heard.lock().expect("no one panicked"))
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) {
    stream.set_nodelay(true).ok();
    let mut unread = Vec::new();
    loop {
        let length = loop {
            match length(&unread) {
                Some(length) if unread.len() >= length => break length,
                _ => {}
            }
            let Ok(1..) = stream.read_buf(&mut unread).await else { return };
        };
        let request: Vec<u8> = unread.drain(..length).collect();
        state.heard.lock().expect("no one panicked").push(normal(&request));
        let script = state.script.lock().expect("no one panicked").clone();
        for step in script {
            match step {
                Step::Say(bytes) => {
                    if stream.write_all(&bytes).await.is_err() {
                        return;
                    }
                }
                Step::Wait => state.arrived.acquire().await.expect("it is never closed").forget(),
                Step::Echo(bytes) => {
                    let mut echo = vec![0; bytes];
                    if stream.read_exact(&mut echo).await.is_err() || stream.write_all(&echo).await.is_err() {
                        return;
                    }
                }
                Step::Close => return,
            }
        }
    }
}

/// Returns the length of the first request, once it is known.
fn length(bytes: &[u8]) -> Option<usize> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    let httparse::Status::Complete(head) = request.parse(bytes).expect("Envoy speaks HTTP/1.1") else {
        return None;
    };
    let value = |name: &str| request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name));
    if let Some(length) = value("content-length") {
        let length: usize = std::str::from_utf8(length.value).ok()?.parse().ok()?;
        return Some(head + length);
    }
    match value("transfer-encoding") {
        Some(_) => {
            let mut at = head;
            loop {
                let httparse::Status::Complete((start, size)) =
                    httparse::parse_chunk_size(&bytes[at..]).expect("chunks")
                else {
                    return None;
                };
                at += start + usize::try_from(size).expect("a length") + 2;
                if size == 0 {
                    return Some(at);
                }
                if bytes.len() < at {
                    return None;
                }
            }
        }
        None => Some(head),
    }
}
