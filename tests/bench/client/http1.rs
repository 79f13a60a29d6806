//! HTTP/1.1 with keep-alive: connections that take turns, one request on each at a time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The longest a reply may take, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Some connections that always send the same request, and always get the same status.
pub struct Lanes {
    lanes: Vec<Lane>,
    request: Vec<u8>,
    status: [u8; 3],
}

struct Lane {
    stream: TcpStream,
    /// Bytes from the peer; those from `begin` to `end` are still to be handled.
    buffer: Vec<u8>,
    begin: usize,
    end: usize,
}

impl Lanes {
    /// Opens `count` connections.
    ///
    /// # Panics
    /// When nobody listens there.
    pub fn open(address: SocketAddr, count: usize, request: &[u8], status: u16) -> Self {
        let lanes = (0..count).map(|_| Lane::open(address)).collect();
        let status = status.to_string().into_bytes().try_into().expect("three digits");
        Self { lanes, request: request.to_vec(), status }
    }

    /// Sends `requests` requests, on the connections in turn: until the last few, the peer always has one request to
    /// answer on each connection.
    ///
    /// # Panics
    /// When a reply is not as expected.
    pub fn run(&mut self, requests: usize) {
        let count = self.lanes.len();
        for number in 0..requests + count {
            let lane = &mut self.lanes[number % count];
            if number >= count {
                lane.receive(self.status);
            }
            if number < requests {
                lane.stream.write_all(&self.request).expect("the peer is there");
            }
        }
    }

    /// Sends requests on the first connection only, and adds the time each reply took to `taken`.
    ///
    /// # Panics
    /// When a reply is not what it has to be.
    pub fn time(&mut self, requests: usize, taken: &mut Vec<Duration>) {
        let lane = &mut self.lanes[0];
        for _ in 0..requests {
            let sent = Instant::now();
            lane.stream.write_all(&self.request).expect("the peer is there");
            lane.receive(self.status);
            taken.push(sent.elapsed());
        }
    }
}

impl Lane {
    fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("somebody listens there");
        stream.set_nodelay(true).expect("a connected socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a connected socket");
        Self { stream, buffer: vec![0; 256 * 1024], begin: 0, end: 0 }
    }

    /// Reads a whole reply and forgets it.
    fn receive(&mut self, status: [u8; 3]) {
        let head = loop {
            let unread = &self.buffer[self.begin..self.end];
            if let Some(length) = unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break length + 4;
            }
            self.read();
        };
        let text = &self.buffer[self.begin..self.begin + head];
        assert!(text[9..12] == status, "{}", text.escape_ascii());
        let mut missing = content_length(text);
        self.begin += head;
        loop {
            let present = missing.min(self.end - self.begin);
            self.begin += present;
            missing -= present;
            if missing == 0 {
                break;
            }
            self.read();
        }
        if self.begin == self.end {
            (self.begin, self.end) = (0, 0);
        }
    }

    fn read(&mut self) {
        if self.begin > 0 {
            self.buffer.copy_within(self.begin..self.end, 0);
            (self.begin, self.end) = (0, self.end - self.begin);
        }
        let read = self.stream.read(&mut self.buffer[self.end..]).expect("a reply");
        assert!(read > 0, "the peer has closed the connection");
        self.end += read;
    }
}

/// Returns the length of the body after this head, or 0 if the head does not give one.
pub fn content_length(head: &[u8]) -> usize {
    const NAME: &[u8] = b"\r\ncontent-length: ";
    let Some(at) = head.windows(NAME.len()).position(|bytes| bytes == NAME) else { return 0 };
    let digits = head[at + NAME.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number, digit| number * 10 + usize::from(digit - b'0'))
}
