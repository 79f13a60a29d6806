//! Limits per second, and as a share of all requests.

use crate::cases::{CASES, Case, Seen};
use crate::stage::{CLIENTS, PAUSE, Stage, WORKERS};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use support::load::Load;

fn kind(name: &str) -> &'static Case {
    CASES.iter().find(|kind| kind.name == name).expect("a kind of that name")
}

/// Has all clients send requests for `time`.
async fn seen(stage: &Stage, kind: &'static Case, time: Duration) -> Vec<Seen> {
    let load =
        Load::start(stage.address(), CLIENTS, PAUSE, |_, _| kind.request(), |exchange| Seen::of(&exchange))
            .await;
    tokio::time::sleep(time).await;
    let seen = load.finish().await;
    stage.is_sound().await;
    seen
}

/// Returns the largest number of faults that were certainly within `length`.
fn most_within(seen: &[Seen], length: Duration) -> usize {
    let faults: Vec<&Seen> = seen.iter().filter(|seen| seen.faulted).collect();
    let within = |from: Instant| {
        faults.iter().filter(|fault| from <= fault.sent && fault.done <= from + length).count()
    };
    faults.iter().map(|fault| within(fault.sent)).max().unwrap_or(0)
}

fn document(kind: &Case, of_rule: Value, of_all: Value) -> Value {
    json!({ "limits": of_all, "rules": [kind.rule(1, &of_rule)] })
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_has_more_faults_than_are_allowed() {
    const LIMIT: usize = 40;
    const TIME: Duration = Duration::from_secs(3);
    let limits = json!({ "max_faults_per_second": LIMIT });
    for (name, of_rule, of_all) in [("abort", limits.clone(), json!({})), ("delay", json!({}), limits)] {
        let kind = kind(name);
        let stage = Stage::with(&document(kind, of_rule, of_all)).await;
        let seen = seen(&stage, kind, TIME).await;
        // Clients do not share the proxy's clock: one second of theirs can overlap two of the proxy's.
        let most = most_within(&seen, Duration::from_millis(999));
        assert!(most <= 2 * LIMIT + WORKERS, "{name}: {most} within a second");
        let faults = seen.iter().filter(|seen| seen.faulted).count();
        let took = seen.iter().map(|seen| seen.done).max().unwrap()
            - seen.iter().map(|seen| seen.sent).min().unwrap();
        let seconds = usize::try_from(took.as_secs()).unwrap() + 2;
        assert!((LIMIT..=seconds * LIMIT + WORKERS).contains(&faults), "{name}: {faults} in {took:?}");
        let stats = stage.envoy.stats().await;
        assert_eq!(stats.value("injected"), faults as u64, "{stats}");
        assert_eq!(stats.value("overflow"), (seen.len() - faults) as u64, "{stats}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_larger_share_is_hurt_than_is_allowed() {
    const PERCENT: usize = 10;
    let limits = json!({ "max_percentage": PERCENT });
    for (name, of_rule, of_all) in [("abort", limits.clone(), json!({})), ("delay", json!({}), limits)] {
        let kind = kind(name);
        let stage = Stage::with(&document(kind, of_rule, of_all)).await;
        // Shorter than the ten seconds over which the share is taken, so that it holds of all of them together.
        let seen = seen(&stage, kind, Duration::from_secs(4)).await;
        let faults = seen.iter().filter(|seen| seen.faulted).count();
        // Workers share what they have seen once a second, so slightly fewer faults are injected than allowed.
        let most = seen.len() * PERCENT / 100;
        assert!((most / 4..=most + WORKERS).contains(&faults), "{name}: {faults} of {}", seen.len());
    }
}
