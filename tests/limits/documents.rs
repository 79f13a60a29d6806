//! Limits of documents that replace each other or are loaded again.

use crate::stage::Stage;
use serde_json::{Value, json};
use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;
use support::client::{Connection, Protocol, Raw, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

const LIMIT: usize = 8;

fn document(experiment: &str) -> Value {
    json!({
        "experiment": { "id": experiment },
        "rules": [{
            "name": "held",
            "percentage": 100,
            "limits": { "max_active_faults": LIMIT },
            "hang": { "max": "1h" },
        }],
    })
}

/// Sends requests that are held, each on a connection of its own.
async fn send(stage: &Stage, clients: &mut Vec<Raw>, number: usize) {
    for _ in 0..number {
        let mut client = Raw::open(stage.address()).await;
        client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        clients.push(client);
    }
}

/// Returns how many are held once all of them are held or have gone on.
async fn held(stage: &Stage, clients: &[Raw]) -> u64 {
    let all = clients.len() as u64;
    let stats = stage.count_until("all of them held or gone on", |stats| {
        stats.value("injected") + stats.value("overflow") == all
    });
    stats.await.value("active_faults")
}

/// An edit, on every worker: what is held under the document before it takes up room under the new one.
#[tokio::test(flavor = "multi_thread")]
async fn edits_add_no_room() {
    let stage = Stage::with(&document("0")).await;
    let mut clients = Vec::new();
    for experiment in ["0", "1", "2", "3", "4"] {
        if experiment != "0" {
            stage.follow(&document(experiment)).await;
        }
        send(&stage, &mut clients, 2 * LIMIT).await;
        assert_eq!(held(&stage, &clients).await, LIMIT as u64, "after edit {experiment}");
    }
    drop(clients);
    stage.is_sound().await;
    let before = stage.envoy.stats().await;
    let mut clients = Vec::new();
    send(&stage, &mut clients, 2 * LIMIT).await;
    let stats = stage
        .count_until("all of them held or gone on", |stats| {
            let since = |name| stats.value(name) - before.value(name);
            since("injected") + since("overflow") == clients.len() as u64
        })
        .await;
    assert_eq!(stats.value("active_faults"), LIMIT as u64, "their places are free when they have left");
    drop(clients);
    stage.is_sound().await;
}

/// The document before did not limit what it held, and one that does nothing came between.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_unlimited_document_holds_counts_under_the_limit_that_follows() {
    let mut unlimited = document("0");
    unlimited["rules"][0].as_object_mut().expect("a rule").remove("limits");
    let stage = Stage::with(&unlimited).await;
    let mut clients = Vec::new();
    send(&stage, &mut clients, 3 * LIMIT).await;
    assert_eq!(held(&stage, &clients).await, 3 * LIMIT as u64);
    stage.follow(&json!({})).await;
    stage.follow(&document("1")).await;
    let mut more = Vec::new();
    send(&stage, &mut more, LIMIT).await;
    let stats = stage.count_until("none of them held", |stats| stats.value("overflow") == LIMIT as u64).await;
    assert_eq!(stats.value("active_faults"), 3 * LIMIT as u64);
    drop((clients, more));
    stage.is_sound().await;
}

/// Edits under load, on four workers: never more than the limit are held, whichever worker is the first to take up an
/// edit.
#[tokio::test(flavor = "multi_thread")]
async fn edits_under_load_add_no_room() {
    let stage = Stage::with(&document("0")).await;
    let mut clients = Vec::new();
    for experiment in 1..=8 {
        let edited = document(&experiment.to_string());
        tokio::join!(stage.follow(&edited), send(&stage, &mut clients, 2 * LIMIT));
        assert_eq!(held(&stage, &clients).await, LIMIT as u64, "after edit {experiment}");
    }
    drop(clients);
    stage.is_sound().await;
}

/// Another plugin in the same Envoy has room of its own.
#[tokio::test(flavor = "multi_thread")]
async fn another_plugin_with_another_document_has_room_of_its_own() {
    let upstream = Upstream::start().await;
    let mut bootstrap = Bootstrap::new().cluster(Cluster::of(&upstream));
    for name in ["one", "other"] {
        let filter =
            Filter::brownout(&Configuration::document(&document(name))).plugin_field("name", json!(name));
        bootstrap = bootstrap.listener(Listener::named(name).filter(filter));
    }
    let envoy = Envoy::start(bootstrap).await;
    let mut clients = Vec::new();
    for name in ["one", "other"] {
        for _ in 0..2 * LIMIT {
            let mut client = Raw::open(envoy.address(name)).await;
            client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
            clients.push(client);
        }
    }
    envoy.until_active(2 * LIMIT as u64).await;
    drop(clients);
    envoy.until_active(0).await;
    assert!(envoy.is_alive());
}

/// The longest time after the first worker in which others load a document without restarting its counts.
const TAKEOVER: Duration = Duration::from_secs(5);

