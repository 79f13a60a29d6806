//! Requests aimed at a configuration: with the headers that it matches on.

use super::values::{NODES, REGEXES};
use serde_json::Value;
use support::client::Request;

/// Adds the headers that a configuration matches on, as far as headers suffice.
pub fn aim(mut request: Request, fault: &Value) -> Request {
    if fault.get("downstream_nodes").is_some() {
        request = request.header("x-envoy-downstream-service-node", NODES[0]);
    }
    for matcher in fault["headers"].as_array().into_iter().flatten() {
        let name = matcher["name"].as_str().expect("a name");
        let absent = matcher["present_match"] == false;
        if name.starts_with(':') || absent || request.headers.contains_key(name) {
            continue;
        }
        request = request.header(name, wanted(matcher));
    }
    request
}

fn wanted(matcher: &Value) -> String {
    if matcher["invert_match"] == true {
        return "quite another".into();
    }
    let start = &matcher["range_match"]["start"];
    if let Some(start) = start.as_i64().or_else(|| start.as_str()?.parse().ok()) {
        return start.to_string();
    }
    let string = &matcher["string_match"];
    let regex = string["safe_regex"]["regex"].as_str();
    let example = REGEXES.iter().find(|(known, _)| Some(*known) == regex).map(|(_, example)| *example);
    let texts = ["exact", "prefix", "suffix", "contains"].map(|kind| string[kind].as_str());
    texts.into_iter().flatten().next().or(example).unwrap_or("5").to_owned()
}
