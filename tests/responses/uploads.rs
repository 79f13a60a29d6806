//! Changes to requests: the upstream receives what the rule says, as one complete request.

use crate::changes::{Coding, KEPT, REPLACEMENT};
use crate::stage::{HTTP1, HTTP2, PERMISSIVE, Stage, asking, rule};
use bytes::Bytes;
use http::Method;
use serde_json::json;
use std::time::Duration;
use support::client::{Protocol, Raw, Request};
use support::upstream::{Answer, Received, pattern};

const LENGTHS: [usize; 6] = [0, 1, KEPT - 8, KEPT + 8, 64 * 1024, 5 * 1024 * 1024];
const DELAY: Duration = Duration::from_millis(50);

fn echo() -> Answer {
    Answer { echo: true, ..Answer::default() }
}

fn changes() -> serde_json::Value {
    let body = |name: &str, change| rule(name, &format!("/{name}"), "request", json!({ "body": change }));
    let mut late = body("late", json!({ "truncate_bytes": KEPT }));
    late["delay"] = json!({ "fixed_delay": "50ms" });
    let mut slow = body("slow", json!({ "replace": REPLACEMENT }));
    slow["request_rate_limit"] = json!({ "fixed_limit": { "limit_kbps": 1024 * 1024 } });
    json!([
        body("replace", json!({ "replace": REPLACEMENT })),
        body("nothing", json!({ "replace": "" })),
        body("truncate", json!({ "truncate_bytes": KEPT })),
        body("corrupt", json!({ "corrupt": { "percentage": 100 } })),
        body("patch", json!({ "merge_patch": { "a": 1 } })),
        late,
        slow,
        rule("rate", "/rate", "request_rate_limit", json!({ "fixed_limit": { "limit_kbps": 1024 * 1024 } })),
    ])
}

/// Returns what must arrive instead of a body; `None` for a body of the same length in which every byte differs.
fn expected(path: &str, sent: &Bytes) -> Option<Bytes> {
    let replaced = |by: &'static str| if sent.is_empty() { Bytes::new() } else { Bytes::from(by) };
    match path {
        "/replace" | "/slow" => Some(replaced(REPLACEMENT)),
        "/nothing" => Some(Bytes::new()),
        "/truncate" | "/late" => Some(sent.slice(..sent.len().min(KEPT))),
        "/corrupt" if !sent.is_empty() => None,
        _ => Some(sent.clone()),
    }
}

