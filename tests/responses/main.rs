//! Faults that change, slow down or end messages, with a real Envoy: every kind of body, both protocols, and the next
//! exchange on the connection.

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
