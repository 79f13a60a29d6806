//! The module next to other filters: a second instance of itself, and filters that translate for clients.

use brownout_core::kind::Kind;
use serde_json::{Value, json};
use support::client::{Connection, Protocol, Reply, Request};
use support::deadline::until_equal;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener, version};
use support::upstream::{Answer, Upstream, pattern};

const MAIN: &str = "main";
const SIZE: usize = 100_000;

/// Returns the faults to try for each kind.
fn fault(kind: Kind) -> Vec<Value> {
    match kind {
        Kind::Delay => vec![json!({ "fixed_delay": "20ms" })],
        Kind::Abort => vec![json!({ "http_status": 503 })],
        Kind::Reset => vec![json!({})],
        Kind::Hang => vec![json!({ "max": "20ms" })],
        Kind::Request => vec![json!({ "headers": { "set": { "x-set": "1" } } })],
        Kind::RequestRateLimit => vec![json!({ "fixed_limit": { "limit_kbps": 2_000 } })],
        Kind::Response => vec![
            json!({ "delay": { "fixed_delay": "20ms" } }),
            json!({ "reset": {} }),
            json!({ "reset": { "after_bytes": 20_000 } }),
            json!({ "delay": { "fixed_delay": "20ms" }, "reset": {} }),
            json!({ "status": 500 }),
            json!({ "body": { "truncate_bytes": 10 } }),
        ],
        Kind::ResponseRateLimit => vec![json!({ "fixed_limit": { "limit_kbps": 2_000 } })],
    }
}

/// The end of an exchange, as its client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Complete, with this status and body length.
    Whole(u16, usize),
    /// Cut off, in the middle or before anything arrived.
    Cut,
}

/// Returns what a fault must do to a response of [`SIZE`] bytes.
fn promised(kind: Kind, fault: &Value) -> End {
    match kind {
        Kind::Abort => End::Whole(503, "fault filter abort".len()),
        Kind::Reset | Kind::Hang => End::Cut,
        Kind::Response if fault.get("reset").is_some() => End::Cut,
        Kind::Response if fault.get("status").is_some() => End::Whole(500, SIZE),
        Kind::Response if fault.pointer("/body/truncate_bytes").is_some() => End::Whole(200, 10),
        _ => End::Whole(200, SIZE),
    }
}

/// Returns how a response ended. Envoy 1.36 resets with `NO_ERROR`, which hyper treats as the end of the body; only the
/// declared length shows that the body was cut.
fn seen(reply: &Reply) -> End {
    let told = reply.header("content-length");
    let is_short = told.is_some_and(|told| told != reply.body.len().to_string());
    match version() < (1, 38) && is_short {
        true => End::Cut,
        false => End::Whole(reply.status.as_u16(), reply.body.len()),
    }
}

async fn envoy(upstream: &Upstream, filters: impl IntoIterator<Item = Filter>) -> Envoy {
    let listener = filters.into_iter().fold(Listener::named(MAIN), Listener::filter);
    Envoy::start(Bootstrap::new().cluster(Cluster::of(upstream)).listener(listener)).await
}

fn rules(rules: &Value) -> Configuration {
    Configuration::document(&json!({ "rules": rules }))
}

async fn is_sound(envoy: &Envoy) {
    assert!(envoy.is_alive(), "Envoy has ended:\n{}", envoy.log());
    until_equal("exchanges held", 0, async || envoy.stats().await.value("active_faults")).await;
    let mut connection = Connection::open(Protocol::Http1, envoy.address(MAIN)).await;
    let reply = connection.send(Request::get("/untouched")).await.expect("a reply");
    assert_eq!(reply.status, 200, "{}", envoy.log());
    assert_eq!(envoy.stats().await.value("host_errors"), 0, "{}", envoy.log());
}

/// Two filters of one document in a chain, as happens when a filter is inserted twice: both take every request, both may
/// hold it, and both may want to end it at the same instant.
#[tokio::test(flavor = "multi_thread")]
async fn the_module_twice_in_a_chain_does_what_each_fault_promises_and_envoy_lives() {
    let upstream = Upstream::start().await;
    let faults = Kind::ALL.iter().flat_map(|kind| fault(*kind).into_iter().map(|fault| (*kind, fault)));
    let faults: Vec<(Kind, Value)> = faults.collect();
    let document = faults.iter().enumerate().map(|(number, (kind, fault))| {
        json!({
            "name": format!("rule-{number}"),
            "match": { "path": { "exact": format!("/{number}") } },
            "percentage": 100,
            kind.name(): fault,
        })
    });
    let document = rules(&document.collect());
    let filters = ["first", "second"].map(|name| Filter::discovered(name, document.clone()));
    let envoy = envoy(&upstream, filters).await;
    for (number, (kind, fault)) in faults.iter().enumerate() {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let request = || {
                let answer = Answer { length: Some(SIZE), ..Answer::default() };
                Request::post(&format!("/{number}"), pattern(0..SIZE))
                    .header(Answer::HEADER, answer.to_header())
            };
            let mut ends = Vec::new();
            if protocol == Protocol::Http2 {
                let mut connection = Connection::open(protocol, envoy.address(MAIN)).await;
                ends.extend(connection.send_at_once((0..20).map(|_| request()).collect()).await);
            } else {
                let mut connection = Connection::open(protocol, envoy.address(MAIN)).await;
                ends.push(connection.send(request()).await);
            }
            for end in ends {
                let end = end.map_or(End::Cut, |reply| seen(&reply));
                assert_eq!(end, promised(*kind, fault), "{} {fault} over {protocol:?}", kind.name());
            }
            is_sound(&envoy).await;
        }
    }
}

