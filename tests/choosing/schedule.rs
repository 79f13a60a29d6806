//! Rules that begin and end by the proxy's own clock.

use crate::stage::{Stage, rule};
use brownout_core::value::timestamp::Timestamp;
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::client::Request;

/// The longest time until a rule notices that it has begun or ended.
const LATENESS: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

/// Returns the wall-clock time since 1970.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set")
}

fn written(time: Duration) -> String {
    Timestamp(i64::try_from(time.as_micros()).expect("this century")).to_string()
}

fn scheduled(percentage: u32, schedule: Value) -> Value {
    crate::stage::rules([json!({
        "name": "scheduled",
        "percentage": percentage,
        "schedule": schedule,
        "abort": { "http_status": 503 },
    })])
}

/// An exchange: when it was sent, when it was answered, and whether the rule took it.
struct Seen {
    sent: Duration,
    answered: Duration,
    taken: bool,
}

/// Sends requests one after the other on a connection until `end`.
async fn watch(stage: &Stage, end: Duration) -> Vec<Seen> {
    let mut connection = stage.connect().await;
    let mut seen = Vec::new();
    while now() < end {
        let sent = now();
        let reply = stage.answer(&mut connection, Request::get("/")).await;
        seen.push(Seen { sent, answered: now(), taken: rule(&reply).is_some() });
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_ends_by_itself_within_a_tenth_of_a_second() {
    let stage = Stage::with(2, &scheduled(0, json!({}))).await;
    let end = now() + 2 * SECOND;
    stage.follow(&scheduled(100, json!({ "not_after": written(end) }))).await;
    let seen = watch(&stage, end + SECOND).await;
    let before: Vec<_> = seen.iter().filter(|seen| seen.answered < end).collect();
    let after: Vec<_> = seen.iter().filter(|seen| seen.sent > end + LATENESS).collect();
    assert!(before.len() > 10 && after.len() > 10, "{} before, {} after", before.len(), after.len());
    assert!(before.iter().all(|seen| seen.taken), "it ended early");
    assert!(after.iter().all(|seen| !seen.taken), "it ended late");
    stage.is_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_begins_by_itself_within_a_tenth_of_a_second() {
    let stage = Stage::with(2, &scheduled(0, json!({}))).await;
    let begin = now() + 2 * SECOND;
    stage.follow(&scheduled(100, json!({ "not_before": written(begin) }))).await;
    let seen = watch(&stage, begin + SECOND).await;
    let before: Vec<_> = seen.iter().filter(|seen| seen.answered < begin).collect();
    let after: Vec<_> = seen.iter().filter(|seen| seen.sent > begin + LATENESS).collect();
    assert!(before.len() > 10 && after.len() > 10, "{} before, {} after", before.len(), after.len());
    assert!(before.iter().all(|seen| !seen.taken), "it began early");
    assert!(after.iter().all(|seen| seen.taken), "it began late");
    stage.is_sound().await;
}

/// The share that applied to a request is between the shares at the moments when it was sent and answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_share_grows_evenly() {
    const RAMP: Duration = Duration::from_secs(4);
    const MOST: f64 = 0.8;
    let stage = Stage::with(2, &scheduled(0, json!({}))).await;
    let begin = now() + SECOND;
    let schedule = json!({ "not_before": written(begin), "ramp_up": "4s" });
    stage.follow(&scheduled(80, schedule)).await;
    let share =
        |time: Duration| MOST * (time.saturating_sub(begin).as_secs_f64() / RAMP.as_secs_f64()).min(1.0);
    let seen = watch(&stage, begin + RAMP + SECOND).await;
    for part in 0..5 {
        let from = begin + SECOND * part;
        let within = seen.iter().filter(|seen| seen.sent >= from && seen.answered < from + SECOND);
        let within: Vec<_> = within.collect();
        assert!(within.len() > 20, "{}", within.len());
        let taken: f64 = within.iter().map(|seen| f64::from(u8::from(seen.taken))).sum();
        let least: f64 = within.iter().map(|seen| share(seen.sent)).sum();
        let most: f64 = within.iter().map(|seen| share(seen.answered)).sum();
        let variance: f64 = within.iter().map(|seen| share(seen.sent) * (1.0 - share(seen.sent))).sum();
        let chance = 5.0 * variance.sqrt() + 1.0;
        assert!(
            taken > least - chance && taken < most + chance,
            "second {part}: {taken} of {}, expected {least:.1} to {most:.1} give or take {chance:.1}",
            within.len()
        );
    }
    stage.is_sound().await;
}

/// The same, counted from the document's arrival.
#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_grows_from_the_arrival_on() {
    let stage = Stage::with(1, &scheduled(0, json!({}))).await;
    let earliest = now();
    stage.follow(&scheduled(100, json!({ "ramp_up": "2s" }))).await;
    let latest = now();
    let seen = watch(&stage, latest + 3 * SECOND).await;
    let share =
        |time: Duration, arrival: Duration| (time.saturating_sub(arrival).as_secs_f64() / 2.0).min(1.0);
    let first = seen.iter().filter(|seen| seen.answered < latest + SECOND);
    let first: Vec<_> = first.collect();
    let taken: f64 = first.iter().map(|seen| f64::from(u8::from(seen.taken))).sum();
    let least: f64 = first.iter().map(|seen| share(seen.sent, latest)).sum();
    let most: f64 = first.iter().map(|seen| share(seen.answered, earliest)).sum();
    #[expect(clippy::cast_precision_loss, reason = "some hundred requests")]
    let chance = 5.0 * (first.len() as f64).sqrt() / 2.0;
    assert!(taken > least - chance && taken < most + chance, "{taken}, expected {least:.1} to {most:.1}");
    let whole = seen.iter().filter(|seen| seen.sent > latest + 2 * SECOND + LATENESS);
    let whole: Vec<_> = whole.collect();
    assert!(whole.len() > 10 && whole.iter().all(|seen| seen.taken));
    stage.is_sound().await;
}

/// A request that is sent and answered within one phase shows which phase it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_pulse_goes_on_and_off() {
    const ON: Duration = Duration::from_millis(400);
    const OFF: Duration = Duration::from_millis(600);
    let stage = Stage::with(2, &scheduled(0, json!({}))).await;
    let begin = now() + SECOND;
    let schedule = json!({ "not_before": written(begin), "on": "400ms", "off": "600ms" });
    stage.follow(&scheduled(100, schedule)).await;
    let seen = watch(&stage, begin + 5 * (ON + OFF)).await;
    let mut phases = std::collections::BTreeMap::<(u128, bool), usize>::new();
    for exchange in seen.iter().filter(|seen| seen.sent >= begin) {
        let phase = |time: Duration| {
            let running = (time - begin).as_micros();
            let period = (ON + OFF).as_micros();
            (running / period, running % period < ON.as_micros())
        };
        let (sent, answered) = (phase(exchange.sent), phase(exchange.answered));
        if sent == answered {
            assert_eq!(exchange.taken, sent.1, "{:?} after the beginning", exchange.sent - begin);
            *phases.entry(sent).or_default() += 1;
        }
    }
    let told = phases.values().filter(|exchanges| **exchanges >= 3).count();
    assert!(told >= 8, "only {told} of 10 phases were seen: {phases:?}");
    assert!(seen.iter().filter(|seen| seen.answered < begin).all(|seen| !seen.taken));
    stage.is_sound().await;
}