fn check(what: &str, path: &str, sent: &Bytes, received: &Received) {
    let arrived = received.body.as_ref().expect("a whole request");
    match expected(path, sent) {
        Some(expected) => {
            assert!(*arrived == expected, "{what}: {} bytes, not {}", arrived.len(), expected.len());
        }
        None => {
            let same = arrived.iter().zip(sent).filter(|(one, other)| one == other).count();
            assert_eq!((arrived.len(), same), (sent.len(), 0), "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_every_size_change_and_the_next_request_is_untouched() {
    let stage = Stage::for_uploads(changes(), [HTTP1, HTTP2, PERMISSIVE]).await;
    for (protocol, listener) in [
        (Protocol::Http1, HTTP1),
        (Protocol::Http2, HTTP2),
        (Protocol::Http2, HTTP1),
        (Protocol::Http1, HTTP2),
        (Protocol::Http1, PERMISSIVE),
        (Protocol::Http2, PERMISSIVE),
    ] {
        let mut connection = stage.connect(protocol, listener).await;
        for path in
            ["/replace", "/nothing", "/truncate", "/corrupt", "/patch", "/late", "/slow", "/rate", "/"]
        {
            for length in LENGTHS {
                let what = format!("{path} with {length} bytes by {protocol:?} and {listener}");
                let sent = pattern(0..length);
                let reply = connection.send(asking(Request::post(path, sent.clone()), &echo())).await;
                let reply = reply.unwrap_or_else(|cut| panic!("{what}: {cut}"));
                assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "upstream"), "{what}");
                if path == "/late" {
                    assert!(reply.headers_after >= DELAY, "{what}: {:?}", reply.headers_after);
                }
                let received = stage.upstream.take();
                assert_eq!(received.len(), 1, "{what}");
                check(&what, path, &sent, &received[0]);
                // Envoy closes a connection if the reply arrives before the whole request.
                if protocol == Protocol::Http1 && received[0].body_length < Some(length) {
                    connection = stage.connect(protocol, listener).await;
                }
            }
        }
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_in_chunks_and_requests_in_one_go() {
    let stage = Stage::for_uploads(changes(), [HTTP1, HTTP2]).await;
    let sent = pattern(0..5000);
    let paths = ["/replace", "/nothing", "/truncate", "/corrupt", "/patch", "/late", "/slow", "/rate", "/"];
    for listener in [HTTP1, HTTP2] {
        let mut client = Raw::open(stage.address(listener)).await;
        let mut all = Vec::new();
        for path in paths {
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: a\r\n{}: {}\r\n", Answer::HEADER, echo().to_header());
            all.extend_from_slice(head.as_bytes());
            all.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
            for piece in sent.chunks(1250) {
                all.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                all.extend_from_slice(piece);
                all.extend_from_slice(b"\r\n");
            }
            all.extend_from_slice(b"0\r\n\r\n");
        }
        client.send(all).await;
        for _ in paths {
            let (head, body) = client.message("POST").await;
            assert_eq!((head.status, body.as_slice()), (200, b"upstream".as_slice()));
        }
        let received = stage.upstream.take();
        assert_eq!(received.len(), paths.len());
        for (path, received) in paths.iter().zip(&received) {
            check(&format!("{path} by {listener}"), path, &sent, received);
        }
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_path_method_and_query_change() {
    let fields = json!({
        "headers": { "set": { "x-set": "new" }, "add": { "x-both": ["2", "3"] }, "remove": ["x-gone"] },
        "path": "/other",
        "method": "PUT",
        "query_parameters": { "set": { "a": "1 2" }, "add": { "b": ["2", "3"] }, "remove": ["c"] },
    });
    let stage = Stage::of(json!([rule("all", "/all", "request", fields)]), [HTTP1, HTTP2]).await;
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2)] {
        let mut connection = stage.connect(protocol, listener).await;
        let request = Request::post("/all?c=0&a=0&b=1&d", "body")
            .header("x-set", "old")
            .header("x-set", "older")
            .header("x-both", "1")
            .header("x-gone", "1")
            .header("x-stays", "1");
        let reply = connection.send(asking(request, &echo())).await.expect("a reply");
        assert_eq!(reply.header("x-brownout").as_deref(), Some("all; request"));
        let received = stage.upstream.take().pop().expect("one request");
        let query = received.uri.query().expect("a query");
        assert_eq!((received.method.as_str(), received.uri.path()), ("PUT", "/other"));
        assert_eq!(query.replace('+', "%20"), "a=1%202&b=1&d&b=2&b=3");
        let values =
            |name| received.headers.get_all(name).iter().map(|value| value.as_bytes()).collect::<Vec<_>>();
        assert_eq!(values("x-set"), [b"new"]);
        // Envoy may join what it forwards.
        let both = values("x-both").join(&b',');
        assert_eq!(both, b"1,2,3");
        assert_eq!(values("x-gone"), [b""; 0]);
        assert_eq!(values("x-stays"), [b"1"]);
        assert_eq!(received.body.as_deref(), Some(b"body".as_slice()));
        let reply = connection.send(Request::get("/next")).await.expect("a reply");
        assert_eq!((reply.text().as_str(), reply.header("x-brownout")), ("upstream", None));
        assert_eq!(stage.upstream.take().pop().expect("one request").uri.path(), "/next");
    }
    stage.is_sound().await;
}

/// RFC 9110, section 10.1.1: the client sends the body only after `100 Continue`.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_to_be_told_to_go_on() {
    let stage = Stage::for_uploads(changes(), [HTTP1]).await;
    for path in ["/replace", "/nothing", "/truncate", "/corrupt", "/patch", "/late", "/slow", "/rate"] {
        let mut client = Raw::open(stage.address(HTTP1)).await;
        let sent = pattern(0..5000);
        for _ in 0..2 {
            let head =
                format!("POST {path} HTTP/1.1\r\nhost: a\r\n{}: {}\r\n", Answer::HEADER, echo().to_header());
            client.send(format!("{head}content-length: 5000\r\nexpect: 100-continue\r\n\r\n")).await;
            assert_eq!(client.head().await.status, 100, "{path}");
            client.send(&sent).await;
            let (head, body) = client.message("POST").await;
            assert_eq!((head.status, body.as_slice()), (200, b"upstream".as_slice()), "{path}");
            check(path, path, &sent, &stage.upstream.take().pop().expect("one request"));
        }
    }
    stage.is_sound().await;
}

/// A request without a body does not get one: the headers already sent leave no room for it.
#[tokio::test(flavor = "multi_thread")]
async fn methods_without_a_body() {
    let stage = Stage::for_uploads(changes(), [HTTP1, HTTP2]).await;
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2)] {
        let mut connection = stage.connect(protocol, listener).await;
        for method in [Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS] {
            for path in ["/replace", "/nothing", "/truncate", "/corrupt", "/patch", "/rate"] {
                let request = asking(Request::new(method.clone(), path), &echo());
                let reply = connection.send(request).await.expect("a reply");
                assert_eq!(reply.status, 200, "{method} {path}");
                let received = stage.upstream.take().pop().expect("one request");
                assert_eq!((&received.method, received.body), (&method, Some(Bytes::new())), "{path}");
            }
        }
    }
    stage.is_sound().await;
}

/// As for compressed responses: see [`crate::bodies`].
#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_compressed() {
    let stage = Stage::of(changes(), [HTTP1, HTTP2]).await;
    let replaced = ["/replace", "/nothing", "/slow"];
    let changed = ["/truncate", "/corrupt", "/patch", "/late", "/rate", "/"];
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2), (Protocol::Http2, HTTP1)]
    {
        let mut connection = stage.connect(protocol, listener).await;
        for (path, coding) in replaced
            .into_iter()
            .chain(changed)
            .flat_map(|path| [Coding::Gzip, Coding::Brotli].map(|coding| (path, coding)))
        {
            let what = format!("{path} with {coding:?} by {protocol:?} and {listener}");
            let sent = Bytes::from_static(coding.compressed());
            let request = Request::post(path, sent.clone())
                .header("content-type", "application/json")
                .header("content-encoding", coding.name());
            let reply = connection.send(asking(request, &echo())).await;
            let reply = reply.unwrap_or_else(|cut| panic!("{what}: {cut}"));
            assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "upstream"), "{what}");
            let received = stage.upstream.take().pop().expect("one request");
            check(&what, path, &sent, &received);
            let expected = (!replaced.contains(&path)).then(|| coding.name().as_bytes());
            assert_eq!(received.header("content-encoding"), expected, "{what}");
        }
    }
    assert_eq!(stage.envoy.stats().await.value("merge_patches_skipped"), 6);
    stage.is_sound().await;
}