/// Another listener loads the document late and restarts it: those that already had it continue with the restarted one.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_taken_up_once_more_counts_for_all_who_have_it() {
    let upstream = Upstream::start().await;
    let twice = Configuration::document(&json!({
        "rules": [{
            "name": "twice",
            "percentage": 100,
            "limits": { "max_faults": 2 },
            "abort": { "http_status": 503 },
        }],
    }));
    let nothing = Configuration::document(&json!({}));
    // Under another name, it is another plugin to Envoy.
    let early = Filter::brownout(&twice).plugin_field("name", json!("early"));
    let bootstrap = Bootstrap::new()
        .cluster(Cluster::of(&upstream))
        .listener(Listener::named("early").filter(early))
        .listener(Listener::named("late").filter(Filter::discovered("late", nothing)));
    let envoy = Envoy::start(bootstrap).await;
    let status = async |listener: &str| {
        let mut connection = Connection::open(Protocol::Http1, envoy.address(listener)).await;
        connection.send(Request::get("/")).await.expect("a reply").status.as_u16()
    };
    assert_eq!(status("early").await, 503);
    tokio::time::sleep(TAKEOVER).await;
    envoy.configure("late", &twice).await.expect("a good document");
    assert_eq!(envoy.log().matches("document in force: mode inject, 1 rule").count(), 2, "{}", envoy.log());
    assert_eq!(status("late").await, 503, "the first of two, anew");
    assert_eq!(status("early").await, 503, "the second");
    assert_eq!([status("early").await, status("late").await], [200, 200]);
    assert_eq!(envoy.stats().await.value("overflow"), 2);
}

/// Returns the place of a document's counts, as the module computes it.
fn place(document: &str) -> u16 {
    let mut hasher = DefaultHasher::new();
    hasher.write(env!("CARGO_PKG_VERSION").as_bytes());
    hasher.write(document.as_bytes());
    #[allow(clippy::cast_possible_truncation, reason = "as the module does it")]
    let place = hasher.finish() as u16;
    place
}

/// Ten documents, more than there are places for those that are alike.
fn alike() -> Vec<Value> {
    let document = |number: u32| {
        let rule = json!({ "name": "few", "percentage": 100, "limits": { "max_faults": 3 }, "abort": { "http_status": 503 } });
        json!({ "experiment": { "id": number.to_string() }, "rules": [rule] })
    };
    let place_of = |number: u32| {
        let Configuration::Text(text) = Configuration::document(&document(number)) else { panic!("a text") };
        place(&text)
    };
    let wanted = place_of(0);
    let alike: Vec<Value> =
        (0..).filter(|number| place_of(*number) == wanted).take(10).map(document).collect();
    assert_eq!(alike.len(), 10);
    alike
}

/// Before, the later of two such documents kept the earlier one from ever injecting again.
#[tokio::test(flavor = "multi_thread")]
async fn documents_whose_counts_would_have_the_same_place_inject_alike() {
    let upstream = Upstream::start().await;
    let documents = alike();
    let mut bootstrap = Bootstrap::new().cluster(Cluster::of(&upstream));
    for (number, document) in documents.iter().enumerate() {
        let name = format!("listener-{number}");
        let filter = Filter::brownout(&Configuration::document(document)).plugin_field("name", json!(name));
        bootstrap = bootstrap.listener(Listener::named(&name).filter(filter));
    }
    let envoy = Envoy::start(bootstrap).await;
    for number in 0..documents.len() {
        let mut connection =
            Connection::open(Protocol::Http1, envoy.address(&format!("listener-{number}"))).await;
        let mut faults = 0;
        for _ in 0..5 {
            let reply = connection.send(Request::get("/")).await.expect("a reply");
            faults += usize::from(reply.status.as_u16() == 503);
        }
        assert_eq!(faults, 3, "{number}\n{}", envoy.log());
    }
    // Two of ten had to take the place of others, which said so.
    assert!(
        envoy.log().contains("counts start at 0 again: another document took their place"),
        "{}",
        envoy.log()
    );
    assert!(envoy.is_alive());
}

/// Two routes with the same text, on four workers: each has counts of its own.
#[tokio::test(flavor = "multi_thread")]
async fn routes_with_the_same_text_have_limits_of_their_own() {
    const MOST: usize = 5;
    let text = json!({
        "rules": [{
            "name": "few",
            "percentage": 100,
            "limits": { "max_faults": MOST },
            "abort": { "http_status": 503 },
        }],
    });
    let route = |prefix: &str| {
        json!({
            "name": prefix,
            "match": { "prefix": prefix },
            "route": { "cluster": Cluster::USUAL },
            "metadata": { "filter_metadata": { "brownout": { "json": text.to_string() } } },
        })
    };
    let upstream = Upstream::start().await;
    let filter = Filter::brownout(&Configuration::document(&json!({ "per_route": true })));
    let listener = Listener::named("main").filter(filter).routes(vec![route("/a"), route("/b")]);
    let bootstrap = Bootstrap::new().concurrency(4).cluster(Cluster::of(&upstream)).listener(listener);
    let envoy = Envoy::start(bootstrap).await;
    for path in ["/a", "/b"] {
        let mut faults = 0;
        for _ in 0..4 * MOST {
            let mut connection = Connection::open(Protocol::Http1, envoy.address("main")).await;
            let reply = connection.send(Request::get(path)).await.expect("a reply");
            faults += usize::from(reply.status.as_u16() == 503);
        }
        assert_eq!(faults, MOST, "{path}\n{}", envoy.log());
    }
    assert!(envoy.is_alive());
}
