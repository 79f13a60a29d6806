//! What breaks filters of this kind, one test for each. After each of them Envoy runs, its VM injects faults, and
//! nothing is held any more.

mod bytes;
mod crowds;
mod deliveries;
mod stage;
mod streams;
