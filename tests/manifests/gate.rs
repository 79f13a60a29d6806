//! A plain Envoy with `--gate`, next to one with the same module and document but no gate: they behave the same, except
//! that some requests never enter the module.

use super::plain::{here, started_with};
use super::{WASM, entered, objects, status, text};
use http::{HeaderMap, Method};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::envoy::Envoy;
use support::upstream::Upstream;

const GATED: &str = "src/cli/tests/render/envoy/filter-gated.yaml";

/// The filter with its gate, as the command prints it.
fn gated() -> Value {
    serde_saphyr::from_str(&text(GATED)).expect(GATED)
}

/// The same without the gate.
fn open() -> Value {
    let mut open = gated();
    let module = objects(&open).into_iter().find(|object| object["@type"] == WASM).cloned();
    open["resources"][0]["typed_config"] = module.expect("the module");
    open
}

/// An Envoy with a filter, and what is behind it.
struct Side {
    envoy: Envoy,
    upstream: Upstream,
    /// The directory from which Envoy loads the filter.
    directory: PathBuf,
}

impl Side {
    async fn start(filter: &Value) -> Self {
        let upstream = Upstream::start().await;
        let mut directory = PathBuf::new();
        let write = |folder: &Path| {
            folder.clone_into(&mut directory);
            put(filter, folder, &upstream);
        };
        let envoy = started_with(&upstream, "bootstrap-gated", write).await;
        Self { envoy, upstream, directory }
    }
}

/// Moves a filter to the directory from which Envoy loads it.
fn put(filter: &Value, directory: &Path, upstream: &Upstream) {
    let text = here(&filter.to_string(), directory, upstream);
    let (new, place) = (directory.join("brownout.new"), directory.join("brownout.yaml"));
    std::fs::write(&new, text).expect("room on the disk");
    std::fs::rename(new, place).expect("the same disk");
}

/// One exchange, as seen from outside the proxy.
#[derive(Debug, PartialEq)]
struct Seen {
    status: u16,
    headers: HeaderMap,
    trailers: HeaderMap,
    body: String,
    /// Method, path and headers of each request that reached the upstream.
    forwarded: Vec<(Method, String, HeaderMap)>,
    /// True if it took as long as the only delay, and reports a delay.
    is_slow: bool,
}

async fn seen(side: &Side, protocol: Protocol, request: Request) -> Seen {
    let mut connection = Connection::open(protocol, side.envoy.address("front")).await;
    let reply = connection.send(request).await.expect("a reply");
    let quiet = |headers: &HeaderMap| {
        let mut headers = headers.clone();
        for restless in ["date", "x-envoy-upstream-service-time", "x-request-id"] {
            headers.remove(restless);
        }
        headers
    };
    let forwarded = side.upstream.take().into_iter();
    let forwarded = forwarded.map(|received| {
        let path = received.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        (received.method, path, quiet(&received.headers))
    });
    Seen {
        status: reply.status.as_u16(),
        headers: quiet(&reply.headers),
        trailers: reply.trailers.clone(),
        body: reply.text(),
        forwarded: forwarded.collect(),
        is_slow: reply.headers_after.as_millis() >= 30
            && reply.header("x-brownout").is_some_and(|by| by.contains("delay")),
    }
}

