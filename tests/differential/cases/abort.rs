//! The replies of aborts, over HTTP and gRPC.

use super::{abort, always, different, get, grpc, same};
use crate::expected::Expected::{Aborted, DelayedAborted, Grpc, Passes};
use crate::stage::Setup;
use crate::trial::Plan;
use http::Method;
use serde_json::json;
use support::client::{Protocol, Request};

pub fn all() -> Vec<Plan> {
    let mut plans = vec![
        same("abort_with_an_http_status", json!({ "abort": abort(429) }), vec![(get(), Aborted(429))]),
        same(
            "abort_of_every_method",
            json!({ "abort": abort(503) }),
            ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"]
                .into_iter()
                .map(|method| {
                    let method = Method::from_bytes(method.as_bytes()).expect("a method");
                    (Request::new(method, "/up"), Aborted(503))
                })
                .collect(),
        ),
        same(
            "abort_of_a_request_with_a_body",
            json!({ "abort": abort(503) }),
            vec![(Request::post("/up", vec![b'x'; 200_000]), Aborted(503))],
        ),
        same(
            "delay_then_abort",
            json!({ "delay": super::delay(), "abort": abort(418) }),
            vec![(get(), DelayedAborted(418)), (Request::post("/up", "body"), DelayedAborted(418))],
        ),
        same(
            "grpc_abort_with_a_status",
            json!({ "abort": { "grpc_status": 5, "percentage": always() } }),
            vec![(grpc(), Grpc(5))],
        ),
        same(
            "grpc_content_types",
            json!({ "abort": { "grpc_status": 5, "percentage": always() } }),
            ["application/grpc", "application/grpc+proto", "application/grpc+"]
                .into_iter()
                .map(|kind| {
                    (Request::post("/up/shop.v1.Cart/Add", "x").header("content-type", kind), Grpc(5))
                })
                .collect(),
        ),
        same(
            "health_probes_are_not_spared",
            json!({ "abort": abort(503) }),
            vec![
                (get().header("user-agent", "kube-probe/1.33"), Aborted(503)),
                (Request::post("/up/grpc.health.v1.Health/Check", ""), Aborted(503)),
            ],
        ),
        same("no_fault", json!({}), vec![(get(), Passes), (grpc(), Passes)]),
    ];
    plans.extend(statuses());
    plans.extend(grpc_statuses());
    plans.push(mapped());
    plans.push(closing());
    plans.push(different(
        "plain_request_with_grpc_status",
        "plain_request_with_grpc_status",
        json!({ "abort": { "grpc_status": 14, "percentage": always() } }),
        vec![
            (get(), [Aborted(200), Aborted(503)]),
            (Request::new(Method::HEAD, "/up"), [Aborted(200), Aborted(503)]),
            (get().header("content-type", "application/grpc-web"), [Aborted(200), Aborted(503)]),
        ],
    ));
    plans
}

/// Boundary values, and statuses that have no body or a special meaning.
fn statuses() -> Vec<Plan> {
    let names = [("abort_with_200", 200), ("abort_with_299", 299), ("abort_with_599", 599)];
    let with_a_body = names
        .into_iter()
        .map(|(name, status)| same(name, json!({ "abort": abort(status) }), vec![(get(), Aborted(status))]));
    let without = [("abort_with_204", 204), ("abort_with_304", 304)].into_iter().map(|(name, status)| {
        let rows = vec![(get(), [Aborted(status); 2])];
        different("body_of_204_and_304", name, json!({ "abort": abort(status) }), rows)
    });
    with_a_body.chain(without).collect()
}

fn grpc_statuses() -> Vec<Plan> {
    let names = [
        ("grpc_abort_with_ok", 0),
        ("grpc_abort_with_cancelled", 1),
        ("grpc_abort_with_deadline_exceeded", 4),
        ("grpc_abort_with_unavailable", 14),
        ("grpc_abort_with_unauthenticated", 16),
    ];
    names
        .into_iter()
        .map(|(name, status)| {
            let fault = json!({ "abort": { "grpc_status": status, "percentage": always() } });
            same(name, fault, vec![(grpc(), Grpc(status))])
        })
        .collect()
}

/// Requests by header the gRPC status that Envoy maps an HTTP status to.
fn mapped() -> Plan {
    let table = [
        (200, 2),
        (400, 13),
        (401, 16),
        (403, 7),
        (404, 12),
        (418, 2),
        (429, 14),
        (500, 2),
        (502, 14),
        (503, 14),
        (504, 14),
        (599, 2),
    ];
    let row = |(http, status): (u16, u8)| {
        (grpc().header("x-envoy-fault-abort-request", http.to_string()), Grpc(status))
    };
    let fault = json!({ "abort": { "header_abort": {}, "percentage": always() } });
    same("grpc_abort_with_an_http_status", fault, table.into_iter().map(row).collect())
}

/// gRPC statuses whose HTTP status is 400, after which Envoy closes a connection that uses HTTP/1.
fn closing() -> Plan {
    let name = "grpc_status_of_a_bad_request";
    let fault = json!({ "abort": { "header_abort": {}, "percentage": always() } });
    Plan::new(name, vec![Setup::new(name, fault)], move |stage| {
        Box::pin(async move {
            let pair = stage.pair(name);
            for status in [3, 9, 11] {
                let request = grpc().header("x-envoy-fault-abort-grpc-request", status.to_string());
                pair.same(&request, Protocol::Http2, Grpc(status)).await;
                let both = pair.exchange(&request, Protocol::Http1).await;
                both.assert_expected([Grpc(status); 2]);
                assert_eq!(both.native.header("connection"), None, "{}", both.what);
                assert_eq!(both.ours.header("connection").as_deref(), Some("close"), "{}", both.what);
            }
            pair.end().await;
        })
    })
    .asserts("grpc_status_of_a_bad_request")
}
