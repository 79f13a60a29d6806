//! The end of a document: told once, on time, by one worker.

use crate::common;

use brownout_core::engine::event::Event;
use brownout_core::limit::tally::LocalTally;
use brownout_core::step::HeadersStep;
use brownout_core::value::timestamp::Timestamp;
use common::{Move, Proxy, Scripted, Steps, at};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const MINUTE: u64 = 60_000;
const NOON: &str = "2026-11-22T12:00:00Z";

fn rule(name: &str, more: &str) -> String {
    format!(r#"{{"name":"{name}","percentage":100,{more}"abort":{{"http_status":503}}}}"#)
}

fn until(name: &str, end: &str) -> String {
    rule(name, &format!(r#""schedule":{{"not_after":"{end}"}},"#))
}

fn document(rules: &[String]) -> String {
    format!(r#"{{"rules":[{}]}}"#, rules.join(","))
}

fn worker(document: &str, tally: &LocalTally) -> Proxy<Scripted> {
    common::sharing(document, tally)
}

/// Asks at a time, and whenever the engine wants to be asked until another time: what it says, and when.
fn said(worker: &mut Proxy<Scripted>, from: u64, to: u64, wall: &str) -> Vec<(u64, Event)> {
    let begin = Timestamp::parse(wall).expect("a time");
    let mut said = Vec::new();
    let mut now = from;
    while now <= to {
        worker.clocks.at(now).wall_at(wall);
        worker.clocks.wall_by(i64::try_from((now - from) * 1_000).expect("not that long"));
        worker.engine.look_at_clock(at(now), &worker.clocks);
        said.extend(worker.events().into_iter().map(|event| (now, event)));
        let Some(next) = worker.engine.poll_timeout() else { break };
        assert!(next > at(now), "asked in vain at {now}, from {begin}");
        now = u64::try_from(next.0.as_millis()).expect("not that long");
    }
    said
}

fn expired(time: &str) -> Event {
    Event::Expired(Timestamp::parse(time).expect("a time"))
}

#[test]
fn it_is_told_when_the_last_rule_is_over() {
    let document = document(&[until("a", "2026-11-22T12:03:30Z"), until("b", "2026-11-22T12:01:00Z")]);
    let mut worker = worker(&document, &LocalTally::default());
    let told = (5 * MINUTE + 210_000, expired("2026-11-22T12:03:30Z"));
    assert_eq!(said(&mut worker, 5 * MINUTE, 60 * MINUTE, NOON), [told]);
    assert_eq!(worker.engine.poll_timeout(), None);
    assert_eq!(worker.request(1, &common::get(&[])), HeadersStep::Continue);
}

#[test]
fn it_is_told_at_once_of_a_document_that_comes_too_late() {
    let mut worker = worker(&document(&[until("a", NOON)]), &LocalTally::default());
    assert_eq!(said(&mut worker, 7, MINUTE, NOON), [(7, expired(NOON))]);
}

#[test]
fn one_worker_tells_it_for_all() {
    let tally = LocalTally::default();
    let document = document(&[until("a", NOON)]);
    let mut workers = [(); 4].map(|()| worker(&document, &tally));
    let told = workers.each_mut().map(|worker| said(worker, 0, MINUTE, NOON).len());
    assert_eq!(told, [1, 0, 0, 0]);
}

/// Somebody sets the clock by an hour, one way or the other: it is told within a minute, and not before.
#[test]
fn a_clock_that_is_set_does_not_put_it_off_for_long() {
    let mut ahead = worker(&document(&[until("a", "2026-11-22T13:30:00Z")]), &LocalTally::default());
    assert_eq!(said(&mut ahead, 0, 30_000, NOON), []);
    assert_eq!(ahead.engine.poll_timeout(), Some(at(MINUTE)));
    assert_eq!(said(&mut ahead, MINUTE, MINUTE, "2026-11-22T14:00:00Z").len(), 1);
    let mut back = worker(&document(&[until("a", "2026-11-22T12:00:30Z")]), &LocalTally::default());
    assert_eq!(said(&mut back, 0, 10_000, NOON), []);
    assert_eq!(said(&mut back, 30_000, 31_000, "2026-11-22T11:00:00Z"), []);
    assert_eq!(back.engine.poll_timeout(), Some(at(90_000)));
}

#[test]
fn a_document_with_a_rule_that_goes_on_has_no_end() {
    let with = |more: &str| document(&[until("a", NOON), rule("b", more)]);
    let cases = [
        (with(""), false),
        (with(r#""schedule":{"not_before":"2026-11-22T00:00:00Z"},"#), false),
        (with(r#""mode":"off","#), true),
        (with(r#""match":{"node":{"id":{"exact":"elsewhere"}}},"#), true),
        (document(&[until("a", NOON)]).replacen('{', r#"{"per_route":true,"#, 1), false),
        (document(&[until("a", NOON)]).replacen('{', r#"{"mode":"shadow","#, 1), true),
        (document(&[until("a", NOON)]).replacen('{', r#"{"mode":"off","#, 1), false),
        (document(&[]), false),
        (String::new(), false),
    ];
    for (document, ends) in cases {
        let mut worker = worker(&document, &LocalTally::default());
        assert_eq!(said(&mut worker, 0, MINUTE, NOON).len(), usize::from(ends), "{document}");
        assert_eq!(worker.engine.poll_timeout(), None, "{document}");
    }
}
