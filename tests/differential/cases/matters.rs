//! What the native filter takes and ours cannot, asserted on both sides.

use super::{always, different, get, grpc};
use crate::expected::Expected::{Grpc, Passes};
use crate::trial::Plan;
use serde_json::json;

pub fn all() -> Vec<Plan> {
    let by_header = |status: &str| grpc().header("x-envoy-fault-abort-grpc-request", status);
    vec![different(
        "grpc_status_above_16",
        "grpc_status_above_16_by_header",
        json!({ "abort": { "header_abort": {}, "percentage": always() } }),
        vec![(by_header("17"), [Grpc(17), Passes]), (by_header("255"), [Grpc(255), Passes])],
    )]
    .into_iter()
    .inspect(|_| drop(get()))
    .collect()
}
