//! Faults that change, slow down or end messages, against a real Envoy: every kind of body, both protocols, and what
//! comes next on the connection.

mod bodies;
mod changes;
mod desync;
mod endings;
mod floods;
mod grpc;
mod json;
mod rates;
mod stage;
mod tunnels;
mod uploads;
