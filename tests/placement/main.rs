//! One experiment, in three places: how the caller's retries, timeouts and outlier detection react to it.
//!
//! A client asks the caller's proxy, which asks the callee's proxy, which asks the service. The caller tries up to three
//! times, waits [`PER_TRY`] for each (longer where no try should time out), and ejects a host after three failures in a
//! row. The numbers are those of the table in docs/placement.md.

mod stage;

use serde_json::{Value, json};
use stage::{DELAY, PER_TRY, Place, Seen, seen};
use std::fs;
use std::time::Duration;

fn abort(place: Place) -> Value {
    document(place, &json!({ "abort": { "http_status": 503 } }))
}

fn delay(place: Place) -> Value {
    document(place, &json!({ "delay": { "fixed_delay": format!("{}s", DELAY.as_secs()) } }))
}

fn document(place: Place, fault: &Value) -> Value {
    let mut rule = json!({ "name": "experiment", "percentage": 100 });
    let fields = fault.as_object().expect("a fault").clone();
    rule.as_object_mut().expect("a rule").extend(fields);
    let placement = if place == Place::Upstream { "upstream" } else { "downstream" };
    json!({ "placement": placement, "rules": [rule] })
}

/// Asserts that the page's table shows exactly what was measured here.
fn assert_shown(fault: &str, place: &str, seen: &Seen, time: &str) {
    let Seen { attempts, arrived, status, ejections, .. } = seen;
    let row = format!("| {fault} | {place} | {attempts} | {arrived} | {status} | {ejections} | {time} |");
    let page = fs::read_to_string(support::repository::root().join("docs/placement.md")).expect("the page");
    assert!(page.contains(&row), "docs/placement.md has no line\n{row}");
}

const AT_ONCE: &str = "at once";
const THE_DELAY: &str = "3 s";
const ALL_TRIES: &str = "0.45 s";

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_before_the_router_is_felt_by_the_client_alone() {
    let ours = seen(Place::Downstream, &abort(Place::Downstream)).await;
    assert_shown("abort 503", "the caller's listener", &ours, AT_ONCE);
    let native = json!({ "abort": { "http_status": 503, "percentage": { "numerator": 100 } } });
    let native = seen(Place::Native, &native).await;
    assert_shown("abort 503", "Envoy's own filter", &native, AT_ONCE);
    assert_eq!((ours.attempts, ours.arrived, ours.status, ours.ejections), (0, 0, 503, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_by_the_callee_is_retried_and_ejects_it() {
    let seen = seen(Place::Inbound, &abort(Place::Inbound)).await;
    assert_eq!((seen.attempts, seen.arrived, seen.status, seen.ejections), (3, 0, 503, 1));
    assert_shown("abort 503", "the callee's listener", &seen, AT_ONCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_before_the_router_is_waited_for_once() {
    let native = json!({ "delay": { "fixed_delay": format!("{}s", DELAY.as_secs()), "percentage": { "numerator": 100 } } });
    let document = delay(Place::Downstream);
    let (ours, native) = tokio::join!(seen(Place::Downstream, &document), seen(Place::Native, &native));
    for (place, seen) in [("the caller's listener", ours), ("Envoy's own filter", native)] {
        assert_eq!((seen.attempts, seen.arrived, seen.status, seen.ejections), (1, 1, 200, 0), "{place}");
        // Envoy's own timers count whole milliseconds, and may be early by one.
        assert!(seen.elapsed >= DELAY - Duration::from_millis(2), "{place}: {:?}", seen.elapsed);
        assert_shown("delay 3 s", place, &seen, THE_DELAY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_by_the_callee_runs_into_the_timeout_of_each_try() {
    let seen = seen(Place::Inbound, &delay(Place::Inbound)).await;
    assert_eq!((seen.attempts, seen.arrived, seen.status, seen.ejections), (3, 0, 504, 1));
    assert_all_tries(&seen);
    assert_shown("delay 3 s", "the callee's listener", &seen, ALL_TRIES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_in_the_cluster_runs_into_the_timeout_of_each_try() {
    let seen = seen(Place::Upstream, &delay(Place::Upstream)).await;
    assert_eq!((seen.attempts, seen.arrived, seen.status, seen.ejections), (3, 0, 504, 1));
    assert_all_tries(&seen);
    assert_shown("delay 3 s", "the caller's cluster", &seen, ALL_TRIES);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_abort_in_the_cluster_is_retried_and_ejects_the_host() {
    let seen = seen(Place::Upstream, &abort(Place::Upstream)).await;
    assert_eq!((seen.attempts, seen.arrived, seen.status, seen.ejections), (3, 3, 503, 1));
    assert_eq!(seen.logged, (Some("via_upstream".into()), Some("abort".into())));
    assert_shown("abort 503", "the caller's cluster", &seen, AT_ONCE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_placement_that_is_not_where_the_filter_stands_is_not_retried() {
    let (upstream, downstream) = (abort(Place::Upstream), abort(Place::Downstream));
    let (listener, cluster) =
        tokio::join!(seen(Place::Downstream, &upstream), seen(Place::Upstream, &downstream));
    // The filter answers before there is a connection to try on.
    let numbers = |seen: &Seen| (seen.attempts, seen.arrived, seen.status, seen.ejections);
    assert_eq!((numbers(&listener), numbers(&cluster)), ((1, 1, 503, 0), (0, 0, 503, 0)));
}

/// Asserts that the request took three tries' timeouts, and none of the delay.
fn assert_all_tries(seen: &Seen) {
    assert!(seen.elapsed >= 3 * PER_TRY && seen.elapsed < DELAY, "{:?}", seen.elapsed);
}
