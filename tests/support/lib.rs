//! Shared by the suites: a real Envoy with the module, upstreams and clients on real sockets, and scenarios that run
//! both against the engine under simulated time and in a real Envoy.

pub mod binomial;
pub mod client;
pub mod deadline;
pub mod envoy;
pub mod grpc;
pub mod load;
pub mod repository;
pub mod scenario;
pub mod upstream;
