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

pub mod body;
pub mod change;
pub mod decode;
pub mod document;
pub mod effect;
pub mod engine;
pub mod entropy;
pub mod explain;
pub mod fault;
pub mod id;
pub mod kind;
pub mod limit;
#[cfg(feature = "lint")]
pub mod lint;
pub mod plan;
pub mod predicate;
#[cfg(feature = "sim")]
pub mod sim;
pub mod step;
pub mod stop;
pub mod time;
pub mod value;
pub mod view;
pub mod words;

pub use decode::diagnostic::{Diagnostic, Severity};
pub use engine::Engine;
pub use plan::Plan;
