//! What a document says about changes to a message: its headers, its body, its status, and how long it waits.

pub mod body;
pub mod header_control;
pub mod headers;
pub mod length;
pub mod percentiles;
pub(crate) mod query;
pub mod rate_limit;
pub mod response;
pub mod status;
pub mod wait;
