//! Percentages that leave nothing to chance.

use super::{get, same};
use crate::expected::Expected::{Aborted, Passes};
use crate::trial::Plan;
use serde_json::{Value, json};

pub fn all() -> Vec<Plan> {
    let rows = [
        ("percentage_left_out", None, false),
        ("percentage_empty", Some(json!({})), false),
        ("percentage_of_0", Some(json!({ "numerator": 0, "denominator": "MILLION" })), false),
        ("percentage_of_100", Some(json!({ "numerator": 100, "denominator": "HUNDRED" })), true),
        ("percentage_of_10000", Some(json!({ "numerator": 10_000, "denominator": "TEN_THOUSAND" })), true),
        ("percentage_of_1000000", Some(json!({ "numerator": 1_000_000, "denominator": "MILLION" })), true),
        ("percentage_above_its_denominator", Some(json!({ "numerator": 250 })), true),
        ("percentage_far_above_its_denominator", Some(json!({ "numerator": u32::MAX })), true),
    ];
    rows.into_iter().map(|(name, percentage, always)| row(name, percentage, always)).collect()
}

fn row(name: &'static str, percentage: Option<Value>, always: bool) -> Plan {
    let mut abort = json!({ "http_status": 503 });
    if let Some(percentage) = percentage {
        abort["percentage"] = percentage;
    }
    let expected = if always { Aborted(503) } else { Passes };
    same(name, json!({ "abort": abort }), vec![(get(), expected); 5])
}
