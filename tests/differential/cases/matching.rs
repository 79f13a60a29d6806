//! Requests that the filters must match, and requests that they must not.

use super::{abort, delay, different, get, same};
use crate::expected::Expected::{self, Aborted, AnsweredByEnvoy, DelayedAborted, Passes};
use crate::trial::Plan;
use http::Method;
use serde_json::{Value, json};
use support::client::{Protocol, Request};
use support::envoy::version;

const NODE: &str = "x-envoy-downstream-service-node";

fn headers(matchers: Value) -> Value {
    json!({ "headers": matchers, "abort": abort(503) })
}

fn rows(yes: Vec<Request>, no: Vec<Request>) -> Vec<(Request, Expected)> {
    let yes = yes.into_iter().map(|request| (request, Aborted(503)));
    yes.chain(no.into_iter().map(|request| (request, Passes))).collect()
}

pub fn all() -> Vec<Plan> {
    let a = |value: &str| get().header("x-a", value);
    let exact = |value: &str| json!({ "name": "x-a", "string_match": { "exact": value } });
    let mut plans = vec![
        same(
            "downstream_node_listed",
            json!({ "downstream_nodes": ["one", "two"], "delay": delay(), "abort": abort(503) }),
            ["one", "two"].map(|node| (get().header(NODE, node), DelayedAborted(503))).into(),
        ),
        same(
            "downstream_node_not_listed",
            json!({ "downstream_nodes": ["one", "two"], "delay": delay(), "abort": abort(503) }),
            rows(
                vec![],
                vec![
                    get(),
                    get().header(NODE, "three"),
                    get().header(NODE, "One"),
                    get().header(NODE, "one").header(NODE, "two"),
                ],
            ),
        ),
        same(
            "header_match_success",
            json!({ "headers": [exact("1")], "delay": delay(), "abort": abort(503) }),
            vec![(a("1"), DelayedAborted(503))],
        ),
        same(
            "header_match_failure",
            json!({ "headers": [exact("1")], "delay": delay(), "abort": abort(503) }),
            rows(vec![], vec![get(), a("2"), a("11"), a("1 1")]),
        ),
        same(
            "headers_all_have_to_match",
            headers(json!([exact("1"), { "name": "X-B" }])),
            rows(vec![a("1").header("x-b", "")], vec![a("1"), get().header("x-b", "1")]),
        ),
        same(
            "target_cluster",
            json!({ "upstream_cluster": "upstream", "abort": abort(503) }),
            vec![
                (get(), Aborted(503)),
                (Request::get("/other"), Passes),
                (Request::get("/weighted"), Passes),
                (Request::get("/nowhere"), AnsweredByEnvoy(404)),
                (Request::get("/direct"), AnsweredByEnvoy(200)),
            ],
        ),
        same(
            "target_cluster_among_weighted_ones",
            json!({ "upstream_cluster": "other", "abort": abort(503) }),
            vec![
                (Request::get("/weighted"), Aborted(503)),
                (Request::get("/other"), Aborted(503)),
                (get(), Passes),
            ],
        ),
        same(
            "no_route_and_no_target_cluster",
            json!({ "abort": abort(503) }),
            vec![(Request::get("/nowhere"), Aborted(503)), (Request::get("/direct"), Aborted(503))],
        ),
        same(
            "range_is_half_open",
            headers(json!([{ "name": "x-a", "range_match": { "start": 1, "end": 5 } }])),
            rows(
                vec![a("1"), a("4"), a("+4"), a("04")],
                vec![get(), a("0"), a("5"), a("-1"), a("1.5"), a("4x"), a("")],
            ),
        ),
        same(
            "range_of_negative_numbers",
            headers(json!([{ "name": "x-a", "range_match": { "start": -9, "end": 0 } }])),
            rows(vec![a("-9"), a("-1")], vec![a("-10"), a("0"), a("9")]),
        ),
        same(
            "regular_expression_matches_the_whole_value",
            headers(json!([{ "name": "x-a", "string_match": { "safe_regex": { "regex": "a|b+" } } }])),
            rows(vec![a("a"), a("bb")], vec![get(), a("ab"), a("xa"), a("A"), a("")]),
        ),
        same(
            "strings_in_any_case",
            headers(json!([
                { "name": "x-a", "string_match": { "contains": "Bc", "ignore_case": true } },
                { "name": "x-a", "string_match": { "prefix": "A", "ignore_case": true } },
                { "name": "x-a", "string_match": { "suffix": "d", "ignore_case": true } },
            ])),
            rows(vec![a("abcd"), a("ABCD"), a("axbCxD")], vec![a("bcd"), a("abdc"), a("abc")]),
        ),
        same(
            "pseudo_headers",
            headers(json!([
                { "name": ":method", "string_match": { "exact": "GET" } },
                { "name": ":path", "string_match": { "exact": "/up?a=b" } },
                { "name": ":authority", "string_match": { "exact": "backend.example" } },
            ])),
            rows(
                vec![get()],
                vec![
                    Request::get("/up"),
                    Request::post("/up?a=b", ""),
                    get().authority("backend.example:80"),
                    Request::new(Method::HEAD, "/up?a=b"),
                ],
            ),
        ),
        same(
            "values_that_are_no_text",
            headers(json!([{ "name": "x-a", "string_match": { "prefix": "a" } }])),
            rows(vec![get().header("x-a", [b'a', 0xff])], vec![get().header("x-a", [0xff, b'a'])]),
        ),
        same(
            "a_comma_inside_one_value",
            headers(json!([exact("a,b")])),
            rows(vec![a("a,b")], vec![a("a"), a("b,a")]),
        ),
    ];
    plans.extend(missing());
    plans.push(repeated());
    plans
}

