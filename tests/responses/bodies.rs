//! Every change to responses of every shape, on connections that stay in use.

use crate::changes::{Change, Coding, KEPT, Shape};
use crate::stage::{HTTP1, HTTP2, Stage, asking};
use http::Method;
use support::client::{Connection, Protocol, Reply, Request};
use support::envoy::version;

/// Empty, a single byte, just below and above the cut, a few reads, and more than any buffer holds.
const LENGTHS: [usize; 6] = [0, 1, KEPT - 8, KEPT + 8, 64 * 1024, 5 * 1024 * 1024];

async fn stage() -> Stage {
    Stage::of(Change::rules(), [HTTP1, HTTP2]).await
}

/// Sends one request, and then another one on the same connection, which no rule touches.
async fn exchange(
    connection: &mut Connection,
    method: &Method,
    change: Change,
    shape: Shape,
) -> Option<Reply> {
    let what = format!("{method} {change:?} {shape:?}");
    let sent = connection.send(asking(Request::new(method.clone(), &change.path()), &shape.answer())).await;
    let reply = match (sent, change.cuts(&shape, method)) {
        (Ok(reply), false) => reply,
        (Err(cut), true) => {
            if let Some((_, body)) = &cut.begun {
                assert_begun(&what, body, change, &shape.body(method));
            }
            return None;
        }
        (Ok(reply), true) if resets_without_error(&reply) => {
            assert_begun(&what, &reply.body, change, &shape.body(method));
            return None;
        }
        (Ok(reply), true) => panic!("{what}: not cut: {} and {} bytes", reply.status, reply.body.len()),
        (Err(cut), false) => panic!("{what}: {cut}"),
    };
    let (status, body) = change.expected(&shape, method);
    assert_eq!(reply.status, status, "{what}");
    match body {
        Some(body) => assert!(reply.body == body, "{what}: {} bytes, not {}", reply.body.len(), body.len()),
        None => {
            assert_eq!(reply.body.len(), shape.length, "{what}");
            let same =
                reply.body.iter().zip(shape.body(method)).filter(|(one, other)| **one == *other).count();
            assert_eq!(same, 0, "{what}");
        }
    }
    check_headers(&what, &reply, method, change, shape);
    Some(reply)
}

/// Asserts that nothing has arrived beyond the cut.
fn assert_begun(what: &str, begun: &[u8], change: Change, whole: &[u8]) {
    // A body that arrives as a single piece cannot be passed on in part.
    let expected = if change == Change::ResetAfter && !begun.is_empty() { KEPT } else { 0 };
    assert!(*begun == whole[..expected], "{what}: {} bytes", begun.len());
}

/// Returns whether this is how hyper shows Envoy 1.36's reset with the code `NO_ERROR`: as the end of the body.
fn resets_without_error(reply: &Reply) -> bool {
    version() < (1, 38) && reply.version == http::Version::HTTP_2
}

/// Asserts that the headers describe the body, and are those that the rule asks for.
fn check_headers(what: &str, reply: &Reply, method: &Method, change: Change, shape: Shape) {
    let values = |name| reply.headers.get_all(name).iter().map(|value| value.as_bytes()).collect::<Vec<_>>();
    if method != Method::HEAD && !matches!(reply.status.as_u16(), 204 | 304) {
        let length = reply.body.len().to_string();
        let told = reply.header("content-length");
        assert!(told.as_ref().is_none_or(|told| *told == length), "{what}: {told:?} and {length} bytes");
    }
    // A reply without a body is not replaced as a whole.
    let replaced = change.replaces() && !(change == Change::NoContent && method == Method::HEAD);
    let coding = shape.coding.filter(|_| !replaced).map(|coding| coding.name().to_owned());
    assert_eq!(reply.header("content-encoding"), coding, "{what}");
    if change == Change::Headers {
        let added = values("x-added").join(&b","[..]);
        let others = (values("x-set"), values("x-upstream"));
        assert_eq!((added.as_slice(), others), (&b"1,2"[..], (vec![&b"1"[..]], Vec::new())), "{what}");
    } else {
        assert_eq!((values("x-set").len(), values("x-added").len()), (0, 0), "{what}");
    }
}

async fn every_change(
    stage: &Stage,
    protocol: Protocol,
    listener: &str,
    methods: &[Method],
    shapes: &[Shape],
) {
    let mut connection = stage.connect(protocol, listener).await;
    for change in Change::ALL {
        for shape in shapes {
            for method in methods {
                let reply = exchange(&mut connection, method, change, *shape).await;
                if reply.is_none() && protocol == Protocol::Http1 {
                    connection = stage.connect(protocol, listener).await;
                }
                let next = connection.send(Request::get("/")).await;
                let next = next.unwrap_or_else(|cut| panic!("after {method} {change:?} {shape:?}: {cut}"));
                assert_eq!(
                    (next.status.as_u16(), next.text().as_str()),
                    (200, "upstream"),
                    "{change:?} {shape:?}"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_whose_length_is_told() {
    let stage = stage().await;
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2), (Protocol::Http1, HTTP2)]
    {
        every_change(&stage, protocol, listener, &[Method::GET], &LENGTHS.map(Shape::of)).await;
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_in_pieces_without_a_length() {
    let stage = stage().await;
    let shapes = LENGTHS.map(|length| Shape::in_pieces(length, if length < 8 { 1 } else { 8 }));
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2), (Protocol::Http2, HTTP1)]
    {
        every_change(&stage, protocol, listener, &[Method::GET], &shapes).await;
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn responses_that_have_no_body() {
    let stage = stage().await;
    let shapes = [Shape::bodiless(204), Shape::bodiless(304), Shape::of(0)];
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2)] {
        every_change(&stage, protocol, listener, &[Method::GET, Method::HEAD], &shapes).await;
        every_change(&stage, protocol, listener, &[Method::HEAD], &[Shape::of(10), Shape::of(64 * 1024)])
            .await;
    }
    stage.is_sound().await;
}

/// Faults treat compressed bodies as plain bytes. A replacement body is not compressed, nor declared to be.
#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_compressed() {
    let stage = stage().await;
    let whole = [Coding::Gzip, Coding::Brotli].map(Shape::compressed);
    let in_pieces = whole.map(|shape| Shape { pieces: Some(4), ..shape });
    for (protocol, listener) in [(Protocol::Http1, HTTP1), (Protocol::Http2, HTTP2), (Protocol::Http2, HTTP1)]
    {
        every_change(&stage, protocol, listener, &[Method::GET, Method::HEAD], &whole).await;
        every_change(&stage, protocol, listener, &[Method::GET], &in_pieces).await;
    }
    let patches = 3 * (whole.len() * 2 + in_pieces.len());
    let skipped = stage.envoy.stats().await.value("merge_patches_skipped");
    assert_eq!(skipped, patches as u64);
    stage.is_sound().await;
}
