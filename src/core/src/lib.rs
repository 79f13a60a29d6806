//! Brownout's core: it parses and checks a document into a [`Plan`], and decides what to do with each exchange.
//!
//! The core does no I/O, and has no clock or random number generator of its own. It reads the clock and the exchange
//! through traits ([`time::Clock`], [`view::RequestView`]), takes entropy from [`entropy::Entropy`], and returns every
//! action as a value ([`step`]). The proxy-wasm module carries out these actions in Envoy; the `brownout` command uses
//! the same code to check, explain and simulate.
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
pub mod table;
pub mod time;
pub mod value;
pub mod view;
pub mod words;

pub use decode::diagnostic::{Diagnostic, Severity};
pub use engine::Engine;
pub use plan::Plan;
