//! Clients that cost next to nothing: raw bytes on blocking sockets. They only look for the end of a reply.

mod http1;
mod http2;

pub use http1::{Lanes, content_length};
pub use http2::Crowd;
