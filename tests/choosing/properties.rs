//! Facts that only Envoy knows about a request: where it came from, where it goes, and through which proxy.

use crate::stage::{FILTER, MAIN, Stage, abort, discovered, rules};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use support::client::{Connection, Protocol, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Filter, Listener};
use support::upstream::Upstream;

#[tokio::test(flavor = "multi_thread")]
async fn the_network_of_the_source_for_ipv4_ipv6_and_mapped_addresses() {
    let cidr = |name: &str, cidr: &str| abort(name, json!({ "source": { "cidrs": [cidr] } }));
    let document = rules([
        cidr("elsewhere-4", "10.0.0.0/8"),
        cidr("elsewhere-6", "fd00::/8"),
        cidr("written-as-mapped", "::ffff:198.51.100.0/120"),
        cidr("forwarded-4", "203.0.113.0/24"),
        cidr("forwarded-6", "2001:db8::/32"),
        cidr("loopback-4", "127.0.0.1"),
        cidr("loopback-6", "::1/128"),
    ]);
    let listener =
        |name: &str, address: &str| Listener::named(name).on(address).filter(discovered(&document));
    let listeners = [listener("four", "127.0.0.1"), listener("six", "::1"), listener("both", "::")];
    let stage = Stage::of(1, listeners).await;
    let port = |name: &str| stage.envoy.address(name).port();
    for (address, expected) in [
        (SocketAddr::from((Ipv4Addr::LOCALHOST, port("four"))), "loopback-4"),
        (SocketAddr::from((Ipv6Addr::LOCALHOST, port("six"))), "loopback-6"),
        (SocketAddr::from((Ipv6Addr::LOCALHOST, port("both"))), "loopback-6"),
        // Envoy's socket sees `::ffff:127.0.0.1`.
        (SocketAddr::from((Ipv4Addr::LOCALHOST, port("both"))), "loopback-4"),
    ] {
        let mut connection = Connection::open(Protocol::Http1, address).await;
        for (forwarded_for, expected) in [
            (None, expected),
            (Some("203.0.113.9"), "forwarded-4"),
            (Some("2001:db8::9"), "forwarded-6"),
            (Some("::ffff:203.0.113.9"), "forwarded-4"),
            (Some("198.51.100.9"), "written-as-mapped"),
        ] {
            let request = Request::get("/");
            let request = forwarded_for.iter().fold(request, |r, value| r.header("x-forwarded-for", value));
            let reply = stage.answer(&mut connection, request).await;
            let found = crate::stage::rule(&reply);
            assert_eq!(found.as_deref(), Some(expected), "{address}, {forwarded_for:?}");
        }
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_direction_of_the_listener() {
    let document = rules([
        abort("in", json!({ "direction": "inbound" })),
        abort("out", json!({ "direction": "outbound" })),
    ]);
    let listener = |name: &str| Listener::named(name).filter(discovered(&document));
    let stage = Stage::of(
        1,
        [
            listener("inbound").listener_field("traffic_direction", json!("INBOUND")),
            listener("outbound").listener_field("traffic_direction", json!("OUTBOUND")),
            listener("neither"),
        ],
    )
    .await;
    for (listener, expected) in [("inbound", Some("in")), ("outbound", Some("out")), ("neither", None)] {
        let rule = stage.rule_for(listener, Request::get("/")).await;
        assert_eq!(rule.as_deref(), expected, "{listener}");
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_of_route_virtual_host_and_cluster() {
    let anything = json!({ "safe_regex": ".*" });
    let asked = |name: &str, condition: Value| {
        let mut condition = condition;
        condition["path"] = json!({ "suffix": format!("/{name}") });
        abort(name, condition)
    };
    let document = rules([
        asked("route", json!({ "route": { "exact": "checkout" } })),
        asked("no-route", json!({ "not": { "route": anything } })),
        asked("direct", json!({ "route": { "prefix": "dir" } })),
        asked("host", json!({ "virtual_host": { "exact": "shop" } })),
        asked("cluster", json!({ "cluster": { "exact": "payments" } })),
        asked("no-cluster", json!({ "not": { "cluster": anything } })),
    ]);
    let to = |cluster: &str| json!({ "cluster": cluster });
    let weighted = json!({ "weighted_clusters": { "clusters": [{ "name": "payments", "weight": 100 }] } });
    let shop = json!({ "name": "shop", "domains": ["shop.example"], "routes": [
        { "name": "checkout", "match": { "prefix": "/checkout" }, "route": to("payments") },
        { "match": { "prefix": "/weighted" }, "route": weighted },
        { "match": { "prefix": "/" }, "route": to(Cluster::USUAL) },
    ] });
    let rest = json!({ "name": "rest", "domains": ["*"], "routes": [
        { "name": "direct", "match": { "prefix": "/direct" }, "direct_response": { "status": 200 } },
        { "match": { "prefix": "/" }, "route": to(Cluster::USUAL) },
    ] });
    let payments = Upstream::start().await;
    let bootstrap = Bootstrap::new().cluster(Cluster::named("payments", payments.address()));
    let listener = Listener::named(MAIN).filter(discovered(&document)).hosts(vec![shop, rest]);
    let stage = Stage::from(bootstrap, [listener]).await;
    for (authority, path, expected) in [
        ("shop.example", "/checkout/route", Some("route")),
        ("shop.example", "/other/route", None),
        ("shop.example", "/checkout/no-route", None),
        ("shop.example", "/other/no-route", Some("no-route")),
        ("other.example", "/direct/direct", Some("direct")),
        ("other.example", "/other/direct", None),
        ("shop.example", "/other/host", Some("host")),
        ("other.example", "/other/host", None),
        ("shop.example", "/checkout/cluster", Some("cluster")),
        ("shop.example", "/weighted/cluster", Some("cluster")),
        ("shop.example", "/other/cluster", None),
        ("other.example", "/direct/cluster", None),
        ("other.example", "/direct/no-cluster", Some("no-cluster")),
        ("shop.example", "/checkout/no-cluster", None),
    ] {
        let rule = stage.rule_for(MAIN, Request::get(path).authority(authority)).await;
        assert_eq!(rule.as_deref(), expected, "{authority}{path}");
    }
    stage.is_sound().await;
}

/// The proxy's identity is the same whether the document is in the bootstrap, in a file or in a route.
#[tokio::test(flavor = "multi_thread")]
async fn the_node_that_the_proxy_is() {
    let on = |name: &str, node: Value| {
        abort(name, json!({ "path": { "exact": format!("/{name}") }, "node": node }))
    };
    let document = rules([
        on("id", json!({ "id": { "suffix": "~cart-1.shop~shop.svc" } })),
        on("other-id", json!({ "id": { "exact": "sidecar" } })),
        on("cluster", json!({ "cluster": { "exact": "cart.shop" } })),
        on("other-cluster", json!({ "cluster": { "exact": "cart" } })),
        on("namespace", json!({ "namespace": { "exact": "shop" } })),
        on("other-namespace", json!({ "namespace": { "exact": "bank" } })),
        on("labels", json!({ "labels": { "app": "cart", "app.kubernetes.io/version": "1.0" } })),
        on("one-other-label", json!({ "labels": { "app": "cart", "app.kubernetes.io/version": "2.0" } })),
        on("missing-label", json!({ "labels": { "tier": "web" } })),
        on(
            "all",
            json!({ "cluster": { "prefix": "cart" }, "namespace": { "exact": "shop" }, "labels": { "app": "cart" } }),
        ),
        on("all-but-one", json!({ "cluster": { "prefix": "cart" }, "namespace": { "exact": "bank" } })),
        abort(
            "not",
            json!({ "path": { "exact": "/not" }, "not": { "node": { "namespace": { "exact": "bank" } } } }),
        ),
    ]);
    let node = json!({
        "id": "sidecar~10.0.0.1~cart-1.shop~shop.svc",
        "cluster": "cart.shop",
        "metadata": { "NAMESPACE": "shop", "LABELS": { "app": "cart", "app.kubernetes.io/version": "1.0" } },
    });
    let fixed = Filter::brownout(&Configuration::document(&document));
    let per_route = Configuration::document(&json!({ "rules": [], "per_route": true }));
    let metadata = json!({ "filter_metadata": { "brownout": { "json": document.to_string() } } });
    let route =
        json!({ "match": { "prefix": "/" }, "direct_response": { "status": 200 }, "metadata": metadata });
    let listeners = [
        Listener::named("fixed").filter(fixed),
        Listener::named("discovered").filter(Filter::discovered(FILTER, Configuration::document(&document))),
        Listener::named("route").filter(Filter::brownout(&per_route)).routes(vec![route]),
    ];
    let stage = Stage::from(Bootstrap::new().node(node), listeners).await;
    for listener in ["fixed", "discovered", "route"] {
        for name in ["id", "cluster", "namespace", "labels", "all", "not"] {
            let rule = stage.rule_for(listener, Request::get(&format!("/{name}"))).await;
            assert_eq!(rule.as_deref(), Some(name), "{listener}");
        }
        for name in [
            "other-id",
            "other-cluster",
            "other-namespace",
            "one-other-label",
            "missing-label",
            "all-but-one",
        ] {
            let rule = stage.rule_for(listener, Request::get(&format!("/{name}"))).await;
            assert_eq!(rule, None, "{listener}: {name}");
        }
    }
    stage.is_sound().await;
}
