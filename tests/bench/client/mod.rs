//! Clients that cost next to nothing: raw bytes on blocking sockets, and no look at more of a reply than its end.

mod http1;
mod http2;

pub use http1::{Lanes, content_length};
pub use http2::Crowd;
