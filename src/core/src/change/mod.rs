//! Changes to a message in a document: to its headers, body and status, and delays.

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
