//! Every change to responses of every shape, on connections that go on.

use crate::changes::{Change, KEPT, Shape};
use crate::stage::{HTTP1, HTTP2, Stage, asking};
use http::Method;
use support::client::{Connection, Protocol, Reply, Request};

/// A size each for nothing, hardly anything, what is on the brink, a few reads, and more than any buffer takes.
const LENGTHS: [usize; 6] = [0, 1, KEPT - 8, KEPT + 8, 64 * 1024, 5 * 1024 * 1024];

async fn stage() -> Stage {
    Stage::of(Change::rules(), [HTTP1, HTTP2]).await
}

/// One exchange, and after it another one on the same connection, that nobody touches.
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
                // A body that comes as a single piece cannot be passed on in part.
                let expected = if change == Change::ResetAfter && !body.is_empty() { KEPT } else { 0 };
                assert!(body[..] == shape.body(method)[..expected], "{what}: {} bytes", body.len());
            }
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
    Some(reply)
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
