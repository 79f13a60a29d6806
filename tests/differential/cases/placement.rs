//! Configuration on routes, and the effects on the rest of the proxy.

use super::{abort, always, delay, get};
use crate::expected::Expected::{Aborted, Delayed, Passes};
use crate::pair::Counts;
use crate::stage::{Setup, with_fault, without_fault};
use crate::trial::Plan;
use serde_json::{Value, json};
use support::client::{Protocol, Request};

pub fn all() -> Vec<Plan> {
    vec![
        route_replaces(),
        most_specific(),
        not_retried(),
        downstream_cluster(false),
        downstream_cluster(true),
        metadata(),
    ]
}

/// A route's configuration replaces the listener's as a whole.
fn route_replaces() -> Plan {
    let name = "route_configuration_replaces_the_listeners";
    let route =
        json!({ "name": "routed", "match": { "path": "/routed" }, "route": { "cluster": "upstream" } });
    let route = with_fault(route, &json!({ "abort": abort(503) }));
    let setup = Setup::new(name, json!({ "delay": delay() })).with_routes(vec![route]);
    Plan::new(name, vec![setup], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            pair.same(&Request::get("/routed"), Protocol::Http1, Aborted(503)).await;
            pair.same(&get(), Protocol::Http1, Delayed).await;
        })
    })
}

/// Of a weighted cluster, a route, a virtual host and the whole route configuration, only the first that has a
/// configuration applies. It can also disable the filter.
fn most_specific() -> Plan {
    let name = "most_specific_configuration_replaces_all_others";
    let fault = |status| json!({ "abort": abort(status) });
    let usual = json!({ "cluster": "upstream" });
    let route = |path: &str, action: &Value| json!({ "name": &path[1..], "match": { "path": path }, "route": action });
    let weighted = |cluster: Value| json!({ "weighted_clusters": { "clusters": [cluster] } });
    let other = json!({ "name": "other", "weight": 1 });
    let routes = [
        route("/plain", &usual),
        with_fault(route("/routed", &usual), &fault(502)),
        with_fault(route("/weighted", &weighted(with_fault(other.clone(), &fault(503)))), &fault(502)),
        with_fault(route("/evenly", &weighted(other)), &fault(502)),
        with_fault(route("/delayed", &usual), &json!({ "delay": delay() })),
        with_fault(route("/nothing", &usual), &json!({})),
        without_fault(route("/off", &usual)),
    ];
    // Of the same name in both hosts.
    let own = route("/own", &usual);
    let host = |name: &str, domain: &str, own: Value| {
        let routes: Vec<Value> = routes.iter().cloned().chain([own]).collect();
        json!({ "name": name, "domains": [domain], "routes": routes })
    };
    let shop = host("shop", "shop.example", with_fault(own.clone(), &fault(505)));
    let hosts = [with_fault(shop, &fault(501)), host("all", "*", own)];
    let configuration = with_fault(json!({ "name": "all", "virtual_hosts": hosts }), &fault(504));
    let setup = Setup { routes: Some(configuration), ..Setup::new(name, fault(599)) };
    Plan::new(name, vec![setup], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for (authority, own, general) in [("shop.example", 505, 501), ("backend.example", 504, 504)] {
                for (path, expected) in [
                    ("/plain", Aborted(general)),
                    ("/own", Aborted(own)),
                    ("/routed", Aborted(502)),
                    ("/weighted", Aborted(503)),
                    ("/evenly", Aborted(502)),
                    ("/delayed", Delayed),
                    ("/nothing", Passes),
                    ("/off", Passes),
                ] {
                    pair.same(&Request::get(path).authority(authority), Protocol::Http1, expected).await;
                }
            }
            pair.end().await;
        })
    })
}

/// The router never sees an aborted request, so it does not try again.
fn not_retried() -> Plan {
    let name = "abort_is_not_retried";
    Plan::new(name, vec![Setup::new(name, json!({ "abort": abort(503) }))], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            pair.same(&Request::get("/retried"), Protocol::Http1, Aborted(503)).await;
            assert_eq!(pair.end().await, Counts { delays: 0, aborts: 1, overflow: 0 });
            assert_eq!(stage.envoy.stat("cluster.upstream.upstream_rq_retry").await, 0);
        })
    })
}

/// The native filter counts by the caller's self-reported name; ours counts by rule.
fn downstream_cluster(disabled: bool) -> Plan {
    let name = if disabled { "downstream_cluster_stats_disabled" } else { "downstream_cluster_stats" };
    let mut fault = json!({ "delay": delay(), "abort": abort(503) });
    fault["disable_downstream_cluster_stats"] = disabled.into();
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let request = get().header("x-envoy-downstream-service-cluster", "caller");
            let both = pair.exchange(&request, Protocol::Http1).await;
            both.assert_same();
            pair.end().await;
            let stat = |kind: &str| format!("http.{name}-native.fault.caller.{kind}_injected");
            for kind in ["delays", "aborts"] {
                assert_eq!(stage.envoy.stat(&stat(kind)).await, u64::from(!disabled), "{kind}");
            }
            let ours = stage.envoy.stats_named(r"^wasmcustom\..*caller").await;
            assert_eq!(ours.to_string(), "", "counters of ours that name the caller");
        })
    })
    .asserts("downstream_cluster_stats")
}

/// The native filter writes configured dynamic metadata; ours writes filter state.
fn metadata() -> Plan {
    let name = "filter_metadata";
    let fault = json!({
        "abort": { "header_abort": {}, "percentage": always() },
        "filter_metadata": { "experiment": "one" },
    });
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let request = get().header("x-envoy-fault-abort-request", "429");
            let number = stage.numbers(0);
            pair.same(&request, Protocol::Http1, Aborted(429)).await;
            let [native, ours] = [crate::seen::Side::Native, crate::seen::Side::Ours];
            let native = stage.log(native).entry(number).await;
            assert_eq!(native.metadata, Some(json!({ "experiment": "one" })));
            let ours = stage.log(ours).entry(number).await;
            assert_eq!((ours.metadata, ours.faults.as_deref()), (None::<Value>, Some("abort")));
        })
    })
    .asserts("filter_metadata")
}