const GRPC_WEB: &str = "envoy.extensions.filters.http.grpc_web.v3.GrpcWeb";

/// gRPC-Web carries what gRPC has in trailers at the end of the body, or, without a body, in headers
/// (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-WEB.md>).
#[tokio::test(flavor = "multi_thread")]
async fn behind_grpc_web_the_status_reaches_its_clients() {
    let upstream = Upstream::start().await;
    let document = rules(&json!([
        { "name": "abort", "match": { "path": { "exact": "/shop.Cart/Abort" } }, "percentage": 100,
          "abort": { "grpc_status": "UNAVAILABLE", "grpc_message": "no seats left" } },
        { "name": "response", "match": { "path": { "exact": "/shop.Cart/Response" } }, "percentage": 100,
          "response": { "grpc_status": "UNAVAILABLE" } },
    ]));
    let translator = Filter::typed("envoy.filters.http.grpc_web", GRPC_WEB, json!({}));
    let envoy = envoy(&upstream, [translator, Filter::brownout(&document)]).await;
    for (path, rule) in [("/shop.Cart/Abort", "abort; abort"), ("/shop.Cart/Response", "response; response")]
    {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let mut connection = Connection::open(protocol, envoy.address(MAIN)).await;
            let request =
                Request::post(path, "\0\0\0\0\0").header("content-type", "application/grpc-web+proto");
            let reply = connection.send(request).await.expect("a reply");
            let status = reply.header("grpc-status").unwrap_or_default() + &reply.text();
            assert!(status.contains("14"), "{path}: {reply:?}");
            assert_eq!(reply.header("x-brownout").as_deref(), Some(rule), "{path}");
        }
    }
    is_sound(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_without_a_body_has_no_length_and_no_body() {
    let upstream = Upstream::start().await;
    let rule = |name: &str, kind: &str, fault: Value| json!({ "name": name, "match": { "path": { "exact": format!("/{name}") } }, "percentage": 100, kind: fault });
    let document = rules(&json!([
        rule("abort-204", "abort", json!({ "http_status": 204 })),
        rule("abort-304", "abort", json!({ "http_status": 304 })),
        rule("response-204", "response", json!({ "status": 204 })),
        rule("response-304", "response", json!({ "status": 304 })),
    ]));
    let envoy = envoy(&upstream, [Filter::brownout(&document)]).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = Connection::open(protocol, envoy.address(MAIN)).await;
        for kind in ["abort", "response"] {
            for status in [204, 304] {
                for method in [http::Method::GET, http::Method::HEAD] {
                    let answer = Answer { length: Some(300), ..Answer::default() };
                    let request = Request::new(method.clone(), &format!("/{kind}-{status}"))
                        .header(Answer::HEADER, answer.to_header());
                    let reply = connection.send(request).await.expect("a reply");
                    let seen = (reply.status.as_u16(), reply.header("content-length"), reply.body.len());
                    assert_eq!(seen, (status, None, 0), "{method} {kind} {protocol:?}");
                }
            }
        }
        // And the connection is still usable.
        assert_eq!(connection.send(Request::get("/untouched")).await.expect("a reply").status, 200);
    }
    is_sound(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_cannot_say_success_or_hide_what_was_injected() {
    let upstream = Upstream::start().await;
    let headers = json!({ "grpc-status": "0", "x-brownout": "nothing", "x-kept": " padded " });
    let document = rules(&json!([
        { "name": "abort", "match": { "path": { "exact": "/abort" } }, "percentage": 100,
          "abort": { "http_status": 503, "headers": headers } },
        { "name": "response", "match": { "path": { "exact": "/response" } }, "percentage": 100,
          "response": { "status": 503, "headers": { "set": headers, "remove": ["x-brownout"] } } },
    ]));
    let envoy = envoy(&upstream, [Filter::brownout(&document)]).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = Connection::open(protocol, envoy.address(MAIN)).await;
        for kind in ["abort", "response"] {
            let reply = connection.send(Request::get(&format!("/{kind}"))).await.expect("a reply");
            let seen = ["grpc-status", "x-brownout", "x-kept"].map(|name| reply.header(name));
            let expected = [None, Some(format!("{kind}; {kind}")), Some("padded".into())];
            assert_eq!((reply.status.as_u16(), seen), (503, expected), "{kind} {protocol:?}");
        }
    }
    for (rule, header) in [("abort", "grpc-status"), ("abort", "x-brownout"), ("response", "grpc-status")] {
        let said = format!("`{rule}` must not change `{header}` of a reply: left out");
        assert_eq!(envoy.log().matches(&said).count(), 1, "{said}:\n{}", envoy.log());
    }
    is_sound(&envoy).await;
}
