//! The proxy-wasm module. It turns the host's callbacks into calls to the core's engine, and carries out the engine's
//! steps; it decides nothing itself. Comments note what Envoy's Wasm host does and does not do where it matters.
//!
//! Cargo's output for this crate is not a usable module yet: `brownout-link` renames the callbacks, and without it
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
