//! Limits in a real Envoy with four workers and 64 clients, for every kind of fault, as counted by the clients: active
//! at the same time, in total, per second, and as a share; and what a worker that dies leaves behind.

mod active;
mod cases;
mod documents;
mod dying;
mod rates;
mod stage;
mod totals;
