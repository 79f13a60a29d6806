//! The limit on exchanges held at the same time, over all workers.

use crate::stage::{MAIN, Stage, crowd, discovered, rule, rules};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use support::client::{Connection, Protocol, Raw, Request};
use support::deadline::until;
use support::envoy::{Cluster, Listener};
use tokio::task::JoinSet;

const WORKERS: usize = 4;
const CLIENTS: usize = 64;
const LIMIT: usize = 5;
/// The contract: to within one request for each worker.
const SLACK: usize = WORKERS;

/// A listener with a short idle timeout.
const IMPATIENT: &str = "impatient";
const IMPATIENCE: Duration = Duration::from_millis(500);

fn document(delay: &str, of_rule: Option<usize>, of_all: Option<usize>) -> Value {
    let limits = |most: Option<usize>| most.map_or(json!({}), |most| json!({ "max_active_faults": most }));
    let mut document = rules([json!({
        "name": "slow",
        "percentage": 100,
        "limits": limits(of_rule),
        "delay": { "fixed_delay": delay },
    })]);
    document["limits"] = limits(of_all);
    document
}

async fn stage(document: &Value) -> Stage {
    let listener = |name| Listener::named(name).filter(discovered(document));
    Stage::of(WORKERS, [listener(MAIN), listener(IMPATIENT).stream_idle_timeout(IMPATIENCE)]).await
}

/// Waits until every client is either held or has passed, and returns how many are held.
async fn held(stage: &Stage, overflow_before: u64) -> usize {
    let held = until("every client held or gone on", async || {
        let stats = stage.envoy.stats().await;
        let (active, overflow) = (stats.value("active_faults"), stats.value("overflow") - overflow_before);
        (active + overflow == CLIENTS as u64).then_some(active)
    })
    .await;
    usize::try_from(held).expect("at most the clients")
}

/// Sends requests that then wait.
async fn send(address: SocketAddr) -> JoinSet<()> {
    let mut sending = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut connection = Connection::open(Protocol::Http1, address).await;
        sending.spawn(async move { drop(connection.send(Request::get("/")).await) });
    }
    sending
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_limit_is_held_and_places_come_back_however_clients_leave() {
    for (of_rule, of_all) in [(Some(LIMIT), None), (None, Some(LIMIT)), (Some(LIMIT), Some(LIMIT + 20))] {
        let stage = stage(&document("60s", of_rule, of_all)).await;
        let mut overflow = 0;
        let mut fill = async |address| {
            let sending = send(address).await;
            let held = held(&stage, overflow).await;
            assert!((LIMIT..=LIMIT + SLACK).contains(&held), "{held} are held");
            overflow += (CLIENTS - held) as u64;
            (sending, held)
        };
        // They close their connections.
        let (mut sending, held) = fill(stage.address()).await;
        until("the others at the upstream", async || {
            (stage.upstream.count() == CLIENTS - held).then_some(())
        })
        .await;
        sending.shutdown().await;
        stage.until_active(0).await;
        // Envoy gives up on them.
        let (sending, _) = fill(stage.envoy.address(IMPATIENT)).await;
        stage.until_active(0).await;
        sending.join_all().await;
        // They crash.
        let mut clients = Vec::new();
        for _ in 0..LIMIT {
            let mut client = Raw::open(stage.address()).await;
            client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            clients.push(client);
        }
        stage.until_active(LIMIT as u64).await;
        clients.into_iter().for_each(Raw::leave_abruptly);
        stage.until_active(0).await;
        // They reset their streams and stay.
        let mut connection = Connection::open(Protocol::Http2, stage.address()).await;
        tokio::select! {
            _ = connection.send_at_once(vec![Request::get("/"); LIMIT]) => panic!("they are held"),
            () = stage.until_active(LIMIT as u64) => {}
        }
        stage.until_active(0).await;
        assert!(!connection.is_closed());
        // And all places are free again.
        let (mut sending, _) = fill(stage.address()).await;
        sending.shutdown().await;
        let stats = stage.envoy.stats().await;
        assert_eq!([stats.value("overflow"), stats.value("rule.slow.overflow")], [overflow; 2], "\n{stats}");
        stage.is_sound().await;
    }
}

