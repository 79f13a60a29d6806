//! Steady traffic: many connections, each with one request after the other until stopped.

use crate::client::{Connection, Cut, Protocol, Reply, Request};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// A request of a load, and its outcome.
#[derive(Debug)]
pub struct LoadExchange {
    /// The number of its connection.
    pub connection: usize,
    /// The number of the request on that connection, counted from 0.
    pub number: usize,
    /// The moment before it was sent.
    pub sent: Instant,
    /// The moment after the last byte of the reply.
    pub done: Instant,
    pub reply: Result<Reply, Cut>,
}

/// A running load. Dropping it cuts its connections.
pub struct Load<T> {
    stopped: Arc<AtomicBool>,
    connections: JoinSet<Vec<T>>,
}

impl<T: Send + 'static> Load<T> {
    /// Opens HTTP/1.1 connections and sends on each the requests that `ask` returns for the numbers of connection and
    /// request, with a `pause` after each reply. Keeps what `note` returns for each exchange.
    ///
    /// # Panics
    /// When nobody listens there.
    pub async fn start(
        address: SocketAddr,
        connections: usize,
        pause: Duration,
        ask: impl Fn(usize, usize) -> Request + Clone + Send + 'static,
        note: impl Fn(LoadExchange) -> T + Clone + Send + 'static,
    ) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let mut running = JoinSet::new();
        for connection in 0..connections {
            let mut open = Connection::open(Protocol::Http1, address).await;
            let (stopped, ask, note) = (Arc::clone(&stopped), ask.clone(), note.clone());
            running.spawn(async move {
                let mut notes = Vec::new();
                for number in 0.. {
                    if stopped.load(Ordering::Relaxed) {
                        break;
                    }
                    let sent = Instant::now();
                    let reply = open.send(ask(connection, number)).await;
                    // A reply that is sent before the whole request has arrived closes the connection, and says so.
                    if reply
                        .as_ref()
                        .map_or(true, |reply| reply.header("connection").as_deref() == Some("close"))
                    {
                        open = Connection::open(Protocol::Http1, address).await;
                    }
                    notes.push(note(LoadExchange { connection, number, sent, done: Instant::now(), reply }));
                    tokio::time::sleep(pause).await;
                }
                notes
            });
        }
        Self { stopped, connections: running }
    }

    /// Lets the last requests finish and returns all notes, in order per connection.
    pub async fn finish(self) -> Vec<T> {
        self.stopped.store(true, Ordering::Relaxed);
        self.connections.join_all().await.into_iter().flatten().collect()
    }
}
