//! Clients for tests: each is one HTTP/1.1 or HTTP/2 connection, or raw bytes on a socket.

mod connection;
mod raw;
mod reply;
mod request;

pub use connection::{Connection, Protocol};
pub use raw::{Head, Raw};
pub use reply::{Cut, Piece, Reply};
pub use request::Request;