/// The document's limits also apply to the rules of routes, and those rules have their own limits as well.
#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_limit_is_held_by_rules_of_routes() {
    for (of_rule, of_all) in [(Some(LIMIT), None), (None, Some(LIMIT))] {
        let mut of_route = document("60s", of_rule, None);
        of_route.as_object_mut().expect("an object").remove("limits");
        let mut of_listener = document("60s", None, of_all);
        of_listener["rules"] = json!([]);
        of_listener["per_route"] = json!(true);
        let route = json!({
            "match": { "prefix": "/" },
            "route": { "cluster": Cluster::USUAL },
            "metadata": { "filter_metadata": { "brownout": { "json": of_route.to_string() } } },
        });
        let listener = Listener::named(MAIN).filter(discovered(&of_listener)).routes(vec![route]);
        let stage = Stage::of(WORKERS, [listener]).await;
        let mut overflow = 0;
        for _ in 0..2 {
            let mut sending = send(stage.address()).await;
            let held = held(&stage, overflow).await;
            assert!((LIMIT..=LIMIT + SLACK).contains(&held), "{held} are held");
            overflow += (CLIENTS - held) as u64;
            sending.shutdown().await;
            stage.until_active(0).await;
        }
        assert_eq!(stage.envoy.stats().await.value("rule.slow.overflow"), overflow);
        stage.is_sound().await;
    }
}

/// The client only knows bounds for when a hold of known length began and ended. It certainly lasted from the latest
/// possible beginning to the earliest possible end.
#[tokio::test(flavor = "multi_thread")]
async fn places_that_change_hands_all_the_time_stay_within_the_limit() {
    const DELAY: Duration = Duration::from_millis(40);
    const LASTING: Duration = Duration::from_secs(3);
    let stage = stage(&document("40ms", Some(LIMIT), None)).await;
    let begin = Instant::now();
    let mut sending = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut connection = stage.connect().await;
        sending.spawn(async move {
            let mut holds = Vec::new();
            while begin.elapsed() < LASTING {
                let sent = begin.elapsed();
                let reply = connection.send(Request::get("/")).await.expect("a reply");
                let received = begin.elapsed();
                if rule(&reply).is_some() {
                    assert!(reply.headers_after >= DELAY, "early, after {:?}", reply.headers_after);
                    holds.push((sent, received));
                } else {
                    // Leaves CPU time for the other clients.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
            holds
        });
    }
    let holds: Vec<_> = sending.join_all().await.into_iter().flatten().collect();
    // Ends sort before beginnings, so that a place that is handed over is not counted twice.
    let mut edges: Vec<(Duration, i32)> = Vec::new();
    for (sent, received) in &holds {
        let (begin, end) = (*received - DELAY, *sent + DELAY);
        if begin < end {
            edges.extend([(begin, 1), (end, -1)]);
        }
    }
    edges.sort();
    let most = edges
        .iter()
        .scan(0, |held, (_, change)| {
            *held += change;
            Some(*held)
        })
        .max()
        .unwrap_or(0);
    let most = usize::try_from(most).expect("no end without a beginning");
    assert!((1..=LIMIT + SLACK).contains(&most), "{most} at the same time");
    // At most as many holds as would keep every place busy all the time on a quiet machine. The places must be busy
    // at least half of the time, which is easy.
    let possible = LIMIT * usize::try_from(LASTING.as_millis() / DELAY.as_millis()).expect("some hundreds");
    let took: Duration = holds.iter().map(|(sent, received)| *received - *sent).sum();
    let busy = took.as_secs_f64() / (LASTING * u32::try_from(LIMIT).expect("a few")).as_secs_f64();
    assert!(
        holds.len() <= possible + CLIENTS && busy >= 0.5,
        "{} of {possible}, {busy:.2} of the time",
        holds.len()
    );
    let stats = stage.envoy.stats().await;
    assert_eq!(stats.value("injected"), holds.len() as u64);
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_nothing_holds_nothing() {
    let stage = stage(&document("60s", Some(0), None)).await;
    let replies = crowd(stage.address(), CLIENTS, 1, &Request::get("/")).await;
    assert!(replies.iter().all(|reply| reply.status == 200 && rule(reply).is_none()));
    let stats = stage.envoy.stats().await;
    assert_eq!([stats.value("overflow"), stats.value("injected")], [CLIENTS as u64, 0]);
    stage.is_sound().await;
}
