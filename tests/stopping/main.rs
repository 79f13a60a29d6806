//! Documents that end by themselves, in a real Envoy with four workers: because the service fails, or because their time
//! is over.

mod counted;
mod expiry;
mod service;
mod stage;
