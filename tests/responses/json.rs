//! Merge patches on bodies from a real upstream: each is applied completely, or else not at all and counted.

use crate::stage::{HTTP1, HTTP2, Stage, asking, rule};
use serde_json::{Value, json};
use support::client::{Protocol, Request};
use support::upstream::{Answer, Stream, pattern};

/// The largest body that can be patched.
const MOST: usize = 1024 * 1024;
/// An empty body, compressed with gzip.
const GZIP: [u8; 20] = [31, 139, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
const JSON: &str = "application/json";

async fn stage() -> Stage {
    let patch = json!({ "merge_patch": { "price": 0, "gone": null, "nested": { "b": [1] } } });
    let rules = json!([
        rule("down", "/down", "response", json!({ "body": patch })),
        rule("up", "/up", "request", json!({ "body": patch })),
        rule("both", "/both", "response", json!({ "status": 500, "body": patch })),
    ]);
    Stage::of(rules, [HTTP1, HTTP2]).await
}

/// Returns the counter of patches that did not apply.
async fn skipped(stage: &Stage) -> u64 {
    stage.envoy.stats().await.value("merge_patches_skipped")
}

fn of_type(content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    Answer {
        bytes: Some(body.into()),
        headers: [("content-type".to_owned(), content_type.to_owned())].into(),
        ..Answer::default()
    }
}

const BEFORE: &str = r#"{"price": 12.5, "gone": 1, "nested": {"a": "ü"}, "stays": [1, {"x": null}]}"#;

fn after() -> Value {
    json!({ "price": 0, "nested": { "a": "ü", "b": [1] }, "stays": [1, { "x": null }] })
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body)
        .unwrap_or_else(|error| panic!("{error}: {:?}", body.escape_ascii().to_string()))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_json_is_patched() {
    let stage = stage().await;
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2)] {
        let mut connection = stage.connect(protocol, listener).await;
        let mut with_trailers = of_type(JSON, BEFORE);
        with_trailers.trailers.insert("x-end".into(), "1".into());
        for answer in [
            of_type(JSON, BEFORE),
            of_type("application/json; charset=utf-8", BEFORE),
            of_type("application/problem+json", BEFORE),
            with_trailers,
        ] {
            let reply = connection.send(asking(Request::get("/down"), &answer)).await;
            let reply = reply.unwrap_or_else(|cut| panic!("{protocol:?} {answer:?}: {cut}"));
            assert_eq!((reply.status.as_u16(), parsed(&reply.body)), (200, after()), "{answer:?}");
            let reply = connection.send(asking(Request::get("/both"), &answer)).await.expect("a reply");
            assert_eq!((reply.status.as_u16(), parsed(&reply.body)), (500, after()), "{answer:?}");
        }
        let request = Request::post("/up", BEFORE).header("content-type", JSON);
        let answer = Answer { echo: true, ..Answer::default() };
        connection.send(asking(request, &answer)).await.expect("a reply");
        let received = stage.upstream.take().pop().expect("a request");
        assert_eq!(parsed(&received.body.expect("a whole body")), after());
        let next = connection.send(Request::get("/")).await.expect("a reply");
        assert_eq!(next.text(), "upstream");
    }
    assert_eq!(skipped(&stage).await, 0);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_as_long_as_may_be_is_patched_and_a_longer_one_is_not() {
    let stage = stage().await;
    let long = |length: usize| {
        let mut body = br#"{"price":1,"text":""#.to_vec();
        body.resize(length - 2, b'a');
        body.extend_from_slice(br#""}"#);
        body
    };
    let mut connection = stage.connect(Protocol::Http2, HTTP2).await;
    for (length, patched, skips) in [(MOST - 100, true, 0), (MOST + 100, false, 1), (3 * MOST, false, 2)] {
        let request = Request::post("/up", long(length)).header("content-type", JSON);
        let answer = Answer { echo: true, ..Answer::default() };
        connection.send(asking(request, &answer)).await.expect("a reply");
        let body = stage.upstream.take().pop().expect("a request").body.expect("a whole body");
        assert_eq!(body != long(length), patched, "{length}");
        if patched {
            assert_eq!(parsed(&body)["price"], 0);
        }
        assert_eq!(skipped(&stage).await, skips, "{length}");
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_or_compressed_or_too_long_is_left_alone_and_counted() {
    let stage = stage().await;
    let mut compressed = of_type(JSON, GZIP);
    compressed.headers.insert("content-encoding".into(), "gzip".into());
    let streamed = |pieces| Answer {
        stream: Some(Stream { pieces, bytes: 64 * 1024, every_ms: 0 }),
        bytes: None,
        ..of_type(JSON, "")
    };
    let answers = [
        (of_type("text/html", BEFORE), BEFORE.as_bytes().to_vec()),
        (of_type(JSON, "no json"), b"no json".to_vec()),
        (of_type(JSON, r#"{"price": 1"#), br#"{"price": 1"#.to_vec()),
        (of_type(JSON, [0xff, 0xfe]), vec![0xff, 0xfe]),
        (compressed, GZIP.to_vec()),
        (Answer { length: Some(5 * MOST), ..streamed(0) }, Vec::new()),
        (streamed(80), pattern(0..80 * 64 * 1024).to_vec()),
        (streamed(4), pattern(0..4 * 64 * 1024).to_vec()),
    ];
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2)] {
        let mut connection = stage.connect(protocol, listener).await;
        for (answer, expected) in &answers {
            let request = asking(Request::get("/down"), answer);
            let reply = connection.send(request).await.unwrap_or_else(|cut| panic!("{answer:?}: {cut}"));
            assert!(reply.status == 200 && reply.body == expected, "{answer:?}: {} bytes", reply.body.len());
            let next = connection.send(Request::get("/")).await.expect("a reply");
            assert_eq!(next.text(), "upstream");
        }
        for (content_type, body) in [("text/plain", BEFORE), (JSON, "no json"), (JSON, "")] {
            let request = Request::post("/up", body).header("content-type", content_type);
            let answer = Answer { echo: true, ..Answer::default() };
            connection.send(asking(request, &answer)).await.expect("a reply");
            let received = stage.upstream.take().pop().expect("a request");
            assert_eq!(received.body.as_deref(), Some(body.as_bytes()));
        }
    }
    // Two connections; a request without a body has nothing that a patch could miss.
    assert_eq!(skipped(&stage).await, 2 * (answers.len() as u64 + 2));
    stage.is_sound().await;
}
