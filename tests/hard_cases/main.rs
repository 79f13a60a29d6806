//! Cases that break filters of this kind, one test each. After each test Envoy still runs, its VM still injects faults,
//! and nothing is held.

mod bytes;
mod crowds;
mod deliveries;
mod stage;
mod streams;
