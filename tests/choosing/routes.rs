//! Rules in the metadata of routes and virtual hosts.

use crate::stage::{FILTER, MAIN, Stage, abort, discovered, rule, rules};
use serde_json::{Value, json};
use support::client::{Connection, Protocol, Request};
use support::envoy::{Cluster, Configuration, Filter, Listener};

/// Returns the listener's own document, with the given `per_route`.
fn of_listener(per_route: bool) -> Value {
    let mut document = rules([abort("of-listener", json!({}))]);
    document["per_route"] = json!(per_route);
    document
}

fn metadata(text: &str) -> Value {
    json!({ "filter_metadata": { "brownout": { "json": text } } })
}

fn aborting(name: &str) -> String {
    rules([abort(name, json!({}))]).to_string()
}

/// A virtual host with one route, each with or without a text of its own.
fn host(of_host: Option<&str>, of_route: Option<&str>) -> Value {
    let mut route = json!({ "match": { "prefix": "/" }, "route": { "cluster": Cluster::USUAL } });
    if let Some(text) = of_route {
        route["metadata"] = metadata(text);
    }
    let mut host = json!({ "name": "all", "domains": ["*"], "routes": [route] });
    if let Some(text) = of_host {
        host["metadata"] = metadata(text);
    }
    host
}

async fn stage(workers: usize, document: &Value) -> Stage {
    let listener = Listener::named(MAIN).filter(discovered(document)).hosts(vec![host(None, None)]);
    Stage::of(workers, [listener.discovered_routes()]).await
}

