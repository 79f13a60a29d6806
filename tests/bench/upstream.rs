//! A service that answers each request with a body as long as the request's.

use crate::client::content_length;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;

/// Starts it; it ends with the process.
///
/// # Panics
/// When there is no free port.
pub fn start() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound socket has an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer_all(stream));
        }
    });
    address
}

/// Answers requests until the peer leaves. There is one request on a connection at a time.
fn answer_all(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let mut buffer = vec![0; 256 * 1024];
    let mut reply = Vec::new();
    loop {
        let mut filled = 0;
        let head = loop {
            let read = stream.read(&mut buffer[filled..]).ok().filter(|read| *read > 0)?;
            filled += read;
            if let Some(at) = buffer[..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
        };
        let length = content_length(&buffer[..head]);
        let mut missing = length - (filled - head);
        while missing > 0 {
            missing -= stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        }
        reply.clear();
        write!(reply, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").ok()?;
        reply.resize(reply.len() + length, b'x');
        stream.write_all(&reply).ok()?;
    }
}
