//! The values of a document, each with its own decoder, checks and output format.

pub mod duration;
pub mod grpc;
pub mod header;
pub mod http_status;
pub mod percent;
pub mod query;
pub mod timestamp;