async fn deliver(stage: &Stage, host: Value) {
    if let Err(refused) = stage.envoy.route_hosts(MAIN, &[host]).await {
        panic!("refused:\n{}", refused.log);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_and_virtual_hosts_have_rules_that_reach_open_connections() {
    let stage = stage(2, &of_listener(true)).await;
    let mut connections = Vec::new();
    for protocol in [Protocol::Http1, Protocol::Http1, Protocol::Http2, Protocol::Http2] {
        connections.push(Connection::open(protocol, stage.address()).await);
    }
    let (a, b) = (aborting("of-host"), aborting("of-route"));
    let (nothing, elsewhere) =
        (r#"{"rules":[]}"#, rules([abort("elsewhere", json!({ "path": { "exact": "/x" } }))]));
    for (of_host, of_route, expected) in [
        (None, None, Some("of-listener")),
        (None, Some(b.as_str()), Some("of-route")),
        (Some(a.as_str()), None, Some("of-host")),
        (Some(&a), Some(&b), Some("of-route")),
        // Replaces the listener's rules with none. They are also replaced when none of the route's rules matches.
        (Some(&a), Some(nothing), None),
        (None, Some(&elsewhere.to_string()), None),
        (None, None, Some("of-listener")),
    ] {
        // The first is what Envoy began with.
        if (of_host, of_route) != (None, None) || stage.upstream.count() > 0 {
            deliver(&stage, host(of_host, of_route)).await;
        }
        for connection in &mut connections {
            let reply = stage.answer(connection, Request::get("/")).await;
            assert_eq!(rule(&reply).as_deref(), expected, "{of_host:?}, {of_route:?}");
        }
    }
    assert!(connections.iter().all(|connection| !connection.is_closed()));
    let stats = stage.envoy.stats().await;
    assert_eq!([stats.value("route_config_rejected"), stats.value("rule.of-route.aborts_injected")], [0, 8]);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_text_is_counted_and_logged_once_and_harms_nobody() {
    let stage = stage(1, &of_listener(true)).await;
    let mut connection = stage.connect().await;
    let mut rejected = 0;
    for (wrong, said) in [
        (
            r#"{"rules":[{"name":"x","percentage":100,"abort":{"http_status":99}}]}"#,
            "rules[0].abort.http_status: ",
        ),
        (r#"{"rules":[], "mode":"shadow"}"#, "mode"),
        (r#"{"rules":"#, "JSON"),
    ] {
        let before = stage.envoy.log().len();
        // The virtual host's rules do not apply either.
        deliver(&stage, host(Some(&aborting("of-host")), Some(wrong))).await;
        for _ in 0..5 {
            let reply = stage.answer(&mut connection, Request::get("/")).await;
            assert_eq!((reply.status.as_u16(), rule(&reply)), (200, None), "{wrong}");
        }
        rejected += 5;
        assert_eq!(stage.envoy.stats().await.value("route_config_rejected"), rejected);
        let log = stage.envoy.log()[before..].to_owned();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("document of a route refused")).collect();
        assert_eq!(lines.len(), 1, "{log}");
        assert!(lines[0].contains(said), "{log}");
    }
    deliver(&stage, host(None, Some(&aborting("mended")))).await;
    let reply = stage.answer(&mut connection, Request::get("/")).await;
    assert_eq!(rule(&reply).as_deref(), Some("mended"));
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metadata_is_ignored_unless_the_document_asks_for_it() {
    let stage = stage(1, &of_listener(false)).await;
    let mut connection = stage.connect().await;
    for (of_host, of_route) in [(None, Some("{wrong")), (Some("{wrong"), Some("{\"rules\":[]}"))] {
        deliver(&stage, host(of_host, of_route)).await;
        let reply = stage.answer(&mut connection, Request::get("/")).await;
        assert_eq!(rule(&reply).as_deref(), Some("of-listener"));
    }
    assert_eq!(stage.envoy.stats().await.value("route_config_rejected"), 0);
    stage.is_sound().await;
}

/// The mode of the listener's document also applies to a route's document.
#[tokio::test(flavor = "multi_thread")]
async fn a_listener_in_shadow_mode_shadows_its_routes() {
    let stage = stage(1, &json!({ "mode": "shadow", "per_route": true })).await;
    deliver(&stage, host(None, Some(&aborting("of-route")))).await;
    assert_eq!(stage.rule_for(MAIN, Request::get("/")).await, None);
    let stats = stage.envoy.stats().await;
    assert_eq!([stats.value("rule.of-route.shadowed"), stats.value("injected")], [1, 0]);
    stage.is_sound().await;
}

/// The pattern that avoids any cost on other routes: Envoy leaves the filter out of the chain on routes that do not
/// enable it. Its trace shows every call into a VM.
#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_only_some_routes_enable_costs_the_others_nothing() {
    let enabled = json!({ FILTER: { "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "config": {} } });
    let answer = json!({ "status": 200 });
    let routes = vec![
        json!({ "match": { "prefix": "/faulted" }, "direct_response": answer, "typed_per_filter_config": enabled }),
        json!({ "match": { "prefix": "/own" }, "direct_response": answer, "typed_per_filter_config": enabled,
            "metadata": metadata(&aborting("own")) }),
        json!({ "match": { "prefix": "/" }, "direct_response": answer, "metadata": metadata(&aborting("never")) }),
    ];
    let filter = Filter::brownout(&Configuration::document(&of_listener(true))).disabled();
    let stage = Stage::of(1, [Listener::named(MAIN).filter(filter).routes(routes)]).await;
    let mut connection = stage.connect().await;
    stage.envoy.log_level("wasm", "trace").await;
    let mut calls = async |path: &str, expected: Option<&str>| {
        let before = stage.envoy.log().len();
        for _ in 0..10 {
            let reply = stage.answer(&mut connection, Request::get(path)).await;
            assert_eq!(rule(&reply).as_deref(), expected, "{path}");
        }
        stage.envoy.log()[before..].matches("[host->vm] proxy_on_context_create").count()
    };
    assert_eq!(calls("/faulted", Some("of-listener")).await, 10);
    assert_eq!(calls("/own", Some("own")).await, 10);
    assert_eq!(calls("/", None).await, 0);
    assert_eq!(calls("/faulted/2", Some("of-listener")).await, 10);
    let stats = stage.envoy.stats().await;
    assert_eq!([stats.value("matched"), stats.value("aborts_injected")], [30, 30]);
    stage.is_sound().await;
}
