//! Requests of unusual form, such as CONNECT, pipelined requests and header values that are not UTF-8.

use crate::stage::{CONNECT, LATENESS, Stage, WEBSOCKET, document};
use serde_json::json;
use std::time::{Duration, Instant};
use support::client::{Connection, Protocol, Raw, Request};
use support::envoy::{Bootstrap, Cluster, Envoy, Filter, Listener};
use support::upstream::Upstream;

const DELAY: Duration = Duration::from_millis(150);

#[tokio::test(flavor = "multi_thread")]
async fn a_header_value_that_is_not_utf_8() {
    let stage = Stage::with(json!([
        {
            "name": "no-such-value",
            "match": { "headers": [{ "name": "x-bytes", "string_match": { "safe_regex": "[a-z]+" } }] },
            "percentage": 100,
            "abort": { "http_status": 500 },
        },
        {
            "name": "has-suffix",
            "match": { "headers": [{ "name": "x-bytes", "string_match": { "suffix": "end" } }] },
            "percentage": 100,
            "abort": { "http_status": 503 },
        },
    ]))
    .await;
    let mut client = Raw::open(stage.address()).await;
    client.send(b"GET / HTTP/1.1\r\nhost: a\r\nx-bytes: \xff\xfeend\r\n\r\n").await;
    let (head, _) = client.reply().await;
    assert_eq!(head.header("x-brownout"), Some(b"has-suffix; abort".as_slice()));
    client.send(b"GET /2 HTTP/1.1\r\nhost: a\r\nx-bytes: \xff\r\nx-bytes: \xfe\xfd\r\n\r\n").await;
    let (head, body) = client.reply().await;
    assert_eq!(
        (head.status, body.as_slice(), head.header("x-brownout")),
        (200, b"upstream".as_slice(), None)
    );
    let received = stage.upstream.take().pop().expect("one request");
    let values: Vec<_> =
        received.headers.get_all("x-bytes").iter().map(http::HeaderValue::as_bytes).collect();
    assert_eq!(values, [b"\xff".as_slice(), b"\xfe\xfd"]);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connect_is_delayed_and_then_a_tunnel_and_can_be_refused() {
    let stage = Stage::with(json!([
        { "name": "by-path", "match": { "path": { "prefix": "/" } }, "percentage": 0, "abort": { "http_status": 500 } },
        {
            "name": "refused",
            "match": { "methods": ["CONNECT"], "authority": { "exact": "refused.example" } },
            "percentage": 100,
            "abort": { "http_status": 503 },
        },
        {
            "name": "slow",
            "match": { "methods": ["CONNECT"] },
            "percentage": 100,
            "delay": { "fixed_delay": "150ms" },
        },
    ]))
    .await;
    let mut client = Raw::open(stage.envoy.address(CONNECT)).await;
    client.send("CONNECT refused.example:443 HTTP/1.1\r\nhost: refused.example:443\r\n\r\n").await;
    let (head, body) = client.reply().await;
    assert_eq!((head.status, body.as_slice()), (503, b"fault filter abort".as_slice()));

    let mut client = Raw::open(stage.envoy.address(CONNECT)).await;
    let begin = Instant::now();
    client.send("CONNECT shop.example:443 HTTP/1.1\r\nhost: shop.example:443\r\n\r\n").await;
    let head = client.head().await;
    assert!((DELAY..DELAY + LATENESS).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    assert_eq!((head.status, head.header("x-brownout")), (200, Some(b"slow; delay".as_slice())));
    client.send("GET /inside HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let (head, body) = client.reply().await;
    assert_eq!((head.status, body.as_slice()), (200, b"upstream".as_slice()));
    assert_eq!(stage.envoy.stats().await.value("rule.by-path.matched"), 0);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_delayed_and_then_carries_bytes_and_can_be_refused() {
    const UPGRADE: &str = "HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let stage = Stage::with(json!([
        { "name": "refused", "match": { "path": { "exact": "/no" } }, "percentage": 100, "abort": { "http_status": 503 } },
        { "name": "slow", "match": { "path": { "exact": "/yes" } }, "percentage": 100, "delay": { "fixed_delay": "150ms" } },
    ]))
    .await;
    let mut client = Raw::open(stage.envoy.address(WEBSOCKET)).await;
    client.send(format!("GET /no {UPGRADE}")).await;
    let (head, body) = client.reply().await;
    assert_eq!((head.status, body.as_slice()), (503, b"fault filter abort".as_slice()));

    let mut client = Raw::open(stage.envoy.address(WEBSOCKET)).await;
    let begin = Instant::now();
    client.send(format!("GET /yes {UPGRADE}early")).await;
    let head = client.head().await;
    assert!((DELAY..DELAY + LATENESS).contains(&begin.elapsed()), "{:?}", begin.elapsed());
    assert_eq!((head.status, head.header("x-brownout")), (101, Some(b"slow; delay".as_slice())));
    assert_eq!(client.bytes(5).await, b"early");
    client.send([0xff, 0x00, 0x81]).await;
    assert_eq!(client.bytes(3).await, [0xff, 0x00, 0x81]);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_megabytes_are_held_and_arrive_whole() {
    const DELAY: Duration = Duration::from_millis(300);
    const LENGTH: usize = 5 * 1024 * 1024;
    let stage = Stage::with(json!([
        { "name": "slow", "percentage": 100, "delay": { "fixed_delay": "300ms" } },
    ]))
    .await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = Connection::open(protocol, stage.address()).await;
        let reply = connection.send(Request::post("/upload", vec![b'.'; LENGTH])).await.expect("a reply");
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "upstream"));
        assert_eq!(reply.header("x-brownout").as_deref(), Some("slow; delay"));
        assert!(reply.headers_after >= DELAY, "{:?}", reply.headers_after);
        assert_eq!(stage.upstream.take().pop().expect("one request").body_length, Some(LENGTH));
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_do_not_wait_for_the_reply_before_them() {
    let stage = Stage::with(json!([
        { "name": "slow", "match": { "path": { "prefix": "/slow" } }, "percentage": 100, "delay": { "fixed_delay": "150ms" } },
        { "name": "broken", "match": { "path": { "exact": "/broken" } }, "percentage": 100, "abort": { "http_status": 503 } },
    ]))
    .await;
    let mut client = Raw::open(stage.address()).await;
    let paths = ["/slow/1", "/broken", "/slow/2", "/"];
    let requests = paths.map(|path| format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n"));
    client.send(requests.concat()).await;
    let mut seen = Vec::new();
    for _ in paths {
        let (head, _) = client.reply().await;
        seen.push((head.status, head.header("x-brownout").map(<[u8]>::to_vec)));
    }
    let slow = Some(b"slow; delay".to_vec());
    assert_eq!(seen, [(200, slow.clone()), (503, Some(b"broken; abort".to_vec())), (200, slow), (200, None)]);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_its_body_only_when_told_to_go_on() {
    let stage = Stage::with(json!([
        { "name": "slow", "match": { "path": { "exact": "/slow" } }, "percentage": 100, "delay": { "fixed_delay": "150ms" } },
        { "name": "broken", "percentage": 100, "abort": { "http_status": 503 } },
    ]))
    .await;
    let head = |path: &str| {
        format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n")
    };
    let mut client = Raw::open(stage.address()).await;
    client.send(head("/slow")).await;
    assert_eq!(client.head().await.status, 100);
    client.send("12345").await;
    let (reply, body) = client.reply().await;
    assert_eq!((reply.status, body.as_slice()), (200, b"upstream".as_slice()));
    assert_eq!(stage.upstream.take().pop().expect("one request").body_length, Some(5));

    let mut client = Raw::open(stage.address()).await;
    client.send(head("/broken")).await;
    assert_eq!(client.head().await.status, 100);
    assert_eq!(client.head().await.status, 503);
    stage.is_sound().await;
}

/// The plugin option lets a body pass a filter that stops only at the headers. Ours stops both, whatever the option.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_does_not_end_a_delay_where_the_plugin_lets_bodies_pass() {
    let rules = json!([{ "name": "slow", "percentage": 100, "delay": { "fixed_delay": "150ms" } }]);
    let upstream = Upstream::start().await;
    let filter = Filter::brownout(&document(rules));
    let filter = filter.plugin_field("allow_on_headers_stop_iteration", json!(true));
    let listener = Listener::named("main").filter(filter);
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        // The last of them is larger than any buffer.
        for length in [0, 5, 500_000, 3 * 1024 * 1024] {
            let mut connection = Connection::open(protocol, envoy.address("main")).await;
            let reply = connection.send(Request::post("/", vec![b'.'; length])).await.expect("a reply");
            let evidence = reply.header("x-brownout");
            assert_eq!((reply.status.as_u16(), evidence.as_deref()), (200, Some("slow; delay")), "{length}");
            assert!((DELAY..DELAY + LATENESS).contains(&reply.headers_after), "{:?}", reply.headers_after);
            assert_eq!(upstream.take().pop().expect("one request").body_length, Some(length));
        }
    }
    envoy.until_active(0).await;
    assert!(envoy.is_alive());
}
