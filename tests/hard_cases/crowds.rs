//! Crowds of exchanges that wait, or end, at the same time.

use crate::stage::{DIRECT, LATENESS, MAIN, Stage};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::client::{Connection, Cut, Protocol, Raw, Reply, Request};

/// How long each request of the crowd is held. All must arrive before the first is due: three crowds at once take half
/// a second on a quiet machine with two cores, and two seconds if twelve other processes compete for both.
const HOLD: Duration = Duration::from_secs(12);
const CROWD: usize = 3000;
const CONNECTIONS: usize = 30;

/// Starts an Envoy that holds everything for [`HOLD`] and then applies `fault`.
async fn stage_with(fault: Value) -> Stage {
    let mut rule = json!({ "name": "crowd", "percentage": 100, "delay": { "fixed_delay": "12s" } });
    rule.as_object_mut().expect("an object").extend(fault.as_object().cloned().unwrap_or_default());
    Stage::with(json!([rule])).await
}

/// Sends the crowd and lets all of it fall due while Envoy is stopped, so that a single tick finds everything due.
async fn crowd_due_at_once(stage: &Stage, listener: &str) -> Vec<Result<Reply, Cut>> {
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(Protocol::Http2, stage.envoy.address(listener)).await);
    }
    let began = Instant::now();
    let sending: Vec<_> = connections
        .into_iter()
        .map(|mut connection| {
            let crowd = vec![Request::get("/"); CROWD / CONNECTIONS];
            tokio::spawn(async move { connection.send_at_once(crowd).await })
        })
        .collect();
    stage.until_active(CROWD as u64).await;
    let all_due = Instant::now() + HOLD;
    let stands_still = async {
        assert!(began.elapsed() < HOLD, "some may have been due before Envoy stood still");
        tokio::time::sleep_until(all_due.into()).await;
    };
    stage.envoy.while_stopped(stands_still).await;
    let mut replies = Vec::new();
    for connection in sending {
        replies.extend(connection.await.expect("sending does not panic"));
    }
    replies
}

/// Returns how often each combination of status, evidence and body occurs.
fn tally(replies: Vec<Result<Reply, Cut>>) -> std::collections::BTreeMap<(u16, String, String), usize> {
    let mut counts = std::collections::BTreeMap::new();
    for reply in replies {
        let key = match reply {
            Ok(reply) => {
                assert!(reply.headers_after >= HOLD, "early, after {:?}", reply.headers_after);
                (reply.status.as_u16(), reply.header("x-brownout").unwrap_or_default(), reply.text())
            }
            Err(cut) => (0, String::new(), cut.to_string()),
        };
        *counts.entry(key).or_default() += 1;
    }
    counts
}

async fn three_thousand_aborts() {
    let stage = stage_with(json!({ "abort": { "http_status": 503, "body": "no" } })).await;
    let replies = crowd_due_at_once(&stage, MAIN).await;
    assert_eq!(tally(replies), [((503, "crowd; delay; abort".into(), "no".into()), CROWD)].into());
    assert_eq!(stage.upstream.count(), 0);
    stage.is_sound().await;
}

async fn three_thousand_requests_that_go_on_to_the_upstream() {
    let stage = stage_with(json!({})).await;
    let replies = crowd_due_at_once(&stage, MAIN).await;
    assert_eq!(tally(replies), [((200, "crowd; delay".into(), "upstream".into()), CROWD)].into());
    assert_eq!(stage.upstream.count(), CROWD);
    stage.is_sound().await;
}

/// Envoy answers within the call that resumes: each answer comes back into the VM before the next is released.
async fn three_thousand_requests_that_envoy_answers_itself() {
    let stage = stage_with(json!({})).await;
    let replies = crowd_due_at_once(&stage, DIRECT).await;
    assert_eq!(tally(replies), [((200, "crowd; delay".into(), String::new()), CROWD)].into());
    stage.is_sound().await;
}

