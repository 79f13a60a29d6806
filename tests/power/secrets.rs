//! Request data stays private: neither the trace log, nor the statistics, nor the filter state that an access log can
//! read contains the value of a header.

use serde_json::json;
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

/// Occurs in every header, parameter and cookie, and nowhere else.
const SECRET: &str = "hunter2";

/// Returns rules that read everything they can of a request.
fn document() -> Configuration {
    let present = json!([{ "name": "authorization", "string_match": { "contains": "Bearer" } }]);
    let by = |place: &str, name: &str| json!({ "by": { place: name } });
    Configuration::document(&json!({ "per_route": true, "rules": [
        { "name": "never", "percentage": 100, "abort": { "http_status": 500 },
          "match": { "headers": [{ "name": "authorization", "string_match": { "safe_regex": "no.*" } }] } },
        { "name": "asked", "percentage": 100, "match": { "path": { "prefix": "/asked" } },
          "delay": { "header_delay": {} }, "abort": { "header_abort": {} } },
        { "name": "keyed", "percentage": 0, "match": { "headers": present }, "abort": { "http_status": 500 },
          "sample": by("header", "authorization") },
        { "name": "cookie", "percentage": 0, "abort": { "http_status": 500 }, "sample": by("cookie", "session") },
        { "name": "query", "percentage": 0, "abort": { "http_status": 500 },
          "sample": by("query_parameter", "token") },
        { "name": "rest", "percentage": 100, "delay": { "fixed_delay": "5ms" }, "abort": { "http_status": 418 } },
    ] }))
}

#[tokio::test(flavor = "multi_thread")]
async fn no_value_of_a_header_is_logged_or_counted() {
    let upstream = Upstream::start().await;
    let filter = Filter::discovered("brownout", Configuration::document(&json!({})));
    let listener = Listener::named("main").filter(filter);
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    envoy.log_level("wasm", "trace").await;
    envoy.configure("brownout", &document()).await.expect("a good document");
    let mut connection = Connection::open(Protocol::Http2, envoy.address("main")).await;
    for path in ["/asked", "/rest"] {
        let request = Request::get(&format!("{path}?token={SECRET}"))
            .header("authorization", format!("Bearer {SECRET}"))
            .header("cookie", format!("session={SECRET}"))
            .header("x-envoy-fault-delay-request", format!("{SECRET}ms"))
            .header("x-envoy-fault-abort-request", SECRET)
            .header("x-odd", [SECRET.as_bytes(), b"\xff"].concat());
        let reply = connection.send(request).await.expect("a reply");
        assert!(!format!("{:?}", reply.headers).contains(SECRET), "{:?}", reply.headers);
    }
    let entries = until("two lines in the access log", async || {
        let entries = envoy.access_log("main");
        (entries.len() == 2).then_some(entries)
    })
    .await;
    assert_eq!(entries[1].rule.as_deref(), Some("rest"));
    for entry in entries {
        let ours = [entry.rule, entry.faults, entry.delay_ms, entry.details];
        assert!(!format!("{ours:?}").contains(SECRET), "{ours:?}");
    }
    assert!(!envoy.stats_named(".*").await.to_string().contains(SECRET));
    let log = envoy.log();
    assert!(log.contains("[trace][wasm]"), "the log is not at trace level:\n{log}");
    let told: Vec<_> = log.lines().filter(|line| line.contains(SECRET)).collect();
    assert_eq!(told, [] as [&str; 0]);
}
