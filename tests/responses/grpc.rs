//! gRPC: unary and streaming calls, with a third-party client and server.

use crate::stage::{GRPC, Stage};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::grpc::{Called, Client};

const UNAVAILABLE: i32 = 14;
const INTERNAL: i32 = 13;

fn rules() -> Value {
    let rule = |method: &str, fault: &str, fields: Value| json!({ "name": method, "match": { "grpc": { "method": { "exact": method } } }, "percentage": 100, fault: fields });
    json!([
        rule("status", "response", json!({ "grpc_status": "UNAVAILABLE" })),
        rule("delay", "response", json!({ "delay": { "fixed_delay": "100ms" } })),
        rule("reset", "response", json!({ "reset": {} })),
        rule("cut", "response", json!({ "reset": { "after_bytes": 20 } })),
        rule("reset-request", "reset", json!({})),
        rule("headers", "response", json!({ "headers": { "set": { "x-set": "1" } } })),
        rule("message", "abort", json!({ "grpc_status": "UNAVAILABLE", "grpc_message": "no seats left" })),
        rule("down", "response_rate_limit", json!({ "fixed_limit": { "limit_kbps": 10 } })),
        rule("up", "request_rate_limit", json!({ "fixed_limit": { "limit_kbps": 10 } })),
        rule("hang", "hang", json!({ "max": "20ms" })),
        rule("late", "delay", json!({ "fixed_delay": "100ms" })),
        rule("request", "request", json!({ "headers": { "set": { "x-set": "1" } } })),
        rule("truncate", "response", json!({ "body": { "truncate_bytes": 7 } })),
        rule("replace", "response", json!({ "body": { "replace_base64": "AAAAAAJoaQ==" } })),
        rule("patch", "response", json!({ "body": { "merge_patch": { "a": 1 } } })),
        rule("corrupt", "response", json!({ "body": { "corrupt": { "percentage": 100 } } })),
    ])
}

fn good(messages: &[&[u8]]) -> Called {
    Called {
        messages: messages.iter().map(|message| message.to_vec()).collect(),
        status: 0,
        message: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_one_message_each_way() {
    let stage = Stage::of(rules(), [crate::stage::HTTP1, GRPC]).await;
    let mut client = Client::connect(stage.address(GRPC)).await;
    let called = client.unary("/shop.Cart/status", b"hello", &[]).await;
    assert_eq!((called.status, called.messages.len()), (UNAVAILABLE, 0));
    let called = client.unary("/shop.Cart/message", b"hello", &[]).await;
    assert_eq!((called.status, called.message.as_str()), (UNAVAILABLE, "no seats left"));
    for reset in ["/shop.Cart/reset", "/shop.Cart/reset-request", "/shop.Cart/hang"] {
        let called = client.unary(reset, b"hello", &[]).await;
        assert_eq!((called.status, called.messages.len()), (INTERNAL, 0), "{reset}: {called:?}");
    }
    for damaged in ["/shop.Cart/corrupt", "/shop.Cart/truncate"] {
        let called = client.unary(damaged, b"hello", &[]).await;
        assert!(called.status != 0 && called.messages.is_empty(), "{damaged}: {called:?}");
    }
    // A message, with its five bytes before it.
    assert_eq!(client.unary("/shop.Cart/replace", b"hello", &[]).await, good(&[b"hi"]));
    for (method, at_least) in [
        ("/shop.Cart/delay", Duration::from_millis(100)),
        ("/shop.Cart/late", Duration::from_millis(100)),
        ("/shop.Cart/request", Duration::ZERO),
        ("/shop.Cart/patch", Duration::ZERO),
        ("/shop.Cart/headers", Duration::ZERO),
        ("/shop.Cart/down", Duration::ZERO),
        ("/shop.Cart/up", Duration::ZERO),
        ("/shop.Cart/untouched", Duration::ZERO),
    ] {
        let begin = Instant::now();
        assert_eq!(client.unary(method, b"hello", &[]).await, good(&[b"hello"]), "{method}");
        assert!(begin.elapsed() >= at_least, "{method}: {:?}", begin.elapsed());
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_many_messages_each_way() {
    let stage = Stage::of(rules(), [crate::stage::HTTP1, GRPC]).await;
    let mut client = Client::connect(stage.address(GRPC)).await;
    let messages: [&[u8]; 5] = [b"one", b"two", b"three", b"four", b"five"];
    for method in [
        "/shop.Cart/delay",
        "/shop.Cart/late",
        "/shop.Cart/headers",
        "/shop.Cart/request",
        "/shop.Cart/patch",
        "/shop.Cart/down",
        "/shop.Cart/up",
        "/shop.Cart/untouched",
    ] {
        assert_eq!(client.streaming(method, &messages, &[]).await, good(&messages), "{method}");
    }
    let called = client.streaming("/shop.Cart/message", &messages, &[]).await;
    assert_eq!((called.status, called.messages.len()), (UNAVAILABLE, 0));
    for reset in ["/shop.Cart/reset", "/shop.Cart/reset-request", "/shop.Cart/hang"] {
        let called = client.streaming(reset, &messages, &[]).await;
        assert_eq!((called.status, called.messages.len()), (INTERNAL, 0), "{reset}: {called:?}");
    }
    let called = client.streaming("/shop.Cart/status", &messages, &[]).await;
    assert_eq!((called.status, called.messages.len()), (UNAVAILABLE, 0));
    // Each message has five bytes before it: of twenty bytes, two messages arrive.
    let called = client.streaming("/shop.Cart/cut", &messages, &[]).await;
    assert_eq!((called.status, called.messages), (INTERNAL, vec![b"one".to_vec(), b"two".to_vec()]));
    assert_eq!(client.unary("/shop.Cart/untouched", b"hello", &[]).await, good(&[b"hello"]));
    stage.is_sound().await;
}

/// A message that fills the rate for a second, and its trailers, which wait for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_takes_its_time_either_way() {
    let stage = Stage::of(rules(), [crate::stage::HTTP1, GRPC]).await;
    let mut client = Client::connect(stage.address(GRPC)).await;
    let message = vec![b'.'; 10 * 1024];
    for method in ["/shop.Cart/down", "/shop.Cart/up"] {
        let begin = Instant::now();
        assert_eq!(client.unary(method, &message, &[]).await, good(&[&message]), "{method}");
        assert!(begin.elapsed() >= Duration::from_secs(1), "{method}: {:?}", begin.elapsed());
    }
    stage.is_sound().await;
}
