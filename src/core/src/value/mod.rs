//! The values of a document, each with its own reading, checks and printing.

pub mod duration;
pub mod grpc;
pub mod header;
pub mod http_status;
pub mod percent;
pub mod query;
pub mod timestamp;