/// Requests, and whether the gate lets them in.
fn requests() -> Vec<(Request, bool)> {
    let get = || Request::get("/");
    let grpc = |path| Request::post(path, "").header("content-type", "application/grpc");
    vec![
        (get(), false),
        (get().header("x-other", "alice"), false),
        (get().header("x-tester", "alice"), true),
        (get().header("X-Tester", "alice"), true),
        (get().header("x-tester", "Alice"), false),
        (get().header("x-tester", "bob"), false),
        (get().header("x-tester", ""), false),
        (get().header("x-tester", "bob").header("x-tester", "alice"), true),
        (get().header("x-tester", "alice").header("x-tester", "bob"), true),
        // The gate cannot tell this value from two values; the module can.
        (get().header("x-tester", "bob,alice"), true),
        (get().header("x-team", "PAYments"), true),
        (get().header("x-team", "shop").header("x-team", "Pay"), true),
        (get().header("x-team", "shop"), false),
        (get().header("x-env", "test"), true),
        (get().header("x-env", "prod"), true),
        (get().header("x-env", ""), true),
        (get().header("x-slow", "\u{e9}"), true),
        (get().header("x-slow", b"\xff\xfe"), true),
        (get().header("x-slow", ""), true),
        (get().header("x-host", "a.example"), true),
        (get().header("x-host", "a.example").header("x-host", "b"), true),
        (get().header("x-host", "example.com"), false),
        (get().header("x-version", "v12"), true),
        (get().header("x-version", "12"), true),
        (Request::post("/shop/cart", "1 book").header("cookie", "a=b; chaos=on"), true),
        (Request::post("/shop/cart", "1 book").header("cookie", "chaos=off"), true),
        (Request::post("/shop/cart", "1 book").header("cookie", "a=b"), false),
        (Request::post("/cart", "1 book").header("cookie", "chaos=on"), false),
        (Request::new(Method::PUT, "/shop").header("cookie", "a=b").header("cookie", "chaos=on"), true),
        (grpc("/shop.v1.Cart/Add"), true),
        (grpc("/shop.v1.Carts/Add"), false),
        (Request::post("/shop.v1.Cart/Add", "x").header("content-type", "text/plain"), false),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_its_gate_the_module_does_to_every_request_what_it_does_without() {
    let (behind, without) = (Side::start(&gated()).await, Side::start(&open()).await);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        for (request, _) in requests() {
            let gated = seen(&behind, protocol, request.clone()).await;
            let open = seen(&without, protocol, request.clone()).await;
            assert_eq!(gated, open, "{protocol:?} {request:?}");
        }
    }
    let counted = without.envoy.stats().await;
    assert_eq!(behind.envoy.stats().await, counted);
    for rule in ["exact", "any-case", "other-environment", "there", "ending", "expression", "cookie", "call"]
    {
        let injected = counted.value(&format!("rule.{rule}.injected"));
        assert!(injected > 0, "no request was for the rule `{rule}`: {counted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_rule_can_match_never_enters_the_module() {
    let Side { envoy, upstream: _upstream, .. } = Side::start(&gated()).await;
    let mut expected: BTreeMap<String, bool> = BTreeMap::new();
    let mut found = expected.clone();
    for (request, is_let_in) in requests() {
        let name = format!("{} {:?}", request.path, request.headers);
        let [(_, has_entered)] = entered(&envoy, "front", [request]).await;
        expected.insert(name.clone(), is_let_in);
        found.insert(name, has_entered);
    }
    assert_eq!(found, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_document_comes_with_its_gate_and_the_gate_can_go() {
    let side = Side::start(&gated()).await;
    let tester = |name: &str, value: &str| Request::get("/").header(name, value);
    assert_eq!(status(&side.envoy, "front", tester("x-tester", "alice")).await, 503);
    assert_eq!(status(&side.envoy, "front", tester("x-guest", "alice")).await, 200);
    let renamed = |filter: Value, version: &str| {
        let mut filter: Value = serde_json::from_str(
            &filter.to_string().replace("x-tester", "x-guest").replace("X-Tester", "x-guest"),
        )
        .expect("JSON");
        filter["version_info"] = version.into();
        filter
    };
    for (filter, version) in [(gated(), "2"), (open(), "3")] {
        put(&renamed(filter, version), &side.directory, &side.upstream);
        let reloads = "extension_config_discovery.http_filter.brownout.config_reload";
        let expected: u64 = version.parse().expect("a number");
        until("the new filter", async || (side.envoy.stat(reloads).await == expected).then_some(())).await;
        until("all workers to have it", async || {
            let new = status(&side.envoy, "front", tester("x-guest", "alice")).await;
            let old = status(&side.envoy, "front", tester("x-tester", "alice")).await;
            ((new, old) == (503, 200)).then_some(())
        })
        .await;
    }
}
