//! Limits on the total number of faults.

use crate::cases::{CASES, Seen};
use crate::stage::{CLIENTS, Stage, WORKERS};
use serde_json::{Value, json};
use std::time::Duration;
use support::load::Load;

const LIMIT: u64 = 1_000;
/// The number of requests over the limit to wait for.
const MORE: u64 = 100;

fn is_limit(count: u64) -> bool {
    count.abs_diff(LIMIT) <= WORKERS as u64
}

/// Has all clients send requests for each kind in turn, until `enough` says that the counters are high enough. Returns
/// how many clients were faulted, per kind.
async fn hurt(stage: &Stage, enough: impl Fn(&support::envoy::Stats) -> bool) -> Vec<u64> {
    let kind = |connection: usize, number: usize| &CASES[(connection + number) % CASES.len()];
    let load = Load::start(
        stage.address(),
        CLIENTS,
        Duration::ZERO,
        move |connection, number| kind(connection, number).request(),
        |exchange| (exchange.connection + exchange.number, Seen::of(&exchange).faulted),
    )
    .await;
    stage.count_until("more than enough requests", enough).await;
    let mut hurt = vec![0; CASES.len()];
    for (turn, faulted) in load.finish().await {
        hurt[turn % CASES.len()] += u64::from(faulted);
    }
    stage.is_sound().await;
    hurt
}

fn rules(limits: &Value) -> Vec<Value> {
    CASES.iter().map(|kind| kind.rule(1, limits)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_fault_is_injected_as_often_as_its_rule_allows_and_no_more() {
    let stage = Stage::with(&json!({ "rules": rules(&json!({ "max_faults": LIMIT })) })).await;
    let hurt = hurt(&stage, |stats| {
        CASES.iter().all(|kind| stats.value(&format!("rule.{}.overflow", kind.name)) >= MORE)
    })
    .await;
    let stats = stage.envoy.stats().await;
    for (kind, hurt) in CASES.iter().zip(hurt) {
        let count = |what| stats.value(&format!("rule.{}.{what}", kind.name));
        assert!(is_limit(count("injected")) && hurt == count("injected"), "{}: {hurt}\n{stats}", kind.name);
        assert_eq!(count("injected") + count("overflow"), count("matched"), "{}", kind.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_together_are_injected_as_often_as_the_document_allows_and_no_more() {
    let limits = json!({ "max_faults": LIMIT });
    let stage = Stage::with(&json!({ "limits": limits, "rules": rules(&json!({})) })).await;
    let hurt = hurt(&stage, |stats| stats.value("overflow") >= MORE).await;
    let injected = stage.envoy.stats().await.value("injected");
    assert!(is_limit(injected) && hurt.iter().sum::<u64>() == injected, "{injected} injected, {hurt:?} hurt");
    assert!(hurt.iter().all(|hurt| *hurt > 0), "{hurt:?}");
}
