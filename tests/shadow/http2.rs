//! HTTP/2 and gRPC: headers, bodies and trailers on both sides.

use crate::normal::{VARYING, shown};
use crate::stage::{PLAIN, Stage};
use http::{HeaderMap, Method};
use support::client::{Connection, Cut, Protocol, Reply, Request};
use support::deadline::within_patience;
use support::grpc::Client;
use support::upstream::{Answer, Received, Stream, pattern};

/// A request, and how the upstream answers it.
struct Ask {
    name: &'static str,
    request: Request,
}

impl Ask {
    fn new(name: &'static str, request: Request, answer: Answer) -> Self {
        let answer = Answer { echo: true, ..answer };
        let request = request.header(Answer::HEADER, answer.to_header());
        Self { name, request: request.header("x-user", "u").header("x-bytes", [0xff, 0xfe]) }
    }

    /// Returns what client and upstream have seen of it, as text.
    async fn through(&self, stage: &Stage, listener: &str, protocol: Protocol) -> String {
        let mut connection = Connection::open(protocol, stage.address(listener)).await;
        let reply = within_patience(self.name, connection.send(self.request.clone())).await;
        let arrived: Vec<String> = stage.upstream.take().iter().map(received).collect();
        format!("client: {}\nupstream: {arrived:#?}", replied(&reply))
    }
}

fn headers(all: &HeaderMap) -> Vec<String> {
    let line = |name: &http::HeaderName, value: &http::HeaderValue| match VARYING.contains(&name.as_str()) {
        true => format!("{name}: …"),
        // It contains everything that has arrived.
        false if name == Answer::ECHO => {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let lines = text.split(" | ").filter(|line| !line.contains("x-request-id"));
            lines.collect::<Vec<_>>().join(" | ")
        }
        false => format!("{name}: {}", value.as_bytes().escape_ascii()),
    };
    all.iter().map(|(name, value)| line(name, value)).collect()
}

fn replied(reply: &Result<Reply, Cut>) -> String {
    match reply {
        Ok(reply) => format!(
            "{:?} {} {:#?} {} {:?}",
            reply.version,
            reply.status,
            headers(&reply.headers),
            shown(&reply.body),
            headers(&reply.trailers)
        ),
        Err(Cut { begun: Some((status, body)), cause, .. }) => format!("{status} {} {cause:?}", shown(body)),
        Err(Cut { begun: None, cause, .. }) => format!("{cause:?}"),
    }
}

fn received(request: &Received) -> String {
    format!(
        "{:?} {} {} {:#?} {:?} {:?} {:?}",
        request.version,
        request.method,
        request.uri,
        headers(&request.headers),
        request.body_length,
        request.body.as_deref().map(shown),
        headers(&request.trailers)
    )
}

fn trailers(all: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn asks() -> Vec<Ask> {
    let usual = Answer::default;
    let status = |status| Answer { status, ..Answer::default() };
    let pieces = Some(Stream { pieces: 5, bytes: 1000, every_ms: 0 });
    let grpc = |path| {
        let message = b"\x00\x00\x00\x00\x05hello".as_slice();
        Request::post(path, message).header("content-type", "application/grpc").header("te", "trailers")
    };
    let grpc_answer = |code: &str| Answer {
        headers: trailers(&[("content-type", "application/grpc")]),
        bytes: Some(b"\x00\x00\x00\x00\x02hi".to_vec()),
        trailers: trailers(&[("grpc-status", code), ("grpc-message", "said%20so"), ("x-more", "1")]),
        ..Answer::default()
    };
    vec![
        Ask::new("get", Request::get("/a?q=1").header("cookie", "a=1").header("cookie", "b=2"), usual()),
        Ask::new("head", Request::new(Method::HEAD, "/a"), usual()),
        Ask::new("empty_post", Request::post("/a", ""), usual()),
        Ask::new("post", Request::post("/a", "x"), Answer { body: String::new(), ..usual() }),
        Ask::new("sixteen_kilobytes", Request::post("/a", pattern(0..16 * 1024)), usual()),
        Ask::new("five_megabytes", Request::post("/a", pattern(0..5_000_000)), usual()),
        Ask::new("large", Request::get("/a"), Answer { length: Some(5_000_000), ..usual() }),
        Ask::new("in_pieces", Request::get("/a"), Answer { stream: pieces, ..usual() }),
        Ask::new("trailers", Request::post("/a", "x").trailer("x-sum", "1"), {
            Answer { trailers: trailers(&[("x-sum", "2")]), ..usual() }
        }),
        Ask::new("compressed", Request::post("/a", "x").header("content-encoding", "gzip"), {
            Answer {
                headers: trailers(&[("content-encoding", "gzip")]),
                bytes: Some(vec![0x1f, 0x8b, 0]),
                ..usual()
            }
        }),
        Ask::new("no_content", Request::get("/a"), status(204)),
        Ask::new("not_found", Request::get("/a"), status(404)),
        Ask::new("failure", Request::get("/a"), status(500)),
        Ask::new("unavailable", Request::get("/a"), status(503)),
        Ask::new("nobody_there", Request::get("/nowhere"), usual()),
        Ask::new("answered_by_envoy", Request::get("/direct"), usual()),
        Ask::new("over_http1", Request::post("/http1", pattern(0..100_000)), usual()),
        Ask::new("grpc", grpc("/a.Service/Call"), grpc_answer("0")),
        Ask::new("grpc_with_trailers", grpc("/a.Service/Call").trailer("x-sum", "1"), grpc_answer("0")),
        Ask::new("grpc_failure", grpc("/a.Service/Call"), grpc_answer("14")),
        Ask::new("grpc_trailers_only", grpc("/a.Service/Call"), {
            Answer {
                headers: trailers(&[("content-type", "application/grpc"), ("grpc-status", "5")]),
                body: String::new(),
                ..usual()
            }
        }),
        Ask::new("grpc_to_nobody", grpc("/nowhere/Call"), usual()),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn client_and_upstream_see_the_same_messages() {
    let stage = Stage::start().await;
    for ask in asks() {
        for protocol in [Protocol::Http2, Protocol::Http1] {
            let expected = ask.through(&stage, PLAIN, protocol).await;
            for listener in stage.others() {
                let seen = ask.through(&stage, listener, protocol).await;
                assert!(seen == expected, "{} through {listener}:\n{seen}\nnot\n{expected}", ask.name);
            }
        }
    }
    for listener in stage.others() {
        let mut client = Client::connect(stage.address(listener)).await;
        let called = client.unary("/shop.Cart/Add", b"hello", &[("x-user", "u")]).await;
        assert_eq!((called.messages, called.status), (vec![b"hello".to_vec()], 0), "{listener}");
        let messages: Vec<&[u8]> = vec![b"one", b"", b"three"];
        let called = client.streaming("/shop.Cart/Watch", &messages, &[]).await;
        assert_eq!((called.messages, called.status), (messages.iter().map(|m| m.to_vec()).collect(), 0));
    }
    stage.has_only_counted().await;
}
