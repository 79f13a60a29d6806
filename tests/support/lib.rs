//! What the suites share: a real Envoy with the module, upstreams and clients on real sockets, and scenarios
//! that run against the engine under simulated time and against that Envoy alike.

pub mod binomial;
pub mod client;
pub mod deadline;
pub mod envoy;
pub mod grpc;
pub mod load;
pub mod repository;
pub mod scenario;
pub mod upstream;