/// Each crowd has its own Envoy; all are held at the same time, so that the test waits only once.
#[tokio::test(flavor = "multi_thread")]
async fn three_thousand_exchanges_due_at_the_same_instant_all_end_as_they_should() {
    tokio::join!(
        three_thousand_aborts(),
        three_thousand_requests_that_go_on_to_the_upstream(),
        three_thousand_requests_that_envoy_answers_itself(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_clients_that_leave_in_mid_delay() {
    let rules = json!([{
        "name": "patience",
        "percentage": 100,
        "delay": { "fixed_delay": "60s" },
        "abort": { "http_status": 503 },
    }]);
    let stage = Stage::with(rules).await;
    let mut clients = Vec::new();
    for number in 0..200 {
        let mut client = Raw::open(stage.address()).await;
        let request = match number % 2 {
            0 => "GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            _ => "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nnot all of it",
        };
        client.send(request).await;
        clients.push(client);
    }
    stage.until_active(200).await;
    for (number, client) in clients.into_iter().enumerate() {
        if number % 4 < 2 { client.leave_abruptly() } else { drop(client) }
    }
    stage.until_active(0).await;
    let stats = stage.envoy.stats().await;
    assert_eq!((stats.value("delays_injected"), stats.value("aborts_injected")), (200, 0));
    assert_eq!(stage.upstream.count(), 0);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_breaks_with_a_hundred_streams_on_hold() {
    let (stage, sending) = Stage::holding_a_hundred().await;
    sending.abort();
    stage.until_active(0).await;
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_streams_of_a_connection_wait_side_by_side() {
    const DELAY: Duration = Duration::from_millis(200);
    let stage = Stage::with(json!([
        { "name": "slow", "percentage": 100, "delay": { "fixed_delay": "200ms" } },
    ]))
    .await;
    let mut connection = Connection::open(Protocol::Http2, stage.address()).await;
    for reply in connection.send_at_once(vec![Request::get("/"); 100]).await {
        let reply = reply.expect("a reply");
        assert_eq!((reply.status.as_u16(), reply.text().as_str()), (200, "upstream"));
        assert!((DELAY..DELAY + LATENESS).contains(&reply.headers_after), "{:?}", reply.headers_after);
    }
    assert_eq!(stage.upstream.count(), 100);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_keep_time_each_for_itself() {
    const DELAY: Duration = Duration::from_millis(200);
    let stage = Stage::with_workers(
        2,
        json!([{ "name": "slow", "percentage": 100, "delay": { "fixed_delay": "200ms" } }]),
    )
    .await;
    let mut connections = Vec::new();
    // Envoy balances connections exactly: half of them are on either worker.
    for _ in 0..20 {
        connections.push(Connection::open(Protocol::Http1, stage.address()).await);
    }
    let sending = connections.into_iter().map(|mut connection| {
        tokio::spawn(async move { connection.send(Request::get("/")).await.expect("a reply") })
    });
    for sent in sending.collect::<Vec<_>>() {
        let reply = sent.await.expect("sending does not panic");
        assert_eq!(reply.header("x-brownout").as_deref(), Some("slow; delay"));
        assert!((DELAY..DELAY + LATENESS).contains(&reply.headers_after), "{:?}", reply.headers_after);
    }
    let on_worker = async |number| {
        stage.envoy.stat(&format!("listener.{MAIN}.worker_{number}.downstream_cx_total")).await
    };
    assert_eq!([on_worker(0).await, on_worker(1).await], [10, 10]);
    stage.is_sound().await;
}

/// If every arrival postponed the tick, it would not come before the arrivals end.
#[tokio::test(flavor = "multi_thread")]
async fn a_steady_stream_of_arrivals_does_not_put_off_those_who_wait() {
    const DELAY: Duration = Duration::from_millis(100);
    // Four seconds of them.
    const ARRIVALS: u32 = 1000;
    let stage = Stage::with(json!([
        { "name": "slow", "percentage": 100, "delay": { "fixed_delay": "100ms" } },
    ]))
    .await;
    let address = stage.address();
    let mut arrivals = tokio::task::JoinSet::new();
    let mut clock = tokio::time::interval(Duration::from_millis(4));
    for _ in 0..ARRIVALS {
        clock.tick().await;
        arrivals.spawn(async move {
            let mut connection = Connection::open(Protocol::Http1, address).await;
            connection.send(Request::get("/")).await.expect("a reply").headers_after
        });
    }
    for took in arrivals.join_all().await {
        assert!((DELAY..DELAY + LATENESS).contains(&took), "{took:?}");
    }
    stage.is_sound().await;
}
