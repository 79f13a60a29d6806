//! Documents that would inject everything into every request if they were not in `shadow`.

use serde_json::{Value, json};

/// Returns what would happen to an exchange: one kind of fault at a time, or all of them.
fn faults() -> Vec<(&'static str, Value)> {
    let rate = json!({ "fixed_limit": { "limit_kbps": 1 } });
    vec![
        ("delay", json!({ "delay": { "fixed_delay": "1h" } })),
        ("abort", json!({ "abort": { "http_status": 503, "body": "no", "headers": { "x-no": "1" } } })),
        ("grpc-abort", json!({ "abort": { "grpc_status": "UNAVAILABLE", "grpc_message": "no" } })),
        ("reset", json!({ "reset": {} })),
        ("hang", json!({ "hang": { "max": "1h" } })),
        (
            "request",
            json!({ "request": {
                "headers": { "set": { "x-user": "nobody" }, "add": { "x-new": "1" }, "remove": ["x-bytes"] },
                "path": "/elsewhere",
                "method": "PUT",
                "body": { "replace": "another" },
            } }),
        ),
        ("request-corrupt", json!({ "request": { "body": { "corrupt": { "percentage": 100 } } } })),
        ("request-rate-limit", json!({ "request_rate_limit": rate })),
        (
            "response",
            json!({ "response": {
                "status": 418,
                "headers": { "set": { "x-new": "1" }, "remove": ["content-type"] },
                "body": { "replace": "another" },
            } }),
        ),
        ("response-delay", json!({ "response": { "delay": { "fixed_delay": "1h" } } })),
        ("response-patch", json!({ "response": { "body": { "merge_patch": { "a": null, "b": 1 } } } })),
        ("response-truncate", json!({ "response": { "body": { "truncate_bytes": 1 } } })),
        ("response-cut", json!({ "response": { "reset": { "after_bytes": 1 } } })),
        ("response-reset", json!({ "response": { "match": { "status": [200, "5xx"] }, "reset": {} } })),
        ("response-grpc", json!({ "response": { "grpc_status": 13 } })),
        ("response-rate-limit", json!({ "response_rate_limit": rate })),
        (
            "all",
            json!({
                "request": { "headers": { "set": { "x-user": "nobody" } }, "body": { "truncate_bytes": 1 } },
                "delay": { "fixed_delay": "1h" },
                "request_rate_limit": rate,
                "response": { "status": 418, "delay": { "fixed_delay": "1h" }, "body": { "corrupt": { "percentage": 50 } } },
                "response_rate_limit": rate,
            }),
        ),
    ]
}

/// A predicate that makes the module read everything it can of a request, and matches every request.
fn curious() -> Value {
    let never = json!({ "exact": "never" });
    json!({ "not": { "any": [
        { "headers": [{ "name": "x-user", "string_match": never }, { "name": "x-bytes", "string_match": never }] },
        { "query_parameters": [{ "name": "q", "string_match": never }] },
        { "cookies": [{ "name": "c", "string_match": never }] },
        { "authority": never },
        { "route": never },
        { "virtual_host": never },
        { "cluster": never },
        { "source": { "cidrs": ["192.0.2.0/24"] } },
        { "grpc": { "service": never } },
        { "direction": "outbound" },
    ] } })
}

/// A rule for everything, with these faults.
fn rule(name: &str, faults: &Value) -> Value {
    let mut rule = json!({ "name": name, "percentage": 100 });
    rule.as_object_mut().expect("an object").extend(faults.as_object().expect("an object").clone());
    rule
}

/// The documents, each under the name of the listener that has it.
pub fn all() -> Vec<(String, Value)> {
    let faults = faults();
    let each = faults.iter().map(|(name, faults)| (name, json!([rule(name, faults)])));
    let mut all: Vec<(String, Value)> =
        each.map(|(name, rules)| ((*name).to_owned(), json!({ "mode": "shadow", "rules": rules }))).collect();
    let shares = faults.iter().map(|(name, faults)| {
        let mut rule = rule(&format!("share-{name}"), faults);
        rule["percentage"] = json!(30);
        rule
    });
    all.push(("shares".into(), json!({ "mode": "shadow", "rules": shares.collect::<Vec<_>>() })));
    let outcomes = faults.iter().map(|(_, faults)| {
        let mut outcome = faults.clone();
        outcome["percentage"] = json!(5);
        outcome
    });
    let outcomes = json!([{ "name": "outcomes", "outcomes": outcomes.collect::<Vec<_>>() }]);
    all.push(("outcomes".into(), json!({ "mode": "shadow", "rules": outcomes })));
    // A single rule can be in `shadow`.
    let mut curious_rule = rule("curious", &json!({ "abort": { "http_status": 503 } }));
    curious_rule["match"] = curious();
    curious_rule["mode"] = json!("shadow");
    all.push(("curious".into(), json!({ "mode": "inject", "rules": [curious_rule] })));
    all.push(("per-route".into(), json!({ "mode": "shadow", "rules": [], "per_route": true })));
    all
}

/// The document in the routes' metadata.
pub fn of_routes() -> Value {
    json!({ "rules": [rule("of-route", &json!({ "response": { "status": 418 } }))] })
}

/// The names of the rules that take every request.
pub fn certain() -> Vec<&'static str> {
    let mut names: Vec<_> = faults().into_iter().map(|(name, _)| name).collect();
    names.extend(["curious", "of-route"]);
    names
}
