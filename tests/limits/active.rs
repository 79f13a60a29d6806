//! Limits on faults active at the same time, of a rule and of a whole document.

use crate::cases::{CASES, Case, Seen};
use crate::stage::{CLIENTS, PAUSE, Stage, WORKERS};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::client::Request;
use support::load::Load;

const LIMIT: u64 = 8;
/// The length of a fault, in milliseconds: much longer than a reply takes to reach its client.
const LENGTH: u64 = 250;
/// The number of faults to wait for, as a multiple of [`LIMIT`].
const ROUNDS: u64 = 3;

fn lasting() -> impl Iterator<Item = &'static Case> {
    CASES.iter().filter(|kind| kind.lasts)
}

/// Returns the largest number of faults that were certainly active at the same time.
///
/// A fault of known length begins after its request was sent and ends before its client notices. So it was certainly
/// active from its length before the noticed end until its length after the request was sent.
fn certainly_at_once(seen: &[(Seen, Duration)]) -> usize {
    let spans = seen.iter().filter(|(seen, _)| seen.faulted);
    let spans = spans.map(|(seen, length)| (seen.done - *length, seen.sent + *length));
    let mut moments: Vec<(Instant, bool)> = spans
        .filter(|(begin, end)| begin < end)
        .flat_map(|(begin, end)| [(begin, true), (end, false)])
        .collect();
    // Ends sort before beginnings at the same moment.
    moments.sort();
    let (mut now, mut most) = (0_usize, 0);
    for (_, begins) in moments {
        now = if begins { now + 1 } else { now - 1 };
        most = most.max(now);
    }
    most
}

/// Has all clients send requests continuously, and returns how many were faulted at once.
async fn most_at_once(stage: &Stage, kinds: Vec<&'static Case>) -> usize {
    let before = stage.envoy.stats().await;
    let chosen = kinds.clone();
    let ask = move |connection: usize, _| -> Request { chosen[connection % chosen.len()].request() };
    let note = move |exchange| {
        let seen = Seen::of(&exchange);
        (seen, kinds[exchange.connection % kinds.len()].at_least(LENGTH))
    };
    let load = Load::start(stage.address(), CLIENTS, PAUSE, ask, note).await;
    let wanted = before.value("injected") + ROUNDS * LIMIT;
    let stats = stage
        .count_until("enough faults", |stats| {
            let active = stats.value("active_faults");
            assert!(active <= LIMIT + WORKERS as u64, "{active} are active\n{stats}");
            stats.value("injected") >= wanted
        })
        .await;
    assert!(stats.value("overflow") > before.value("overflow"), "{stats}");
    certainly_at_once(&load.finish().await)
}

fn of_rules(limits: &Value) -> Vec<Value> {
    lasting().map(|kind| kind.rule(LENGTH, limits)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_kind_of_fault_lasts_more_often_at_once_than_its_rule_allows() {
    let limits = json!({ "max_active_faults": LIMIT });
    let stage = Stage::with(&json!({ "rules": of_rules(&limits) })).await;
    for kind in lasting() {
        let most = most_at_once(&stage, vec![kind]).await;
        println!("{}: {most} at once, {LIMIT} allowed", kind.name);
        assert!(most <= usize::try_from(LIMIT).unwrap() + WORKERS, "{}: {most} at once", kind.name);
    }
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_kinds_together_do_not_last_more_often_at_once_than_the_document_allows() {
    let limits = json!({ "max_active_faults": LIMIT });
    let stage = Stage::with(&json!({ "limits": limits, "rules": of_rules(&json!({})) })).await;
    let most = most_at_once(&stage, lasting().collect()).await;
    assert!(most <= usize::try_from(LIMIT).unwrap() + WORKERS, "{most} at once");
    stage.is_sound().await;
}
