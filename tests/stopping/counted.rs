//! The requests that count as failures. The window is so long that none of them drops out.

use crate::stage::{FAULT, Stage, abort, document, faulted};
use serde_json::{Value, json};
use std::time::Duration;
use support::client::{Connection, Protocol, Raw, Request};
use support::deadline::until_equal;
use support::upstream::Answer;

const WINDOW: Duration = Duration::from_secs(3600);
/// The number of requests that must fail before injection stops.
const MANY: usize = 40;

fn failing() -> Request {
    Request::get("/").header(Answer::HEADER, Answer { status: 500, ..Answer::default() }.to_header())
}

/// Asserts that one more failure stops all injection.
async fn stops_with_the_next_failure(stage: &Stage) {
    // Longer than any worker waits to share its counts.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(stage.stopped().await, 0);
    stage.send(&failing(), 1).await;
    stage.until_stopped(1).await;
    for _ in 0..8 {
        assert!(!stage.injects().await);
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn below_the_number_of_requests_nothing_stops() {
    let stage = Stage::with(&document(WINDOW, MANY, &abort())).await;
    stage.send(&failing(), MANY - 1).await;
    assert!(stage.injects().await);
    stops_with_the_next_failure(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_injects_never_counts() {
    let faults = [
        abort(),
        json!({ "abort": { "grpc_status": "INTERNAL" } }),
        json!({ "reset": {} }),
        json!({ "hang": { "max": "1ms" } }),
        json!({ "delay": { "fixed_delay": "1ms" }, "abort": { "http_status": 500 } }),
        json!({ "response": { "status": 500 } }),
        json!({ "response": { "reset": { "after_bytes": 1 } } }),
    ];
    let mut all = document(WINDOW, MANY, &abort());
    let rule = |(number, fault): (usize, &Value)| {
        let mut rule = document(WINDOW, MANY, fault)["rules"][0].clone();
        rule["name"] = json!(format!("fault-{number}"));
        rule["match"]["headers"][0]["string_match"] = json!({ "exact": number.to_string() });
        rule
    };
    all["rules"] = faults.iter().enumerate().map(rule).collect();
    let stage = Stage::with(&all).await;
    for (number, fault) in faults.iter().enumerate() {
        stage.send(&Request::get("/").header(FAULT, number.to_string()), MANY).await;
        let name = format!(r"rule\.fault-{number}\.injected");
        until_equal(&fault.to_string(), MANY as u64, async || stage.value(&name).await).await;
    }
    stage.send(&failing(), MANY - 1).await;
    stops_with_the_next_failure(&stage).await;
}

/// A fault that is not to be seen leaves a failure of the service behind: it does not count either.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_fails_under_a_fault_does_not_count() {
    let mut document = document(WINDOW, MANY, &json!({ "delay": { "fixed_delay": "1ms" } }));
    document["report"] = json!({ "response_header": false, "filter_state": false });
    let stage = Stage::with(&document).await;
    let answer = Answer { status: 500, ..Answer::default() };
    stage.send(&faulted().header(Answer::HEADER, answer.to_header()), 2 * MANY).await;
    until_equal("injected", 2 * MANY as u64, async || stage.value("injected").await).await;
    stage.send(&failing(), MANY - 1).await;
    stops_with_the_next_failure(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_does_not_count() {
    for in_cluster in [false, true] {
        let mut document = document(WINDOW, MANY, &abort());
        let stage = if in_cluster {
            document["placement"] = json!("upstream");
            Stage::in_cluster(&document).await
        } else {
            Stage::with(&document).await
        };
        let slow = Answer { after_ms: 60_000, ..Answer::default() }.to_header();
        let slow_body =
            serde_json::to_string(&json!({ "stream": { "pieces": 1000, "bytes": 10, "every_ms": 60 } }));
        let slow_body = slow_body.expect("an answer");
        // Over HTTP/1.1 before the response, and in the middle of it.
        for answer in [&slow, &slow_body] {
            let mut clients = Vec::new();
            let before = stage.upstream.count();
            for _ in 0..MANY {
                let mut client = Raw::open(stage.address()).await;
                client
                    .send(format!("GET / HTTP/1.1\r\nhost: a\r\n{}: {answer}\r\n\r\n", Answer::HEADER))
                    .await;
                clients.push(client);
            }
            until_equal("requests", before + MANY, async || stage.upstream.count()).await;
            if answer == &slow_body {
                for client in &mut clients {
                    client.head().await;
                }
            }
            clients.into_iter().for_each(Raw::leave_abruptly);
        }
        // Over HTTP/2, by resetting the stream.
        let mut connection = Connection::open(Protocol::Http2, stage.address()).await;
        let request = Request::get("/").header(Answer::HEADER, &slow);
        let before = stage.upstream.count();
        tokio::select! {
            _ = connection.send_at_once(vec![request; MANY]) => panic!("they wait"),
            () = until_equal("requests", before + MANY, async || stage.upstream.count()) => {}
        }
        stage.send(&failing(), MANY - 1).await;
        stops_with_the_next_failure(&stage).await;
    }
}
