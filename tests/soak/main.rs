//! Everything at once, for a long time: every kind of fault, clients that leave, upstreams that fail, a new document
//! every second, on four workers. No reply is unexpected, memory does not grow, and nothing is held at the end.
//!
//! `BROWNOUT_SOAK_REQUESTS` says how many requests: 10,000 if not set, a million in `make soak`.

mod traffic;

use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use support::client::Raw;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::load::Load;
use support::upstream::Upstream;
use traffic::{CASES, NOWHERE, ask, unexpected};

const WORKERS: usize = 4;
const CONNECTIONS: usize = 32;
const BETWEEN_DOCUMENTS: Duration = Duration::from_secs(1);
const BETWEEN_LEAVERS: Duration = Duration::from_millis(20);
/// The shortest soak that says anything about memory.
const DOCUMENTS_AT_LEAST: usize = 8;
/// From this many documents on, the warm-up is the first quarter of them instead of the first half.
const LONG: usize = 40;
/// Bytes that may be added after the warm-up: allocators keep what they used at their peak.
const SLACK: u64 = 16 * 1024 * 1024;

fn requests() -> u64 {
    let text = std::env::var("BROWNOUT_SOAK_REQUESTS");
    text.map_or(10_000, |text| text.parse().expect("`BROWNOUT_SOAK_REQUESTS` is a number"))
}

/// The document of this number: the same rules in another order, with other shares.
fn document(number: usize) -> Configuration {
    let mut rules: Vec<Value> = CASES
        .iter()
        .map(|kind| {
            let path = json!({ "path": { "prefix": format!("/{}", kind.name) } });
            let mut rule = json!({ "name": kind.name, "match": path, "percentage": 20 + 20 * (number % 4) });
            let faults = (kind.faults)();
            rule.as_object_mut().expect("an object").extend(faults.as_object().cloned().expect("an object"));
            rule
        })
        .collect();
    let length = rules.len();
    rules.rotate_left(number % length);
    let experiment = json!({ "id": number.to_string() });
    let limits = json!({ "max_active_faults": 24, "max_faults_per_second": 5_000, "max_percentage": 80 });
    Configuration::document(&json!({ "experiment": experiment, "limits": limits, "rules": rules }))
}

/// Runs clients that send a request and disconnect in the middle of it, forever: most while they are held, some with
/// half of their body sent.
async fn leave(address: std::net::SocketAddr) {
    for number in 0.. {
        let kind = if number % 2 == 0 { "held" } else { CASES[number / 2 % CASES.len()].name };
        let body = if number % 3 == 0 { "content-length: 10000\r\n\r\nhalf" } else { "\r\n" };
        let method = if number % 3 == 0 { "POST" } else { "GET" };
        let mut client = Raw::open(address).await;
        client.send(format!("{method} /{kind} HTTP/1.1\r\nhost: a\r\n{body}")).await;
        tokio::time::sleep(BETWEEN_LEAVERS).await;
        client.leave_abruptly();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_soak_ends_as_it_began() {
    let upstream = Upstream::start().await;
    let nowhere = json!({ "match": { "prefix": NOWHERE }, "route": { "cluster": "nowhere" } });
    let rest = json!({ "match": { "prefix": "/" }, "route": { "cluster": Cluster::USUAL, "timeout": "0s" } });
    let listener = Listener::named("main")
        .filter(Filter::discovered("brownout", document(0)))
        .routes(vec![nowhere, rest])
        // It would have a million lines.
        .field("access_log", json!([]));
    let bootstrap = Bootstrap::new()
        .concurrency(WORKERS)
        .cluster(Cluster::of(&upstream))
        .cluster(Cluster::named("nowhere", ([127, 0, 0, 1], 1).into()))
        .listener(listener);
    let envoy = Envoy::start(bootstrap).await;
    let address = envoy.address("main");
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    let asking = move |connection, number| {
        counter.fetch_add(1, Ordering::Relaxed);
        ask(connection, number)
    };
    let began = Instant::now();
    let at_first = envoy.memory();
    let load =
        Load::start(address, CONNECTIONS, Duration::ZERO, asking, |exchange| unexpected(&exchange)).await;
    let leaving = tokio::spawn(leave(address));
    let mut memory = Vec::new();
    for number in 1.. {
        if sent.load(Ordering::Relaxed) >= requests() && number > DOCUMENTS_AT_LEAST {
            break;
        }
        tokio::time::sleep(BETWEEN_DOCUMENTS).await;
        envoy.configure("brownout", &document(number)).await.expect("a good document");
        memory.push(envoy.memory());
        upstream.take();
    }
    leaving.abort();
    let replies = load.finish().await;
    let wrong: Vec<_> = replies.iter().flatten().collect();
    assert!(wrong.is_empty(), "{} of {}, such as {:?}", wrong.len(), replies.len(), wrong[0]);
    envoy.until_active(0).await;
    let stats = envoy.stats().await;
    for kind in CASES {
        let overflows = stats.value(&format!("rule.{}.overflow", kind.name));
        assert!(kind.name != "odd" || overflows > 0, "no limit was reached: {stats}");
        assert!(stats.value(&format!("rule.{}.injected", kind.name)) > 0, "no {}: {stats}", kind.name);
    }
    for quiet in ["host_errors", "config_rejected", "route_config_rejected"] {
        assert_eq!(stats.value(quiet), 0, "{stats}\n{}", envoy.log());
    }
    let (warming, later) = memory.split_at(memory.len() / if memory.len() < LONG { 2 } else { 4 });
    let most = |part: &[u64]| part.iter().copied().max().unwrap_or(0);
    let (warm, later) = (most(warming), most(later));
    let mib = |bytes: u64| bytes / 1024 / 1024;
    println!(
        "{} requests in {:?}, {} documents; memory {} MiB at first, {} MiB once warm, at most {} MiB later, {} MiB at the end",
        replies.len(),
        began.elapsed(),
        memory.len(),
        mib(at_first),
        mib(warm),
        mib(later),
        mib(envoy.memory()),
    );
    println!("{stats}");
    assert!(later <= warm + SLACK, "memory grows: {memory:?}");
    assert!(envoy.is_alive(), "{}", envoy.log());
}
