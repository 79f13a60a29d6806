//! Documents that stop on their own, in a real Envoy with four workers: because the service fails, or because they
//! expire.

mod counted;
mod expiry;
mod lives;
mod service;
mod stage;
