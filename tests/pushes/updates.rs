//! A new document every 200 ms while requests arrive on every worker: no request is lost or follows a document that is
//! not in force, and a document with mistakes injects nothing.

use crate::control_plane::Answer;
use crate::history::{History, Outcome, Seen};
use crate::stage::Stage;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

const BETWEEN_PUSHES: Duration = Duration::from_millis(200);
/// One in this many documents has a mistake.
const ONE_IN: usize = 10;

/// The outcome of every request under an invalid document.
const UNTOUCHED: Outcome = Outcome { status: 200, evidence: None };

/// Returns how long documents keep coming: `BROWNOUT_PUSH_SECONDS`, 10 if that is not set.
fn length() -> Duration {
    let seconds = std::env::var("BROWNOUT_PUSH_SECONDS");
    let seconds = seconds.map_or(10, |text| text.parse().expect("`BROWNOUT_PUSH_SECONDS` is a number"));
    Duration::from_secs(seconds)
}

/// The rules of the document of this number, and what they do to every request.
fn rules(name: &str, number: usize) -> (Value, Outcome) {
    let name = format!("{name}-{number}");
    let faults = [json!({ "abort": { "http_status": 503 } }), json!({ "delay": { "fixed_delay": "10ms" } })];
    let (kind, status) = match number % 3 {
        0 => ("abort", 503),
        1 => ("delay", 200),
        _ => return (json!([]), Outcome { status: 200, evidence: None }),
    };
    let mut rule = faults[number % 3].clone();
    rule["name"] = json!(name);
    rule["percentage"] = json!(100);
    (json!([rule]), Outcome { status, evidence: Some(format!("{name}; {kind}")) })
}

fn main_document(number: usize) -> (String, Outcome) {
    let (rules, outcome) = rules("main", number);
    // Number and rules together make every text unique: Envoy ignores a text that it already has.
    let experiment = json!({ "id": number.to_string() });
    (json!({ "per_route": true, "experiment": experiment, "rules": rules }).to_string(), outcome)
}

fn route_document(number: usize) -> (String, Outcome) {
    let (rules, outcome) = rules("route", number);
    // Spaces: nothing else distinguishes a route's document from the previous one.
    (format!("{}{}", json!({ "rules": rules }), " ".repeat(number % 100)), outcome)
}

/// The same with a percentage that does not exist.
fn with_a_mistake(number: usize) -> String {
    json!({ "rules": [
        { "name": format!("bad-{number}"), "percentage": 101, "abort": { "http_status": 500 } },
    ] })
    .to_string()
}

async fn documents_keep_coming(stage: Stage) {
    let [mut main, mut route] = [History::default(), History::default()];
    let started = Instant::now();
    for (history, (_, outcome)) in [(&mut main, main_document(0)), (&mut route, route_document(0))] {
        history.add(outcome, started, started);
    }
    let load = stage.load(|exchange| (exchange.number % 2 == 0, Seen::of(exchange))).await;
    let mut ticks = tokio::time::interval(BETWEEN_PUSHES);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut refused = 0;
    let mut hidden = None;
    for number in 1.. {
        ticks.tick().await;
        if started.elapsed() > length() {
            break;
        }
        let is_bad = number % ONE_IN == 0;
        let (mut text, outcome) = main_document(number);
        if is_bad {
            text = with_a_mistake(number);
        }
        let (route_text, route_outcome) = route_document(number);
        let pushed = Instant::now();
        let answers = stage.push(&text, &route_text).await;
        match answers.main {
            Answer::Taken { at } if !is_bad => main.add(outcome, pushed, at),
            // An invalid document injects nothing, and neither do the rules of routes.
            Answer::Taken { at } => {
                refused += 1;
                main.add(UNTOUCHED, pushed, at);
            }
            answer => panic!("document {number}, bad: {is_bad}: {answer:?}\n{}", stage.envoy.log()),
        }
        let Answer::Taken { at } = answers.route else { panic!("{:?}", answers.route) };
        // The two arrive one after the other. Under a document that cannot be read, no route has rules; until it is in
        // force the new ones count, and after it those that were there before the next.
        route.add(hidden.take().unwrap_or(route_outcome.clone()), pushed, at);
        route.add(route_outcome.clone(), pushed, at);
        if is_bad {
            route.add(UNTOUCHED, pushed, at);
            hidden = Some(route_outcome);
        }
    }
    let (on_main, on_route): (Vec<_>, Vec<_>) = load.finish().await.into_iter().partition(|(main, _)| *main);
    let pushes = [("listener", main, on_main), ("route", route, on_route)];
    let mut reached = 0;
    for (what, history, seen) in pushes {
        let seen: Vec<Seen> = seen.into_iter().map(|(_, seen)| seen).collect();
        let wrong = history.wrong(&seen);
        assert!(wrong.is_empty(), "{} of {} are wrong, such as {:?}", wrong.len(), seen.len(), wrong[0]);
        reached += seen.iter().filter(|seen| seen.outcome.as_ref().is_some_and(|o| o.status == 200)).count();
        let lateness = history.lateness(&seen);
        println!("{what}: {} documents, {} requests; in force: {lateness}", history.len(), seen.len());
        lateness.is_bounded();
    }
    println!("{refused} documents refused");
    assert!(refused > 0, "no document had a mistake");
    assert_eq!(stage.upstream.count(), reached, "requests that reached the upstream");
    let stats = stage.envoy.stats().await;
    assert_eq!(stats.value("host_errors"), 0, "{stats}");
    assert_eq!(stats.value("route_config_rejected"), 0, "{stats}");
    assert!(stage.envoy.is_alive(), "Envoy has ended:\n{}", stage.envoy.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_control_plane_that_never_rests_loses_no_request() {
    let stage = Stage::with_control_plane(&main_document(0).0, &route_document(0).0).await;
    documents_keep_coming(stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_map_that_never_rests_loses_no_request() {
    let stage = Stage::with_files(&main_document(0).0, &route_document(0).0).await;
    documents_keep_coming(stage).await;
}
