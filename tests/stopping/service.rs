//! A service that starts to fail during an experiment.

use crate::stage::{FAULT, Stage, abort, document, failures};
use serde_json::json;
use std::time::{Duration, Instant};
use support::client::Request;
use support::load::{Load, LoadExchange};
use support::upstream::Answer;

const WINDOW: Duration = Duration::from_secs(2);
const MIN_REQUESTS: usize = 20;
const CONNECTIONS: usize = 16;

/// A request that asked for a fault.
#[derive(Clone, Copy)]
struct Asked {
    connection: usize,
    sent: Instant,
    done: Instant,
    faulted: bool,
}

/// Starts a load in which every other request asks for a fault; those are recorded.
async fn load(stage: &Stage) -> Load<Option<Asked>> {
    let ask = |_, number: usize| {
        let request = Request::get("/");
        if number.is_multiple_of(2) { request.header(FAULT, "1") } else { request }
    };
    let note = |exchange: LoadExchange| {
        let faulted = exchange.reply.as_ref().is_ok_and(|reply| reply.header("x-brownout").is_some());
        let LoadExchange { connection, number, sent, done, .. } = exchange;
        number.is_multiple_of(2).then_some(Asked { connection, sent, done, faulted })
    };
    Load::start(stage.address(), CONNECTIONS, Duration::from_millis(10), ask, note).await
}

/// Returns for each connection whether the faults requested within a period were injected: all, some, or none.
fn done(asked: &[Asked], within: impl Fn(&Asked) -> bool + Copy) -> Vec<(bool, bool)> {
    let of = |connection| {
        let asked = asked.iter().filter(move |asked| asked.connection == connection && within(asked));
        let faulted: Vec<bool> = asked.map(|asked| asked.faulted).collect();
        assert!(!faulted.is_empty(), "connection {connection} has asked for nothing");
        (faulted.contains(&true), faulted.contains(&false))
    };
    (0..CONNECTIONS).map(of).collect()
}

const ALL: (bool, bool) = (true, false);
const NONE: (bool, bool) = (false, true);

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_everywhere_within_a_window_and_stays_stopped_until_another_document_arrives() {
    let first = document(WINDOW, MIN_REQUESTS, &abort());
    let stage = Stage::with(&first).await;
    let running = load(&stage).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.stopped().await, 0);

    let failing = Instant::now();
    stage.upstream.answer_with(Answer { status: 500, ..Answer::default() });
    stage.until_stopped(1).await;
    tokio::time::sleep_until((failing + WINDOW + WINDOW).into()).await;

    let recovered = Instant::now();
    stage.upstream.answer_with(Answer::default());
    tokio::time::sleep(2 * WINDOW).await;
    assert_eq!(stage.stopped().await, 1, "one says so for all");
    assert_eq!(stage.lines("brownout: stopped: "), 1, "{}", stage.envoy.log());

    let mut second = first.clone();
    second["experiment"] = json!({ "id": "again" });
    stage.follow(&second).await;
    let again = Instant::now();
    stage.until_stopped(0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let asked: Vec<Asked> = running.finish().await.into_iter().flatten().collect();

    assert_eq!(done(&asked, |asked| asked.done < failing), [ALL; CONNECTIONS]);
    let stopped = |asked: &Asked| asked.sent > failing + WINDOW && asked.sent < recovered;
    assert_eq!(done(&asked, stopped), [NONE; CONNECTIONS], "while it fails");
    assert_eq!(
        done(&asked, |asked| asked.sent > recovered && asked.sent < again - WINDOW),
        [NONE; CONNECTIONS],
        "afterwards"
    );
    assert_eq!(done(&asked, |asked| asked.sent > again), [ALL; CONNECTIONS], "under another document");
    let last = asked
        .iter()
        .filter(|asked| asked.faulted && asked.sent < again - WINDOW)
        .map(|asked| asked.sent)
        .max();
    println!("the last fault was asked for {:?} after the first failure", last.map(|last| last - failing));
    stage.is_sound().await;
}

/// The service fails in this way, until it recovers.
async fn fails(stage: &Stage, failure: &str, answer: Answer) {
    let running = load(stage).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.stopped().await, 0);
    let failing = Instant::now();
    stage.upstream.answer_with(answer);
    stage.until_stopped(1).await;
    tokio::time::sleep_until((failing + WINDOW + Duration::from_millis(500)).into()).await;
    let asked: Vec<Asked> = running.finish().await.into_iter().flatten().collect();
    assert_eq!(done(&asked, |asked| asked.done < failing), [ALL; CONNECTIONS], "{failure}");
    assert_eq!(done(&asked, |asked| asked.sent > failing + WINDOW), [NONE; CONNECTIONS], "{failure}");
    stage.upstream.answer_with(Answer::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_whichever_way_the_service_fails() {
    let mut document = document(WINDOW, MIN_REQUESTS, &abort());
    let stage = Stage::with(&document).await;
    for (failure, answer) in failures() {
        document["experiment"] = json!({ "id": failure });
        stage.follow(&document).await;
        stage.until_stopped(0).await;
        fails(&stage, failure, answer).await;
    }
    assert_eq!(stage.lines("brownout: stopped: "), failures().len(), "{}", stage.envoy.log());
    stage.is_sound().await;
}

/// There, only the missing end of the stream shows that the service broke off.
#[tokio::test(flavor = "multi_thread")]
async fn it_stops_in_a_cluster_too() {
    for (failure, answer) in failures().into_iter().skip(1).take(2) {
        let mut document = document(WINDOW, MIN_REQUESTS, &abort());
        document["placement"] = json!("upstream");
        let stage = Stage::in_cluster(&document).await;
        fails(&stage, failure, answer).await;
        assert_eq!(stage.lines("brownout: stopped: "), 1, "{failure}: {}", stage.envoy.log());
        stage.is_sound().await;
    }
}
