//! The ways to stop injection, under load on four workers: no fault begins more than 100 ms later, and requests that
//! are already held finish normally.

use crate::control_plane::Answer;
use crate::history::{IN_FORCE, ON_A_BUSY_MACHINE};
use crate::stage::Stage;
use brownout_core::value::timestamp::Timestamp;
use serde_json::{Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::load::LoadExchange;

const HELD: Duration = Duration::from_millis(400);
/// The time for which the load runs before and after the stop.
const AROUND: Duration = Duration::from_secs(2);

struct Answered {
    sent: Instant,
    took: Duration,
    evidence: Option<String>,
}

impl Answered {
    fn of(exchange: LoadExchange) -> Self {
        let reply = exchange.reply.expect("a reply");
        Self { sent: exchange.sent, took: reply.headers_after, evidence: reply.header("x-brownout") }
    }
}

/// Returns rules that delay everything, with a schedule if one is given.
fn delay(name: &str, schedule: Option<&Value>) -> Value {
    let mut rule = json!({ "name": name, "percentage": 100, "delay": { "fixed_delay": format!("{}ms", HELD.as_millis()) } });
    if let Some(schedule) = schedule {
        rule["schedule"] = schedule.clone();
    }
    json!([rule])
}

fn main_document(schedule: Option<&Value>) -> Value {
    json!({ "per_route": true, "rules": delay("main", schedule) })
}

/// Returns the longest time that a request waited for Envoy. A worker without CPU time does not learn of the stop
/// either; on a quiet machine this is a few milliseconds.
fn slowest(seen: &[Answered]) -> Duration {
    let waited = seen.iter().map(|seen| match seen.evidence {
        Some(_) => seen.took.saturating_sub(HELD),
        None => seen.took,
    });
    waited.max().unwrap_or_default()
}

/// Asserts what must hold for exchanges around the stop, which is between `earliest` and `end`. For a file, Envoy's
/// counters only show that it has been accepted by now.
async fn ended(stage: &Stage, what: &str, seen: &[Answered], earliest: Instant, end: Instant) {
    let faulted = |seen: &&Answered| seen.evidence.is_some();
    let held =
        seen.iter().filter(faulted).filter(|seen| seen.sent < earliest && seen.sent + seen.took > earliest);
    let held: Vec<_> = held.collect();
    assert!(!held.is_empty(), "nothing was being held");
    for seen in seen.iter().filter(faulted) {
        assert!(seen.took >= HELD, "released early, after {:?}", seen.took);
        let evidence = seen.evidence.as_deref();
        assert!([Some("main; delay"), Some("route; delay")].contains(&evidence), "{evidence:?}");
    }
    let before = seen.iter().filter(|seen| seen.sent + seen.took < earliest);
    assert!(before.clone().all(|seen| seen.evidence.is_some()), "it ended early");
    let mut late: Vec<_> =
        seen.iter().filter(faulted).map(|seen| seen.sent.saturating_duration_since(end)).collect();
    late.sort();
    let last = late.last().copied().unwrap_or_default();
    let after = seen.iter().filter(|seen| seen.sent > end + ON_A_BUSY_MACHINE);
    println!(
        "{what}: the last fault began {last:?} after it, {} were being held, {} requests came before and {} \
         a second after",
        held.len(),
        before.count(),
        after.clone().count()
    );
    assert!(after.clone().count() > 10 && after.clone().all(|seen| seen.evidence.is_none()));
    let waited = slowest(seen);
    assert!(
        last <= IN_FORCE + waited && last <= ON_A_BUSY_MACHINE,
        "a fault began {last:?} after it, and no request waited for Envoy longer than {waited:?}"
    );
    stage.envoy.until_active(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mode_off_ends_all_faults_within_a_tenth_of_a_second() {
    let route = json!({ "rules": delay("route", None) });
    let stage = Stage::with_files(&main_document(None).to_string(), &route.to_string()).await;
    let load = stage.load(Answered::of).await;
    tokio::time::sleep(AROUND).await;
    let mut off = main_document(None);
    off["mode"] = json!("off");
    // The routes keep their documents, which no longer matter.
    let pushed = Instant::now();
    let answers = stage.push(&off.to_string(), &format!("{route} ")).await;
    let Answer::Taken { at } = answers.main else { panic!("{:?}", answers.main) };
    tokio::time::sleep(AROUND).await;
    ended(&stage, "mode off", &load.finish().await, pushed, at).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn not_after_ends_all_faults_within_a_tenth_of_a_second_and_nobody_has_to_be_there() {
    let route = json!({ "rules": delay("route", None) });
    let stage = Stage::with_files(&main_document(None).to_string(), &route.to_string()).await;
    let load = stage.load(Answered::of).await;
    let end = Instant::now() + 2 * AROUND;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("this century") + 2 * AROUND;
    let written = Timestamp(i64::try_from(since.as_micros()).expect("this century")).to_string();
    let schedule = json!({ "not_after": written });
    let route = json!({ "rules": delay("route", Some(&schedule)) });
    let answers = stage.push(&main_document(Some(&schedule)).to_string(), &route.to_string()).await;
    assert!(matches!((answers.main, answers.route), (Answer::Taken { .. }, Answer::Taken { .. })));
    tokio::time::sleep_until((end + AROUND).into()).await;
    ended(&stage, "not_after", &load.finish().await, end, end).await;
}