/// A missing, present or empty header under each kind of matcher, inverted or not, with missing as empty or not.
fn missing() -> Vec<Plan> {
    let kinds = [
        ("name_only", json!({})),
        ("present", json!({ "present_match": true })),
        ("absent", json!({ "present_match": false })),
        ("exact", json!({ "string_match": { "exact": "1" } })),
        ("exact_empty", json!({ "string_match": { "exact": "" } })),
        ("prefix", json!({ "string_match": { "prefix": "1" } })),
        ("suffix", json!({ "string_match": { "suffix": "1" } })),
        ("contains", json!({ "string_match": { "contains": "1" } })),
        ("regex", json!({ "string_match": { "safe_regex": { "regex": "1?" } } })),
        ("range", json!({ "range_match": { "start": 0, "end": 2 } })),
    ];
    let mut plans = Vec::new();
    for (kind, matcher) in kinds {
        for (inverted, as_empty) in [(false, false), (false, true), (true, false), (true, true)] {
            let name = format!(
                "missing_header_{kind}{}{}",
                if inverted { "_inverted" } else { "" },
                if as_empty { "_as_empty" } else { "" }
            );
            let mut matcher = matcher.clone();
            matcher["name"] = "x-a".into();
            if inverted {
                matcher["invert_match"] = true.into();
            }
            if as_empty {
                matcher["treat_missing_header_as_empty"] = true.into();
            }
            plans.push(oracle(name, headers(json!([matcher]))));
        }
    }
    plans
}

/// A case whose expectation is whatever the native filter does.
fn oracle(name: String, fault: Value) -> Plan {
    let setup = crate::stage::Setup::new(name.clone(), fault);
    Plan::new(name.clone(), vec![setup], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(&name);
            let mut sent = vec![pair.send(&get(), Protocol::Http1).await];
            for value in ["", "1", "2"] {
                sent.push(pair.send(&get().header("x-a", value), Protocol::Http2).await);
            }
            for sent in sent {
                pair.seen(sent).await.assert_same();
            }
            pair.end().await;
        })
    })
}

/// From Envoy 1.39 on, each value is matched separately; before, values were joined with commas.
fn repeated() -> Plan {
    let fault = headers(json!([{ "name": "x-a", "string_match": { "exact": "a" } }]));
    let two = |one: &str, other: &str| get().header("x-a", one).header("x-a", other);
    let name = "repeated_headers";
    if version() >= (1, 39) {
        let rows = rows(vec![two("a", "b"), two("b", "a")], vec![two("b", "c")]);
        return same(name, fault, rows).asserts("repeated_headers");
    }
    let rows = [two("a", "b"), two("b", "a")].map(|request| (request, [Passes, Aborted(503)]));
    different("repeated_headers", name, fault, rows.into())
}
