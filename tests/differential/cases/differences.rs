//! Behaviour of the native filter that ours does not share, apart from differences that other modules cover.

use super::{abort, always, delay, different, grpc};
use crate::expected::Expected::{Grpc, Passes};
use crate::seen::Side;
use crate::stage::{Setup, with_fault};
use crate::trial::Plan;
use serde_json::json;
use support::client::{Connection, Protocol, Request};
use support::deadline::until;

pub fn all() -> Vec<Plan> {
    let by_header = |status: &str| grpc().header("x-envoy-fault-abort-grpc-request", status);
    vec![
        different(
            "grpc_status_above_16",
            "grpc_status_above_16_by_header",
            json!({ "abort": { "header_abort": {}, "percentage": always() } }),
            vec![(by_header("17"), [Grpc(17), Passes]), (by_header("255"), [Grpc(255), Passes])],
        ),
        shared_limit(),
        runtime_keys(),
    ]
}

/// In Envoy all routes of a listener share one count of active faults; each of our rules has its own.
fn shared_limit() -> Plan {
    let name = "limits_of_two_routes";
    let fault = json!({
        "max_active_faults": 1,
        "delay": { "header_delay": {}, "percentage": always() },
    });
    let route = |name: &str| {
        let path = format!("/{name}");
        with_fault(
            json!({ "name": name, "match": { "path": path }, "route": { "cluster": "upstream" } }),
            &fault,
        )
    };
    let routes = vec![route("one"), route("two")];
    Plan::new(name, vec![Setup::new(name, json!({})).with_routes(routes)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            let request =
                |path: &str, delay: &str| Request::get(path).header("x-envoy-fault-delay-request", delay);
            for side in Side::BOTH {
                let first = request("/one", "60000");
                let mut connection = Connection::open(Protocol::Http2, pair.address(side)).await;
                let holding = tokio::spawn(async move { connection.send(first).await.is_ok() });
                let active = async || pair.active().await[side as usize] == 1;
                until("a request that is held", async || active().await.then_some(())).await;
                let mut connection = Connection::open(Protocol::Http2, pair.address(side)).await;
                connection.send(request("/two", "40")).await.expect("a reply");
                holding.abort();
                until("its end", async || (pair.active().await == [0, 0]).then_some(())).await;
            }
            let [native, ours] = pair.counts().await;
            assert_eq!((native.delays, native.overflow), (1, 1), "native");
            assert_eq!((ours.delays, ours.overflow), (2, 0), "ours");
        })
    })
    .asserts("limits_of_routes")
}

/// The importer notes runtime keys that the configuration names. It cannot see those that Envoy looks up by default.
fn runtime_keys() -> Plan {
    let name = "runtime_keys_are_noted";
    Plan::new(name, Vec::new(), move |_| {
        Box::pin(async move {
            let mut fault = json!({ "delay": delay(), "abort": abort(503) });
            let keys = [
                "delay_percent_runtime",
                "abort_percent_runtime",
                "delay_duration_runtime",
                "abort_http_status_runtime",
                "max_active_faults_runtime",
                "abort_grpc_status_runtime",
            ];
            let without = brownout_cli::import::envoy(&fault.to_string()).expect("a good configuration");
            for key in keys {
                fault[key] = "my.key".into();
            }
            let with = brownout_cli::import::envoy(&fault.to_string()).expect("a good configuration");
            assert_eq!(with.document, without.document);
            for key in keys {
                assert!(
                    with.notes.iter().any(|note| note.path == key),
                    "no note on `{key}`: {:?}",
                    with.notes
                );
            }
        })
    })
    .asserts("runtime_keys")
}
