//! HTTP/2 without TLS: many streams on a connection. Of each reply, only the end is looked at.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PATIENCE: Duration = Duration::from_secs(60);
const FRAME: usize = 9;

// Types and flags of frames: RFC 9113, section 6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// `:method: GET`, `:scheme: http`, `:path: /`, and `:authority: a`, as HPACK writes them (RFC 7541, appendix A).
const REQUEST: &[u8] = &[0x82, 0x86, 0x84, 0x01, 1, b'a'];

/// A connection whose streams each carry the same request, `GET /`.
pub struct Streams {
    stream: TcpStream,
    unread: Vec<u8>,
    unsent: Vec<u8>,
    /// The start of each stream, in the order of stream numbers: 1, 3, 5, ….
    begun: Vec<Instant>,
}

impl Streams {
    /// Connects.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens there");
        stream.set_nodelay(true).expect("a connected socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a connected socket");
        let mut unsent = PREFACE.to_vec();
        unsent.extend(frame(SETTINGS, 0, 0, &[]));
        Self { stream, unread: Vec::new(), unsent, begun: Vec::new() }
    }

    /// Begins a stream, and gives its request to the socket with the next [`Self::flush`].
    pub fn begin(&mut self) {
        let id = u32::try_from(self.begun.len() * 2 + 1).expect("fewer streams than a connection can have");
        self.begun.push(Instant::now());
        self.unsent.extend(frame(HEADERS, END_HEADERS | END_STREAM, id, REQUEST));
    }

    /// Sends what was begun.
    ///
    /// # Panics
    /// When the peer has closed the connection.
    pub fn flush(&mut self) {
        self.stream.write_all(&self.unsent).expect("the peer is there");
        self.unsent.clear();
    }

    /// Waits until some replies have ended, and returns when each of their requests was sent.
    ///
    /// # Panics
    /// When the peer closes the connection, resets a stream, or answers anything but 200.
    pub fn ended(&mut self) -> Vec<Instant> {
        let mut chunk = [0; 64 * 1024];
        let mut ended = Vec::new();
        while ended.is_empty() {
            let read = self.stream.read(&mut chunk).expect("a reply");
            assert!(read > 0, "the peer has closed the connection");
            self.unread.extend(&chunk[..read]);
            let mut at = 0;
            while let Some(length) = whole_frame(&self.unread[at..]) {
                ended.extend(self.take(at, length));
                at += length;
            }
            self.unread.drain(..at);
            if !self.unsent.is_empty() {
                self.flush();
            }
        }
        ended
    }

    /// Handles one frame. If it ends a stream, returns when that stream was begun.
    fn take(&mut self, at: usize, length: usize) -> Option<Instant> {
        let frame_bytes = &self.unread[at..at + length];
        let (kind, flags) = (frame_bytes[3], frame_bytes[4]);
        let id = u32::from_be_bytes(frame_bytes[5..FRAME].try_into().expect("four bytes"));
        let payload = &frame_bytes[FRAME..];
        match kind {
            HEADERS => assert!(is_ok(payload), "stream {id}: {}", payload.escape_ascii()),
            SETTINGS if flags & ACK == 0 => self.unsent.extend(frame(SETTINGS, ACK, 0, &[])),
            PING if flags & ACK == 0 => {
                let answer = frame(PING, ACK, 0, payload);
                self.unsent.extend(answer);
            }
            RST_STREAM | GOAWAY => panic!("stream {id} has broken off: {}", payload.escape_ascii()),
            _ => {}
        }
        let ends = matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0;
        ends.then(|| self.begun[(id as usize - 1) / 2])
    }
}

/// Returns the length of the frame at the start of these bytes, if it is complete.
fn whole_frame(bytes: &[u8]) -> Option<usize> {
    let length = bytes.first_chunk::<3>()?;
    let length = FRAME + u32::from_be_bytes([0, length[0], length[1], length[2]]) as usize;
    (bytes.len() >= length).then_some(length)
}

/// Returns whether a header block begins with `:status: 200`, after any updates of the table size.
fn is_ok(block: &[u8]) -> bool {
    block.iter().find(|byte| **byte & 0xe0 != 0x20) == Some(&0x88)
}

fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(id.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// Connections, each with its own thread, that together keep a number of streams open.
pub struct Crowd {
    connections: Vec<(Streams, usize)>,
}

impl Crowd {
    /// Opens enough connections for `streams` streams, with at most `each` streams on one connection.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn open(address: SocketAddr, streams: usize, each: usize) -> Self {
        let connections = streams.div_ceil(each);
        let share = |number| (streams + number) / connections;
        Self { connections: (0..connections).map(|number| (Streams::open(address), share(number))).collect() }
    }

    /// Keeps the streams busy for `time`, one request after the other on each. The first requests are spread evenly
    /// over `spread`, and the last ones are waited for. Returns how long each reply took.
    pub fn keep_on(&mut self, time: Duration, spread: Duration) -> Vec<Duration> {
        self.each(|streams, share| {
            let end = Instant::now() + time;
            for _ in 0..share {
                streams.begin();
                streams.flush();
                std::thread::sleep(spread / u32::try_from(share).unwrap_or(u32::MAX));
            }
            let (mut open, mut taken) = (share, Vec::new());
            while open > 0 {
                let ended = streams.ended();
                let now = Instant::now();
                for begun in ended {
                    taken.push(now - begun);
                    if now < end {
                        streams.begin();
                    } else {
                        open -= 1;
                    }
                }
                streams.flush();
            }
            taken
        })
    }

    /// Sends one request on every stream at once. Returns when each was sent, and when its reply had ended.
    pub fn at_once(&mut self) -> Vec<(Instant, Instant)> {
        self.each(|streams, share| {
            (0..share).for_each(|_| streams.begin());
            streams.flush();
            let mut taken = Vec::new();
            while taken.len() < share {
                let ended = streams.ended();
                let now = Instant::now();
                taken.extend(ended.into_iter().map(|begun| (begun, now)));
            }
            taken
        })
    }

    fn each<T: Send>(&mut self, run: impl Fn(&mut Streams, usize) -> Vec<T> + Sync) -> Vec<T> {
        std::thread::scope(|scope| {
            let run = &run;
            let connections = self.connections.iter_mut();
            let running: Vec<_> =
                connections.map(|(streams, share)| scope.spawn(move || run(streams, *share))).collect();
            running.into_iter().flat_map(|thread| thread.join().expect("a client does not panic")).collect()
        })
    }
}
