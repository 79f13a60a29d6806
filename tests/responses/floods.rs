//! Throttled bodies that begin slowly and then arrive as fast as they can. What Envoy is told to buffer must not exceed
//! its buffer, and how much of such a body will be ready at once is unpredictable.

use crate::changes::KEPT;
use crate::stage::{document, rule};
use bytes::Bytes;
use serde_json::{Value, json};
use support::client::{Connection, Protocol, Request};
use support::envoy::{Bootstrap, Cluster, Envoy, Filter, Listener};
use support::upstream::{Answer, Stream, Upstream, pattern};
use tokio::task::JoinSet;

/// The size of a flood: several of Envoy's usual buffers.
const FLOOD: usize = 5_000_000;
/// A small piece before the flood, which must wait. When the flood arrives, it still waits or is gone.
const AHEAD: [Stream; 2] =
    [Stream { pieces: 1, bytes: KEPT, every_ms: 20 }, Stream { pieces: 1, bytes: KEPT, every_ms: 120 }];
/// The number of exchanges at once: how much of a flood Envoy finds ready varies.
const AT_ONCE: usize = 3;
/// Bytes that Envoy may buffer where its buffers are small; its guide for edge proxies recommends 32 KiB.
const LITTLE: u64 = 8 * 1024;

/// The size of the buffers of a listener and of the cluster behind it.
#[derive(Debug, Clone, Copy)]
enum Buffers {
    Usual,
    Little,
}

const BUFFERS: [Buffers; 2] = [Buffers::Usual, Buffers::Little];
const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

fn name(buffers: Buffers, upstream: Protocol) -> String {
    format!("{buffers:?}-{upstream:?}")
}

fn cluster(buffers: Buffers, protocol: Protocol, upstream: &Upstream) -> Cluster {
    let cluster = Cluster::named(&name(buffers, protocol), upstream.address());
    let cluster = if protocol == Protocol::Http2 { cluster.http2() } else { cluster };
    match buffers {
        Buffers::Usual => cluster,
        Buffers::Little => cluster.field("per_connection_buffer_limit_bytes", json!(LITTLE)),
    }
}

fn listener(buffers: Buffers, protocol: Protocol, rules: &Value) -> Listener {
    let name = name(buffers, protocol);
    let route = json!({ "match": { "prefix": "/" }, "route": { "cluster": name.as_str(), "timeout": "0s" } });
    let filter = Filter::brownout(&document(rules.clone()));
    let listener = Listener::named(&name).filter(filter).routes(vec![route]);
    match buffers {
        Buffers::Usual => listener,
        Buffers::Little => listener
            .listener_field("per_connection_buffer_limit_bytes", json!(LITTLE))
            .field("http2_protocol_options", json!({ "initial_stream_window_size": 65535 })),
    }
}

/// An Envoy with a listener of each kind.
async fn stage() -> (Upstream, Envoy) {
    // Fast enough that a flood takes half a second, and slow enough that each piece must wait.
    let rate = json!({ "fixed_limit": { "limit_kbps": 10 * 1024 } });
    let rules = json!([
        rule("down", "/down", "response_rate_limit", rate.clone()),
        rule("up", "/up", "request_rate_limit", rate)
    ]);
    let upstream = Upstream::start().await;
    let mut bootstrap = Bootstrap::new();
    for buffers in BUFFERS {
        for protocol in PROTOCOLS {
            bootstrap = bootstrap
                .cluster(cluster(buffers, protocol, &upstream))
                .listener(listener(buffers, protocol, &rules));
        }
    }
    (upstream, Envoy::start(bootstrap).await)
}

async fn is_sound(envoy: &Envoy) {
    assert!(envoy.is_alive(), "{}", envoy.log());
    envoy.until_active(0).await;
    let stats = envoy.stats().await;
    assert_eq!(stats.value("host_errors"), 0, "{stats}");
}

/// Describes what happened to an exchange: `whole` if it and another one after it are as they should be.
async fn outcome(connection: &mut Connection, request: Request, expected: &[u8]) -> String {
    match connection.send(request).await {
        Err(cut) => return cut.to_string(),
        Ok(reply) if reply.status != 200 => return format!("{}: {}", reply.status, reply.text()),
        Ok(reply) if reply.body != expected => return format!("{} other bytes", reply.body.len()),
        Ok(_) => {}
    }
    match connection.send(Request::get("/")).await {
        Ok(next) if next.text() == "upstream" => "whole".into(),
        other => format!("whole, and the next one {other:?}"),
    }
}

/// Runs the same exchange on several connections at once, over each protocol and listener. Returns what went wrong.
async fn flooded(envoy: &Envoy, request: &Request, expected: &Bytes) -> Vec<String> {
    let mut all = JoinSet::new();
    for buffers in BUFFERS {
        for (client, upstream) in PROTOCOLS.into_iter().flat_map(|one| PROTOCOLS.map(|other| (one, other))) {
            let address = envoy.address(&name(buffers, upstream));
            for _ in 0..AT_ONCE {
                let (request, expected) = (request.clone(), expected.clone());
                all.spawn(async move {
                    let mut connection = Connection::open(client, address).await;
                    let outcome = outcome(&mut connection, request, &expected).await;
                    (outcome != "whole")
                        .then(|| format!("{client:?} to {upstream:?}, {buffers:?} buffers: {outcome}"))
                });
            }
        }
    }
    let mut wrong: Vec<_> = all.join_all().await.into_iter().flatten().collect();
    wrong.sort_unstable();
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_floods_arrives_whole() {
    let (_upstream, envoy) = stage().await;
    let expected = pattern(0..KEPT + FLOOD);
    for ahead in AHEAD {
        // Envoy is asked to buffer in place where it is known that it can: that is what gRPC speaks.
        for content_type in ["text/plain", "application/grpc"] {
            let headers = [("content-type".to_owned(), content_type.to_owned())].into();
            let answer = Answer { stream: Some(ahead), rush: FLOOD, headers, ..Answer::default() };
            let request = Request::get("/down").header(Answer::HEADER, answer.to_header());
            assert_eq!(flooded(&envoy, &request, &expected).await, [""; 0], "{content_type}");
        }
    }
    is_sound(&envoy).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_floods_arrives_whole() {
    let (upstream, envoy) = stage().await;
    for ahead in AHEAD {
        let request = Request { ahead: Some(ahead), ..Request::post("/up", pattern(KEPT..KEPT + FLOOD)) };
        assert_eq!(flooded(&envoy, &request, &Bytes::from("upstream")).await, [""; 0]);
        let uploads = upstream.take().into_iter().filter(|received| received.uri.path() == "/up");
        let lengths: Vec<_> = uploads.map(|received| received.body_length).collect();
        assert!(lengths.iter().all(|length| *length == Some(KEPT + FLOOD)), "{lengths:?}");
    }
    is_sound(&envoy).await;
}
