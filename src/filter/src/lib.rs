//! The proxy-wasm module. It turns the host's callbacks into questions to the core's engine, and performs what that
//! says; it decides nothing itself. What Envoy's Wasm host does and does not do stands in the comments where it
//! matters.
//!
//! What Cargo makes of this crate is not a module yet: `brownout-link` puts the callbacks in their place, and without it
//! Envoy answers every request with 503. `make build` does both.

mod callbacks;
mod chance;
mod clock;
mod closings;
mod configure;
mod contexts;
mod evidence;
mod host;
mod logger;
mod messages;
mod pairs;
mod properties;
mod releases;
mod request;
mod response;
mod stats;
mod status;
mod tally;
mod worker;
