//! Brownout's core: it turns the bytes of a document into a checked [`Plan`], and what happens to an exchange into
//! what to do about it.
//!
//! Nothing in here knows a host, a clock or a source of chance: readings of the clock and of the exchange come in
//! through traits ([`time::Clock`], [`view::RequestView`]), entropy through [`entropy::Entropy`], and everything that
//! is to be done goes out as a value ([`step`]). The proxy-wasm module performs those values in Envoy; the `brownout`
//! command uses the same code to check, explain and simulate.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod activation;
pub mod allowance;
pub mod body;
pub mod decode;
pub mod diagnostic;
mod dictionary;
pub mod document;
pub mod duration;
pub mod effects;
pub mod effort;
pub mod engine;
pub mod entropy;
pub mod exchange;
pub mod explain;
pub mod fault;
pub mod grpc;
pub mod header;
mod index;
pub mod json;
pub mod ledger;
pub mod limits;
#[cfg(feature = "lint")]
pub mod lint;
mod names;
pub mod path;
pub mod percent;
pub mod plan;
pub mod predicate;
mod query;
pub mod recent;
pub mod route;
pub mod rules;
pub mod sample;
pub mod schedule;
#[cfg(feature = "schema")]
pub mod schema;
pub mod step;
pub mod stop;
pub mod tally;
pub mod time;
pub mod timestamp;
pub mod view;
pub mod wire;

pub use diagnostic::{Diagnostic, Severity};
pub use engine::Engine;
pub use plan::Plan;
