//! Sticky keys: a key is sampled or not, whichever worker sees it.

use crate::stage::{Stage, rule, rules};
use brownout_core::value::query::RESERVED;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use support::client::{Connection, Request};
use support::repository;

const WORKERS: usize = 4;

#[derive(Deserialize)]
struct Vectors {
    percentages: Vec<String>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    salt: String,
    key: String,
    taken_at: Vec<String>,
}

/// Returns the test vectors that the core's tests use too, except the empty key, which no request has.
fn vectors() -> Vectors {
    let path = repository::root().join("src/core/tests/vectors/sticky.json");
    let text = std::fs::read_to_string(path).expect("the vectors");
    let mut vectors: Vectors = serde_json::from_str(&text).expect("vectors in JSON");
    vectors.vectors.retain(|vector| !vector.key.is_empty());
    assert!(vectors.vectors.len() > 100);
    vectors
}

/// Opens one connection to each worker: Envoy balances them exactly.
async fn one_for_each_worker(stage: &Stage) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..WORKERS {
        connections.push(stage.connect().await);
    }
    connections
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vectors_hold_in_every_worker() {
    let Vectors { percentages, vectors } = vectors();
    let salts: Vec<&str> =
        vectors.iter().map(|vector| vector.salt.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let path = |salt: usize, percentage: usize| format!("/{salt}/{percentage}");
    let rule_of = |(salt, percentage): (usize, usize)| {
        json!({
            "name": format!("s{salt}-p{percentage}"),
            "match": { "path": { "exact": path(salt, percentage) } },
            "percentage": percentages[percentage],
            "sample": { "by": { "query_parameter": "key" }, "salt": salts[salt] },
            "abort": { "http_status": 503 },
        })
    };
    let all =
        (0..salts.len()).flat_map(|salt| (0..percentages.len()).map(move |percentage| (salt, percentage)));
    let stage = Stage::with(WORKERS, &rules(all.map(rule_of))).await;
    let mut connections = one_for_each_worker(&stage).await;
    for (number, vector) in vectors.iter().enumerate() {
        let salt = salts.iter().position(|salt| *salt == vector.salt).expect("it comes from there");
        let mut taken_at = Vec::new();
        for (place, percentage) in percentages.iter().enumerate() {
            let request = format!("{}?key={}", path(salt, place), utf8_percent_encode(&vector.key, RESERVED));
            let worker = (number + place) % WORKERS;
            let reply = stage.answer(&mut connections[worker], Request::get(&request)).await;
            if rule(&reply).is_some() {
                taken_at.push(percentage.clone());
            }
        }
        assert_eq!(taken_at, vector.taken_at, "salt {:?}, key {:?}", vector.salt, vector.key);
    }
    let on_worker =
        async |number| stage.envoy.stat(&format!("listener.main.worker_{number}.downstream_cx_total")).await;
    assert_eq!(
        [on_worker(0).await, on_worker(1).await, on_worker(2).await, on_worker(3).await],
        [1; WORKERS]
    );
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_key_gives_every_worker_the_same_answer() {
    let by = |name: &str, key: serde_json::Value| {
        json!({
            "name": name,
            "match": { "path": { "exact": format!("/{name}") } },
            "percentage": 50,
            "sample": { "by": key, "salt": "r" },
            "abort": { "http_status": 503 },
        })
    };
    let document = rules([
        by("header", json!({ "header": "x-user" })),
        by("cookie", json!({ "cookie": "user" })),
        by("parameter", json!({ "query_parameter": "user" })),
        by("trace", json!({ "trace": {} })),
        by("address", json!({ "source_ip": {} })),
    ]);
    let stage = Stage::with(WORKERS, &document).await;
    let mut connections = one_for_each_worker(&stage).await;
    let printable =
        |key: &str| key.len() < 100 && key.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'%');
    let vectors = vectors().vectors;
    let vectors: Vec<_> =
        vectors.iter().filter(|vector| vector.salt == "r" && printable(&vector.key)).collect();
    assert!(vectors.len() > 10);
    for vector in vectors {
        let key = &vector.key;
        let mut requests = vec![
            Request::get("/header").header("x-user", key),
            Request::get("/cookie").header("cookie", format!("a=b; user={key}; user=other")),
            Request::get(&format!("/parameter?user={key}&user=other")),
        ];
        if key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let context = format!("00-{key}-00f067aa0ba902b7-01");
            requests.push(Request::get("/trace").header("traceparent", context));
        }
        if key.parse::<std::net::IpAddr>().is_ok() {
            requests.push(Request::get("/address").header("x-forwarded-for", key));
        }
        let expected = vector.taken_at.iter().any(|percentage| percentage == "50");
        for request in requests {
            for connection in &mut connections {
                let reply = stage.answer(connection, request.clone()).await;
                assert_eq!(rule(&reply).is_some(), expected, "{key}: {}", request.path);
            }
        }
    }
    stage.is_sound().await;
}
