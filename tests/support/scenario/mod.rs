//! Scenarios: a document, requests, and their outcomes. Each file runs simulated against the engine
//! ([`simulate`]), where times are exact, and for real in Envoy ([`Rig`]).

mod expected;
mod file;
mod real;
mod simulated;

pub use expected::{Expected, ExpectedReply, Outcome, Taken};
pub use file::{Configured, Exchange, Scenario};
pub use real::Rig;
pub use simulated::simulate;
