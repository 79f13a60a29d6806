//! The host calls that the module makes for a request, as Envoy's trace log shows them. Host calls are most of the cost
//! of such a filter.

use crate::stage::{MAIN, Stage, abort, discovered, rule, rules};
use serde_json::{Value, json};
use support::client::{Connection, Request};
use support::envoy::Listener;

async fn stage() -> Stage {
    let route = json!({ "name": "usual", "match": { "prefix": "/" }, "direct_response": { "status": 200 } });
    let listener = Listener::named(MAIN).filter(discovered(&json!({ "rules": [] }))).routes(vec![route]);
    Stage::of(1, [listener]).await
}

/// Returns the calls that the module makes under a document for a request that no rule takes, after an earlier request
/// of the same kind.
async fn calls(stage: &Stage, document: &Value) -> Vec<String> {
    stage.follow(document).await;
    let mut connection = stage.connect().await;
    let [_, second] =
        [calls_for_one(stage, &mut connection).await, calls_for_one(stage, &mut connection).await];
    second
}

async fn calls_for_one(stage: &Stage, connection: &mut Connection) -> Vec<String> {
    stage.envoy.log_level("wasm", "trace").await;
    let before = stage.envoy.log().len();
    let request = Request::get("/path?a=b").header("x-a", "1").header("x-c", "1").header("x-c", "3");
    let reply = stage.answer(connection, request).await;
    assert_eq!(rule(&reply), None);
    let log = stage.envoy.log()[before..].to_owned();
    stage.envoy.log_level("wasm", "info").await;
    assert!(log.contains("[host->vm] proxy_on_request_headers"), "{log}");
    let calls = log.lines().filter_map(|line| line.split_once("[vm->host] ")?.1.split('(').next());
    calls.map(|call| call.rsplit('.').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_can_do_nothing_here_ask_nothing() {
    let stage = stage().await;
    for document in [
        json!({}),
        json!({ "mode": "off", "rules": [abort("off", json!({}))] }),
        rules([abort("elsewhere", json!({ "node": { "id": { "exact": "another" } } }))]),
    ] {
        assert_eq!(calls(&stage, &document).await, [] as [String; 0], "{document}");
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_asked_only_what_live_rules_name_the_cheapest_first_and_once() {
    const HEADER: &str = "proxy_get_header_map_value";
    const ALL_HEADERS: &str = "proxy_get_header_map_pairs";
    const PROPERTY: &str = "proxy_get_property";
    let stage = stage().await;
    let path = |path: &str| json!({ "path": { "exact": path } });
    let header = |name: &str| json!([{ "name": name, "string_match": { "exact": "2" } }]);
    let missing: Vec<_> = (0..4).map(|n| json!({ "headers": header(&format!("x-missing-{n}")) })).collect();
    let networks = json!({ "cidrs": ["10.0.0.0/8"] });
    for (condition, expected) in [
        (path("/x"), [HEADER].as_slice()),
        (json!({ "any": [path("/x"), path("/y"), path("/z")] }), &[HEADER]),
        (json!({ "path": path("/x")["path"], "headers": header("x-a"), "source": networks }), &[HEADER]),
        (json!({ "headers": header("x-b") }), &[HEADER]),
        // The header is present, perhaps more than once: only the whole map has all its values.
        (json!({ "headers": header("x-a") }), &[ALL_HEADERS]),
        (json!({ "any": [{ "headers": header("x-a") }, { "headers": header("x-a") }] }), &[ALL_HEADERS]),
        (json!({ "headers": header("x-c") }), &[ALL_HEADERS]),
        // More than one value is needed.
        (json!({ "any": [path("/x"), { "authority": { "exact": "x" } }] }), &[ALL_HEADERS]),
        // None of many headers is present.
        (json!({ "any": missing }), &[HEADER; 4]),
        (json!({ "route": { "exact": "x" } }), &[PROPERTY]),
        (json!({ "any": [{ "route": { "exact": "x" } }, { "route": { "exact": "y" } }] }), &[PROPERTY]),
    ] {
        assert_eq!(calls(&stage, &rules([abort("a", condition.clone())])).await, expected, "{condition}");
    }
    let mut over = json!({ "rules": [abort("over", json!({}))] });
    over["rules"][0]["schedule"] = json!({ "not_after": "2020-01-01T00:00:00Z" });
    assert_eq!(calls(&stage, &over).await, ["clock_time_get"]);
    // The route's document, and that of its virtual host.
    assert_eq!(calls(&stage, &json!({ "per_route": true })).await, [PROPERTY; 2]);
    stage.is_sound().await;
}

/// The module learns from each request how to fetch the next one's headers; that must not affect the result.
#[tokio::test(flavor = "multi_thread")]
async fn a_header_counts_the_same_whatever_the_request_before_had() {
    let stage = stage().await;
    let x_a = |condition: Value| {
        let mut matcher = json!({ "name": "x-a" });
        matcher
            .as_object_mut()
            .expect("an object")
            .extend(condition.as_object().cloned().expect("an object"));
        json!({ "headers": [matcher] })
    };
    let exact = |value: &str| x_a(json!({ "string_match": { "exact": value } }));
    let document = rules([
        abort("two", exact("2")),
        abort("empty", exact("")),
        abort("joined", exact("1,3")),
        abort("missing", x_a(json!({ "present_match": false }))),
    ]);
    stage.follow(&document).await;
    let cases: [(&[&str], Option<&str>); 8] = [
        (&[], Some("missing")),
        (&["1"], None),
        (&["2"], Some("two")),
        (&["1", "2"], Some("two")),
        (&["1", "3"], None),
        (&["1,3"], Some("joined")),
        (&[""], Some("empty")),
        (&["1", ""], Some("empty")),
    ];
    let mut connection = stage.connect().await;
    for before in &cases {
        for after in &cases {
            for (values, expected) in [before, after] {
                let request = Request::get("/");
                let request = values.iter().fold(request, |request, value| request.header("x-a", *value));
                let reply = stage.answer(&mut connection, request).await;
                assert_eq!(rule(&reply).as_deref(), *expected, "{values:?}, in {before:?}, {after:?}");
            }
        }
    }
    stage.is_sound().await;
}
