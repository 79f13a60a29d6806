//! The core's tests, as one program: two dozen separate ones would each be linked and started under Node.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test may"
)]

mod common;

mod choosing;
mod distributions;
mod documents;
mod durations;
mod efforts;
mod engine;
mod expiry;
mod explain;
mod faults;
mod hostile;
mod house;
mod index;
mod kinds;
mod limits;
mod matchers;
mod mistakes;
mod outcomes;
mod percent;
mod predicates;
mod properties;
mod questions;
mod regexes;
mod routes;
mod sampling;
mod schedules;
mod shadow;
mod stopping;
mod streams;
mod throttles;
