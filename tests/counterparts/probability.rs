//! The policies from Cilium's documentation: one delays half of the requests by a second; one rewrites some statuses,
//! with a probability of 0.8 that Cilium draws twice.

use super::MAIN;
use brownout_cli::document::DocumentFile;
use brownout_cli::import::cilium::{self, CiliumChoices, Draws};
use serde_json::{Value, json};
use std::time::Duration;
use support::binomial::believable;
use support::client::{Connection, Protocol, Reply, Request};
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::upstream::Upstream;

const AT_ONCE: usize = 100;

fn imported(rule: &Value, draws: Draws) -> Value {
    let policy = json!({
        "apiVersion": "cilium.io/v2",
        "kind": "CiliumNetworkPolicy",
        "metadata": { "name": "chaos" },
        "spec": {
            "endpointSelector": { "matchLabels": { "app": "shop" } },
            "ingress": [{ "toPorts": [{
                "ports": [{ "port": "80", "protocol": "TCP" }],
                "rules": { "l7proto": "chaos", "l7": [rule] },
            }] }],
        },
    });
    let file = DocumentFile::new("policy.json", policy.to_string().as_bytes());
    let choices = CiliumChoices { draws, ..CiliumChoices::default() };
    cilium::import(vec![file], &choices).expect("a policy").document
}

/// Sends `requests` requests under the document converted from `rule`, and returns the replies.
async fn replies(rule: &Value, draws: Draws, requests: usize) -> Vec<Reply> {
    let upstream = Upstream::start().await;
    let document = Configuration::document(&imported(rule, draws));
    let listener = Listener::named(MAIN).filter(Filter::discovered(MAIN, document));
    let envoy = Envoy::start(Bootstrap::new().cluster(Cluster::of(&upstream)).listener(listener)).await;
    let mut connection = Connection::open(Protocol::Http2, envoy.address(MAIN)).await;
    let mut all = Vec::new();
    for _ in 0..requests / AT_ONCE {
        let sent = connection.send_at_once(vec![Request::get("/"); AT_ONCE]).await;
        all.extend(sent.into_iter().map(|reply| reply.expect("a reply")));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn with_probability_a_half_a_half_waits_for_a_second() {
    let rule = json!({ "probability": "0.5", "delay-request": "1s" });
    let replies = replies(&rule, Draws::Twice, 600).await;
    let marked = |reply: &&Reply| reply.header("x-brownout").is_some();
    let (late, prompt): (Vec<_>, Vec<_>) = replies.iter().partition(marked);
    assert!(late.iter().all(|reply| reply.headers_after >= Duration::from_secs(1)));
    assert!(prompt.iter().chain(&late).all(|reply| reply.status == 200));
    let range = believable(600, 0.5);
    assert!(range.contains(&late.len()), "{} of 600, expected {range:?}", late.len());
}

async fn rewritten(draws: Draws) -> usize {
    let rule = json!({ "probability": "0.8", "rewrite-status": "504 Application Error" });
    let replies = replies(&rule, draws, 2000).await;
    assert!(replies.iter().all(|reply| [200, 504].contains(&reply.status.as_u16())));
    replies.iter().filter(|reply| reply.status == 504).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_probability_four_fifths_64_of_100_statuses_are_rewritten_as_by_cilium() {
    let (count, range) = (rewritten(Draws::Twice).await, believable(2000, 0.64));
    assert!(range.contains(&count), "{count} of 2000, expected {range:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_probability_four_fifths_80_of_100_statuses_are_rewritten_as_intended() {
    let (count, range) = (rewritten(Draws::Once).await, believable(2000, 0.8));
    assert!(range.contains(&count), "{count} of 2000, expected {range:?}");
}
