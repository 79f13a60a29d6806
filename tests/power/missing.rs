//! One listener for each call or callback that is denied to the module; no request on any of them may hang. (All other
//! suites run with exactly what the module needs, which shows that it is enough.)

use brownout_cli::envoy::capabilities::allowed;
use serde_json::json;
use std::collections::BTreeSet;
use support::client::{Connection, Protocol, Request};
use support::deadline::PATIENCE;
use support::envoy::{
    Bootstrap, Cluster, Configuration, Envoy, Filter, Listener, filter_resource, restricted,
};
use support::upstream::Upstream;
use tokio::task::JoinSet;

/// Paths, and the status of a request that is faulted there.
const PATHS: [(&str, u16); 4] = [("/delay", 200), ("/abort", 418), ("/both", 418), ("/untouched", 200)];
const MESSAGE: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";

fn document() -> Configuration {
    let rule = |name: &str| {
        let path = json!({ "path": { "exact": format!("/{name}") } });
        json!({ "name": name, "match": path, "percentage": 100 })
    };
    let [mut delay, mut abort, mut both] = ["delay", "abort", "both"].map(rule);
    for delayed in [&mut delay, &mut both] {
        delayed["delay"] = json!({ "fixed_delay": "50ms" });
    }
    for aborted in [&mut abort, &mut both] {
        aborted["abort"] = json!({ "http_status": 418 });
    }
    Configuration::document(&json!({ "rules": [delay, abort, both] }))
}

/// Returns a listener of this name, whose module may do everything except `missing`.
fn without(missing: &'static str) -> Listener {
    lacking(missing, &document())
}

fn lacking(missing: &'static str, document: &Configuration) -> Listener {
    let resource = filter_resource("brownout", document);
    let mut plugin = resource["typed_config"]["config"].clone();
    // Up to Envoy 1.39, VMs that differ only in their allowed capabilities are shared.
    plugin["vm_config"]["vm_id"] = json!(missing);
    let plugin = restricted(plugin, allowed().filter(move |name| *name != missing));
    Listener::named(missing).filter(Filter::typed("brownout", MESSAGE, json!({ "config": plugin })))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_call_that_it_needs_requests_go_on() {
    let upstream = Upstream::start().await;
    let names: Vec<_> = allowed().collect();
    let listeners = names.iter().map(|name| without(name));
    let bootstrap = Bootstrap::new().cluster(Cluster::of(&upstream));
    let envoy = Envoy::start(listeners.fold(bootstrap, Bootstrap::listener)).await;
    let mut asking = JoinSet::new();
    for name in names {
        for (path, faulted) in PATHS {
            let address = envoy.address(name);
            asking.spawn(async move {
                let mut connection = Connection::open(Protocol::Http1, address).await;
                let reply = tokio::time::timeout(PATIENCE, connection.send(Request::get(path))).await;
                let Ok(reply) = reply else { return Some(name) };
                let status = reply.expect("a reply").status.as_u16();
                assert!([200, faulted].contains(&status), "{path} without `{name}`: {status}");
                None
            });
        }
    }
    let hung: BTreeSet<_> = asking.join_all().await.into_iter().flatten().collect();
    assert_eq!(hung, BTreeSet::new(), "{}", envoy.log());
    assert!(envoy.is_alive());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tick_no_delay_is_counted() {
    let upstream = Upstream::start().await;
    let listener = without("proxy_on_tick");
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let before = envoy.stats().await;
    let mut connection = Connection::open(Protocol::Http1, envoy.address("proxy_on_tick")).await;
    for (path, _) in PATHS {
        let reply = connection.send(Request::get(path)).await.expect("a reply");
        let faulted = path == "/abort";
        let seen = (reply.status.as_u16(), reply.header("x-brownout").is_some());
        assert_eq!(seen, (if faulted { 418 } else { 200 }, faulted), "{path}");
    }
    let counted = envoy.stats().await.since(&before);
    let value = |name: &str| counted.value(name);
    assert_eq!(
        [
            value("matched"),
            value("injected"),
            value("aborts_injected"),
            value("delays_injected"),
            value("host_errors")
        ],
        [3, 1, 1, 0, 2]
    );
}

/// Nothing in it is held, and still the module wants to look at the clock later: it has an end, and it may stop.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_timer_messages_that_are_not_held_are_rewritten_whole() {
    let document = json!({
        "stop_when": { "error_percentage": 50, "window": "10s", "min_requests": 100 },
        "rules": [{
            "name": "rewrites", "percentage": 100, "schedule": { "not_after": "2100-01-01T00:00:00Z" },
            "request": { "body": { "replace": "another body" } },
            "response": { "body": { "replace": "x" } },
        }],
    });
    let upstream = Upstream::start().await;
    let names = ["proxy_set_tick_period_milliseconds", "proxy_on_tick"];
    let listeners = names.map(|name| lacking(name, &Configuration::document(&document)));
    let bootstrap = Bootstrap::new().cluster(Cluster::of(&upstream));
    let envoy = Envoy::start(listeners.into_iter().fold(bootstrap, Bootstrap::listener)).await;
    let before = envoy.stats().await;
    for name in names {
        let mut connection = Connection::open(Protocol::Http1, envoy.address(name)).await;
        for _ in 0..3 {
            let reply = connection.send(Request::post("/", "some body")).await.expect("a reply");
            let evidence = reply.header("x-brownout");
            assert_eq!(
                (reply.text().as_str(), evidence.as_deref()),
                ("x", Some("rewrites; request; response")),
                "{name}"
            );
            assert_eq!(upstream.take().pop().and_then(|received| received.body_length), Some(12), "{name}");
        }
    }
    let counted = envoy.stats().await.since(&before);
    let value = |name: &str| counted.value(name);
    assert_eq!(
        (value("injected"), value("responses_rewritten"), value("host_errors")),
        (6, 6, 0),
        "{}",
        envoy.log()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_in_the_older_place_counts_too() {
    let upstream = Upstream::start().await;
    let mut configuration = filter_resource("brownout", &document())["typed_config"].clone();
    let plugin = &mut configuration["config"];
    let name = "capability_restriction_config";
    // Envoy 1.40 has moved the field; all supported versions accept the older place.
    let newer = plugin["vm_config"].as_object_mut().expect("an object").remove(name);
    let older = plugin[name].take();
    plugin[name] = newer.unwrap_or(older);
    let listener = Listener::named("main").filter(Filter::typed("brownout", MESSAGE, configuration));
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let mut connection = Connection::open(Protocol::Http1, envoy.address("main")).await;
    for (path, faulted) in PATHS {
        let reply = connection.send(Request::get(path)).await.expect("a reply");
        let evidence = reply.header("x-brownout").is_some();
        assert_eq!((reply.status.as_u16(), evidence), (faulted, path != "/untouched"), "{path}");
    }
    assert_eq!(envoy.stats().await.value("host_errors"), 0, "{}", envoy.log());
}
