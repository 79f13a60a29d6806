//! A generated `HTTPFault`, itself without any randomness.

use super::chance::Chance;
use super::values::{NODES, REGEXES, TEXTS};
use serde_json::{Value, json};
use support::envoy::version;

/// Generates a configuration: every field that a document can express, with percentages of 0 and 100.
pub fn fault(chance: &mut Chance) -> Value {
    let mut fault = json!({});
    if chance.percent(60) {
        fault["delay"] = delay(chance);
    }
    if chance.percent(65) {
        fault["abort"] = abort(chance);
    }
    if chance.percent(15) {
        fault["upstream_cluster"] = (*chance.one_of(&["upstream", "other"])).into();
    }
    if chance.percent(15) {
        fault["downstream_nodes"] = NODES[..=chance.below(3)].into();
    }
    let matchers = *chance.one_of(&[0, 0, 0, 1, 1, 1, 2]);
    if matchers > 0 {
        fault["headers"] = (0..matchers).map(|_| matcher(chance)).collect();
    }
    match chance.below(10) {
        0 => {
            fault["max_active_faults"] = 0.into();
            // How the native filter counts both together is a separate documented difference.
            let dropped = *chance.one_of(&["delay", "abort"]);
            fault.as_object_mut().expect("an object").remove(dropped);
        }
        1 => fault["max_active_faults"] = 1000.into(),
        _ => {}
    }
    if chance.percent(10) {
        fault["filter_metadata"] = json!({ "a": "b" });
    }
    fault
}

fn percentage(chance: &mut Chance) -> Option<Value> {
    let (name, denominator) =
        *chance.one_of(&[("HUNDRED", 100), ("TEN_THOUSAND", 10_000), ("MILLION", 1_000_000)]);
    Some(match chance.below(20) {
        0 => return None,
        1 => json!({ "denominator": name }),
        2 => json!({ "numerator": 0, "denominator": name }),
        3 => json!({ "numerator": denominator + 1, "denominator": name }),
        4 => json!({ "numerator": u32::MAX, "denominator": name }),
        5 => json!({ "numerator": 100 }),
        _ => json!({ "numerator": denominator, "denominator": name }),
    })
}

fn with_percentage(mut fault: Value, chance: &mut Chance) -> Value {
    if let Some(percentage) = percentage(chance) {
        fault["percentage"] = percentage;
    }
    fault
}

fn delay(chance: &mut Chance) -> Value {
    let delay = match chance.percent(50) {
        true => json!({ "header_delay": {} }),
        false => json!({ "fixed_delay": chance.one_of(&["0.030s", "0.045s", "0.060s", "0.0303s"]) }),
    };
    with_percentage(delay, chance)
}

fn abort(chance: &mut Chance) -> Value {
    let mut abort = match chance.below(3) {
        0 => json!({ "http_status": chance.one_of(&[200, 204, 302, 400, 404, 429, 500, 503, 599]) }),
        1 => json!({ "grpc_status": chance.below(17) }),
        _ => json!({ "header_abort": {} }),
    };
    if version() >= (1, 40) && chance.percent(20) {
        abort["response_body"] = (*chance.one_of(&["", "sorry", "{\"a\": \"ü\"}"])).into();
    }
    with_percentage(abort, chance)
}

fn matcher(chance: &mut Chance) -> Value {
    let name = *chance.one_of(&["x-a", "x-a", "x-b", "X-B", "x-n", "x-n", ":method", ":path", ":authority"]);
    let mut matcher = match chance.below(4) {
        0 => json!({}),
        1 => json!({ "present_match": chance.percent(60) }),
        2 if name == "x-n" => json!({ "range_match": range(chance) }),
        _ => json!({ "string_match": string(chance) }),
    };
    matcher["name"] = name.into();
    for field in ["invert_match", "treat_missing_header_as_empty"] {
        if chance.percent(25) {
            matcher[field] = chance.percent(90).into();
        }
    }
    matcher
}

fn range(chance: &mut Chance) -> Value {
    let start = *chance.one_of(&[-10, 0, 5, 7]);
    let end = start + *chance.one_of(&[1, 2, 10]);
    match chance.percent(30) {
        true => json!({ "start": start.to_string(), "end": end.to_string() }),
        false => json!({ "start": start, "end": end }),
    }
}

fn string(chance: &mut Chance) -> Value {
    if chance.percent(30) {
        let (regex, _) = *chance.one_of(&REGEXES);
        return json!({ "safe_regex": { "regex": regex } });
    }
    let kind = *chance.one_of(&["exact", "prefix", "suffix", "contains"]);
    let text = *chance.one_of(&TEXTS);
    let text = if text.is_empty() && kind != "exact" { "a" } else { text };
    let mut string = json!({ kind: text });
    if chance.percent(30) {
        string["ignore_case"] = true.into();
    }
    string
}
