//! A real gRPC client and a real gRPC server.

use crate::trial::Plan;

pub fn all() -> Vec<Plan> {
    Vec::new()
}
