//! The rig itself, without our module: if the rig were broken, failures of the other suites would say nothing about the
//! product.

use http::Method;
use serde_json::json;
use std::time::Duration;
use support::client::{Connection, Protocol, Raw, Request};
use support::envoy::{Bootstrap, Cluster, Entry, Envoy, Filter, Listener};
use support::upstream::{Answer, Stream, Upstream};

const DELAY: Duration = Duration::from_millis(100);

/// Starts Envoy's own fault filter before an upstream: 100 ms delay, then 418 for requests that ask for it.
async fn rig() -> (Upstream, Envoy) {
    let upstream = Upstream::start().await;
    let fault = Filter::native_fault(json!({
        "delay": { "fixed_delay": "0.1s", "percentage": { "numerator": 100 } },
        "abort": { "header_abort": {}, "percentage": { "numerator": 100 } },
    }));
    let envoy = Envoy::start(
        Bootstrap::new()
            .cluster(Cluster::of(&upstream))
            .cluster(Cluster::named("upstream-http2", upstream.address()).http2())
            .listener(Listener::named("faulty").filter(fault))
            .listener(Listener::named("websocket").websocket())
            .listener(Listener::named("connect").connect(Cluster::USUAL))
            .listener(Listener::named("http2").routes(vec![
                json!({ "match": { "prefix": "/" }, "route": { "cluster": "upstream-http2" } }),
            ])),
    )
    .await;
    (upstream, envoy)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_sees_the_delay_and_the_upstream_the_request() {
    let (upstream, envoy) = rig().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = Connection::open(protocol, envoy.address("faulty")).await;
        let request =
            Request::post("/a?b=c", "12345").header("x-one", [0xff, b'1']).authority("shop.example:81");
        let reply = connection.send(request).await.expect("a reply");
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "upstream"));
        // Envoy's own timers count whole milliseconds, and may be early by one.
        assert!(reply.headers_after >= DELAY - Duration::from_millis(2), "{:?}", reply.headers_after);
        let received = upstream.take().pop().expect("one request");
        assert_eq!((received.method.clone(), received.uri.to_string()), (Method::POST, "/a?b=c".into()));
        assert_eq!(received.header("host"), Some(b"shop.example:81".as_slice()));
        assert_eq!(received.header("x-one"), Some([0xff, b'1'].as_slice()));
        assert_eq!(received.body_length, Some(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_does_not_reach_the_upstream_and_stands_in_the_access_log() {
    let (upstream, envoy) = rig().await;
    let mut connection = Connection::open(Protocol::Http1, envoy.address("faulty")).await;
    let request = Request::get("/x").header("x-envoy-fault-abort-request", "418");
    let reply = connection.send(request).await.expect("a reply");
    assert_eq!((reply.status.as_u16(), reply.text().as_str()), (418, "fault filter abort"));
    assert_eq!(upstream.count(), 0);
    let entry = support::deadline::until("the access log", async || envoy.access_log("faulty").pop()).await;
    let expected = Entry {
        path: Some("/x".into()),
        status: 418,
        flags: "DI,FI".into(),
        details: Some("fault_filter_abort".into()),
        ..Entry::default()
    };
    assert_eq!(entry, expected);
    assert_eq!(envoy.stat("http.faulty.fault.aborts_injected").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_upstream_answers_as_it_is_asked_to() {
    let (_upstream, envoy) = rig().await;
    let mut connection = Connection::open(Protocol::Http2, envoy.address("http2")).await;
    let answer = Answer {
        status: 201,
        headers: [("x-two".into(), "2".into())].into(),
        after_ms: 50,
        stream: Some(Stream { pieces: 3, bytes: 1000, every_ms: 40 }),
        trailers: [("grpc-status".into(), "5".into())].into(),
        ..Answer::default()
    };
    let reply =
        connection.send(Request::get("/").header(Answer::HEADER, answer.to_header())).await.expect("a reply");
    assert_eq!(reply.status.as_u16(), 201);
    assert_eq!(reply.header("x-two").as_deref(), Some("2"));
    assert_eq!(reply.body.len(), 3000);
    assert_eq!(reply.trailers["grpc-status"], "5");
    assert!(reply.headers_after >= Duration::from_millis(50));
    assert!(reply.complete_after >= Duration::from_millis(50 + 2 * 40), "{:?}", reply.pieces);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_of_a_connection_are_under_way_at_once() {
    let (upstream, envoy) = rig().await;
    let mut connection = Connection::open(Protocol::Http2, envoy.address("faulty")).await;
    let begin = std::time::Instant::now();
    let replies = connection.send_at_once(vec![Request::get("/"); 100]).await;
    assert!(replies.iter().all(|reply| reply.as_ref().is_ok_and(|reply| reply.status == 200)));
    assert!(begin.elapsed() < 20 * DELAY, "{:?}", begin.elapsed());
    assert_eq!(upstream.count(), 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_carries_bytes_both_ways() {
    let (_upstream, envoy) = rig().await;
    let mut client = Raw::open(envoy.address("websocket")).await;
    client.send("GET /chat HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n").await;
    assert_eq!(client.head().await.status, 101);
    client.send("ping").await;
    assert_eq!(client.bytes(4).await, b"ping");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connect_tunnel_leads_to_the_upstream() {
    let (upstream, envoy) = rig().await;
    let mut client = Raw::open(envoy.address("connect")).await;
    client.send("CONNECT shop.example:443 HTTP/1.1\r\nhost: shop.example:443\r\n\r\n").await;
    assert_eq!(client.head().await.status, 200);
    client.send("GET /inside HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let (head, body) = client.reply().await;
    assert_eq!((head.status, body.as_slice()), (200, b"upstream".as_slice()));
    assert_eq!(upstream.take().pop().expect("one request").uri, "/inside");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_from_a_file_change_under_an_open_connection() {
    let upstream = Upstream::start().await;
    let listener = Listener::named("routed").discovered_routes();
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let mut connection = Connection::open(Protocol::Http1, envoy.address("routed")).await;
    assert_eq!(connection.send(Request::get("/")).await.expect("a reply").text(), "upstream");
    for status in [403, 404] {
        let route = json!({ "match": { "prefix": "/" }, "direct_response": { "status": status } });
        envoy.route("routed", &[route]).await.expect("a good route");
        assert_eq!(connection.send(Request::get("/")).await.expect("a reply").status, status);
    }
    let nowhere =
        json!({ "match": { "prefix": "/" }, "route": { "cluster": "no such cluster", "timeout": "soon" } });
    envoy.route("routed", &[nowhere]).await.expect_err("that is no duration");
    assert_eq!(connection.send(Request::get("/")).await.expect("a reply").status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_ends_with_the_test() {
    let (_upstream, envoy) = rig().await;
    let address = envoy.address("faulty");
    assert!(envoy.is_alive());
    drop(envoy);
    tokio::net::TcpStream::connect(address).await.expect_err("nobody listens any more");
}
