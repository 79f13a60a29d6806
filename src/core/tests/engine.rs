//! The engine under simulated time: every step, every event, every instant.

use crate::common;

use brownout_core::engine::event::Event;
use brownout_core::engine::event::Event::{Activated, Delayed, Fault, Injected, Matched, Released, Shadowed};
use brownout_core::id::Direction;
use brownout_core::kind::Kind::{Abort, Delay};
use brownout_core::step::{HeadersStep, LocalReply, Release};
use brownout_core::value::grpc::GrpcStatus;
use common::{FIRST, Head, Move, NOTHING, SECOND, Steps, at, id, mark, suffering};
use std::time::Duration;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const DELAY: &str = r#""delay":{"fixed_delay":"250ms"}"#;
const ABORT: &str = r#""abort":{"http_status":503}"#;
const BOTH: &str = r#""delay":{"fixed_delay":"250ms"},"abort":{"http_status":503}"#;
const QUARTER: Duration = Duration::from_millis(250);

/// A reply of rule `r` without anything that a document would have to say.
fn reply(status: u16, evidence: &str) -> LocalReply {
    LocalReply {
        status,
        grpc_status: None,
        headers: vec![("x-brownout".into(), evidence.into())],
        body: "fault filter abort".into(),
        details: "brownout_abort",
    }
}

fn get() -> Head {
    common::get(&[])
}

fn fault(kind: brownout_core::kind::Kind) -> Event {
    Fault { rule: FIRST, kind }
}

#[test]
fn a_delayed_request_is_forwarded_when_its_time_has_come_and_its_response_is_marked() {
    let mut worker = common::proxy(&suffering(DELAY), &[]);
    worker.clocks.at(1_000);
    assert_eq!(worker.request(7, &get()), HeadersStep::Hold(vec![]));
    assert_eq!(worker.events(), [Matched(FIRST), Injected(FIRST), fault(Delay), Delayed(QUARTER), Activated]);
    assert_eq!(worker.rest(), (1, Some(at(1_250))));
    assert_eq!(worker.due(1_249), []);
    assert_eq!(worker.due(1_250), [(7, Release::Resume(Direction::Request))]);
    assert_eq!(worker.events(), [Released]);
    assert_eq!(worker.rest(), NOTHING);
    assert_eq!(worker.response(7), mark("r; delay"));
    assert_eq!(worker.response(7), HeadersStep::Continue, "once");
    worker.end(id(7));
    assert_eq!((worker.events(), worker.due(u64::MAX / 2)), (vec![], vec![]));
}

#[test]
fn a_request_is_held_and_then_answered_when_it_is_delayed_and_aborted() {
    let mut worker = common::proxy(&suffering(BOTH), &[]);
    assert_eq!(worker.request(1, &get()), HeadersStep::Hold(vec![]));
    assert_eq!(worker.events(), [Matched(FIRST), Injected(FIRST), fault(Delay), Delayed(QUARTER), Activated]);
    assert_eq!(worker.due(250), [(1, Release::Reply(Direction::Request, reply(503, "r; delay; abort")))]);
    assert_eq!(worker.events(), [fault(Abort), Released]);
    assert_eq!(worker.response(1), HeadersStep::Continue, "the reply is marked already");
    worker.end(id(1));
    assert_eq!((worker.rest(), worker.events()), (NOTHING, vec![]));
}

#[test]
fn an_abort_alone_answers_at_once_and_leaves_nothing_behind() {
    let mut worker = common::proxy(&suffering(ABORT), &[]);
    worker.clocks.broken.set(true);
    assert_eq!(
        worker.request(1, &get()),
        HeadersStep::Reply(reply(503, "r; abort")),
        "without asking the clock"
    );
    assert_eq!(worker.events(), [Matched(FIRST), Injected(FIRST), fault(Abort)]);
    assert_eq!(worker.rest(), NOTHING);
    assert_eq!(worker.response(1), HeadersStep::Continue);
    worker.end(id(1));
    assert_eq!(worker.events(), []);
}

#[test]
fn a_reply_has_the_body_and_the_headers_of_the_document_and_the_mark_last() {
    let abort =
        r#""abort":{"http_status":200,"body":"","headers":{"Retry-After":"1","set-cookie":["a","b"]}}"#;
    let mut worker = common::proxy(&suffering(abort), &[]);
    let headers =
        [("retry-after", "1"), ("set-cookie", "a"), ("set-cookie", "b"), ("x-brownout", "r; abort")];
    let headers = headers.map(|(name, value)| (name.into(), value.into())).into();
    let expected = LocalReply { headers, body: Vec::new(), ..reply(200, "") };
    assert_eq!(worker.request(1, &get()), HeadersStep::Reply(expected));
}

#[test]
fn a_status_without_a_body_has_none_and_a_message_for_grpc_all_the_same() {
    for status in [204, 304] {
        let mut worker = common::proxy(&suffering(&format!(r#""abort":{{"http_status":{status}}}"#)), &[]);
        let expected = LocalReply { body: Vec::new(), ..reply(status, "r; abort") };
        assert_eq!(worker.request(1, &get()), HeadersStep::Reply(expected));
        let grpc = common::get(&[("content-type", "application/grpc")]);
        assert_eq!(worker.request(2, &grpc), HeadersStep::Reply(reply(status, "r; abort")));
    }
}

#[test]
fn a_grpc_status_is_sent_to_grpc_and_its_http_status_to_others() {
    let grpc = || common::get(&[("content-type", "application/grpc+proto")]);
    for (written, code, http) in [
        ("14", 14, 503),
        (r#""RESOURCE_EXHAUSTED""#, 8, 429),
        ("0", 0, 200),
        (r#""CANCELED""#, 1, 499),
        ("16", 16, 401),
    ] {
        let mut worker = common::proxy(&suffering(&format!(r#""abort":{{"grpc_status":{written}}}"#)), &[]);
        let expected = LocalReply { grpc_status: GrpcStatus::new(code), ..reply(http, "r; abort") };
        assert_eq!(worker.request(1, &grpc()), HeadersStep::Reply(expected), "{written}");
        assert_eq!(worker.request(2, &get()), HeadersStep::Reply(reply(http, "r; abort")), "{written}");
    }
    let mut worker = common::proxy(&suffering(ABORT), &[]);
    let mapped_by_the_host = HeadersStep::Reply(reply(503, "r; abort"));
    assert_eq!(worker.request(1, &grpc()), mapped_by_the_host);
}

/// Three rules: half of what has `x-a` is answered 500, all that has `x-b` 501, a quarter of the rest 502.
const THREE: &str = r#"{"rules":[
    {"name":"a","match":{"headers":[{"name":"x-a"}]},"percentage":50,"abort":{"http_status":500}},
    {"name":"b","match":{"headers":[{"name":"x-b"}]},"percentage":100,"abort":{"http_status":501}},
    {"name":"c","percentage":{"numerator":250000,"denominator":"MILLION"},"abort":{"http_status":502}}]}"#;

#[test]
fn the_first_rule_that_matches_and_takes_a_request_is_the_only_one() {
    let (in_, out) = (0, 999_999);
    let third = brownout_core::id::RuleId(2);
    for (headers, draws, status, matched) in [
        (["x-a", "x-b"].as_slice(), [in_].as_slice(), 500, vec![FIRST]),
        (&["x-a", "x-b"], &[out], 501, vec![FIRST, SECOND]),
        (&["x-b"], &[], 501, vec![SECOND]),
        (&["x-a"], &[out, in_], 502, vec![FIRST, third]),
        (&["x-a"], &[out, out], 0, vec![FIRST, third]),
        (&[], &[249_999], 502, vec![third]),
        (&[], &[250_000], 0, vec![third]),
    ] {
        let mut worker = common::proxy(THREE, draws);
        let headers: Vec<(&str, &str)> = headers.iter().map(|name| (*name, "")).collect();
        let status_of = |step| match step {
            HeadersStep::Reply(reply) => reply.status,
            step => u16::from(step != HeadersStep::Continue),
        };
        let got = status_of(worker.request(1, &common::get(&headers)));
        let taken = matched.last().copied().filter(|_| status != 0);
        let mut events: Vec<Event> = matched.iter().map(|rule| Matched(*rule)).collect();
        events.extend(taken.into_iter().flat_map(|rule| [Injected(rule), Fault { rule, kind: Abort }]));
        assert_eq!((got, worker.events(), worker.rest()), (status, events, NOTHING), "{headers:?} {draws:?}");
        worker.end(id(1));
    }
}

#[test]
fn each_fault_has_a_draw_of_its_own_once_the_rule_has_taken_the_request() {
    let document = r#"{"rules":[{"name":"r","percentage":{"numerator":500000,"denominator":"MILLION"},
        "delay":{"fixed_delay":"250ms","percentage":{"numerator":200000,"denominator":"MILLION"}},
        "abort":{"http_status":503,"percentage":{"numerator":50000,"denominator":"MILLION"}}}]}"#;
    let kinds = |draws: &[u64]| {
        let mut worker = common::proxy(document, draws);
        let _ = worker.request(1, &get());
        let _ = worker.due(250);
        worker.events().into_iter().filter(|event| !matches!(event, Matched(_))).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&[500_000]), [], "not taken");
    assert_eq!(kinds(&[499_999, 200_000, 50_000]), [], "taken, and neither fault: nothing was injected");
    let delayed = [Injected(FIRST), fault(Delay), Delayed(QUARTER), Activated];
    assert_eq!(kinds(&[0, 199_999, 50_000]), [&delayed[..], &[Released]].concat());
    assert_eq!(kinds(&[0, 200_000, 49_999]), [Injected(FIRST), fault(Abort)]);
    assert_eq!(kinds(&[0, 199_999, 49_999]), [&delayed[..], &[fault(Abort), Released]].concat());
}

#[test]
fn a_rule_that_took_a_request_and_did_nothing_hides_it_from_later_rules() {
    let document = r#"{"rules":[{"name":"a","percentage":100,"abort":{"http_status":500,"percentage":0}},
        {"name":"b","percentage":100,"abort":{"http_status":501}}]}"#;
    let mut worker = common::proxy(document, &[]);
    assert_eq!(worker.request(1, &get()), HeadersStep::Continue);
    assert_eq!((worker.events(), worker.rest()), (vec![Matched(FIRST)], NOTHING));
}

#[test]
fn shadow_counts_and_does_not_touch() {
    let shadow = |document: &str| document.replacen('{', r#"{"mode":"shadow","#, 1);
    for faults in [DELAY, ABORT, BOTH] {
        let mut worker = common::proxy(&shadow(&suffering(faults)), &[]);
        assert_eq!(worker.request(1, &get()), HeadersStep::Continue);
        assert_eq!(worker.events(), [Matched(FIRST), Shadowed(FIRST)]);
        assert_eq!(worker.rest(), NOTHING);
        assert_eq!(worker.response(1), HeadersStep::Continue);
    }
    let mut worker =
        common::proxy(&shadow(&suffering(ABORT).replace("\"percentage\":100", "\"percentage\":0")), &[]);
    assert_eq!((worker.request(1, &get()), worker.events()), (HeadersStep::Continue, vec![Matched(FIRST)]));
}

#[test]
fn the_lesser_of_the_modes_of_rule_and_document_is_in_force() {
    for (document, rule, expected) in [
        ("inject", "inject", vec![Matched(FIRST), Injected(FIRST), fault(Abort)]),
        ("inject", "shadow", vec![Matched(FIRST), Shadowed(FIRST)]),
        ("shadow", "inject", vec![Matched(FIRST), Shadowed(FIRST)]),
        ("inject", "off", vec![]),
        ("shadow", "off", vec![]),
        ("off", "inject", vec![]),
    ] {
        let text = suffering(&format!(r#""mode":"{rule}",{ABORT}"#));
        let mut worker = common::proxy(&text.replacen('{', &format!("{{\"mode\":\"{document}\","), 1), &[]);
        let _ = worker.request(1, &get());
        assert_eq!(worker.events(), expected, "{document} {rule}");
    }
}

#[test]
fn a_rule_that_is_off_leaves_its_requests_to_the_next() {
    let document = r#"{"rules":[{"name":"a","mode":"off","percentage":100,"abort":{"http_status":500}},
        {"name":"b","percentage":100,"abort":{"http_status":501}}]}"#;
    let mut worker = common::proxy(document, &[]);
    assert_eq!(worker.request(1, &get()), HeadersStep::Reply(reply(501, "b; abort")));
    assert_eq!(worker.events(), [Matched(SECOND), Injected(SECOND), Fault { rule: SECOND, kind: Abort }]);
}

#[test]
fn a_client_that_leaves_while_it_waits_is_forgotten_once() {
    for faults in [DELAY, BOTH] {
        let mut worker = common::proxy(&suffering(faults), &[]);
        assert_eq!(worker.request(1, &get()), HeadersStep::Hold(vec![]));
        worker.clocks.at(100);
        assert_eq!(worker.request(2, &get()), HeadersStep::Hold(vec![]));
        let _ = worker.events();
        worker.end(id(1));
        assert_eq!((worker.events(), worker.rest()), (vec![Released], (1, Some(at(350)))));
        worker.end(id(1));
        assert_eq!((worker.events(), worker.rest()), (vec![], (1, Some(at(350)))));
        assert_eq!(worker.response(1), HeadersStep::Continue);
        assert_eq!(worker.due(349), []);
        assert_eq!(worker.due(10_000).iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2]);
        assert_eq!(worker.rest(), NOTHING);
    }
}

#[test]
fn an_exchange_that_is_unknown_ends_without_a_trace() {
    let mut worker = common::proxy(&suffering(DELAY), &[]);
    worker.end(id(9));
    assert_eq!(worker.response(9), HeadersStep::Continue);
    assert_eq!((worker.events(), worker.rest(), worker.due(1_000)), (vec![], NOTHING, vec![]));
}

#[test]
fn a_forwarded_exchange_that_ends_without_a_response_is_forgotten() {
    let mut worker = common::proxy(&suffering(DELAY), &[]);
    let _ = worker.request(1, &get());
    let _ = worker.due(250);
    let _ = worker.events();
    worker.end(id(1));
    assert_eq!(worker.response(1), HeadersStep::Continue);
    assert_eq!((worker.events(), worker.rest()), (vec![], NOTHING));
    // The number is free again.
    worker.clocks.at(300);
    assert_eq!(worker.request(1, &get()), HeadersStep::Hold(vec![]));
    assert_eq!(worker.rest(), (1, Some(at(550))));
}

#[test]
fn a_reply_of_the_proxy_itself_is_marked_with_what_had_begun() {
    for faults in [DELAY, BOTH] {
        let mut worker = common::proxy(&suffering(faults), &[]);
        let _ = worker.request(1, &get());
        let _ = worker.events();
        assert_eq!(worker.response(1), mark("r; delay"));
        assert_eq!((worker.events(), worker.rest()), (vec![Released], NOTHING), "no abort is counted");
        worker.end(id(1));
        assert_eq!((worker.events(), worker.due(1_000)), (vec![], vec![]));
    }
}

#[test]
fn nothing_is_held_by_a_clock_that_cannot_be_read() {
    for faults in [DELAY, BOTH] {
        let mut worker = common::proxy(&suffering(faults), &[]);
        worker.clocks.broken.set(true);
        assert_eq!(worker.request(1, &get()), HeadersStep::Continue);
        assert_eq!((worker.events(), worker.rest()), (vec![Matched(FIRST)], NOTHING));
        assert_eq!(worker.response(1), HeadersStep::Continue);
        worker.clocks.broken.set(false);
        assert_eq!(worker.request(2, &get()), HeadersStep::Hold(vec![]), "and it recovers");
    }
}

#[test]
fn a_worker_that_cannot_hold_counts_no_fault_that_lasts_and_spends_no_limit_on_it() {
    let lasting = [
        DELAY,
        BOTH,
        r#""hang":{"max":"1s"}"#,
        r#""request_rate_limit":{"fixed_limit":{"limit_kbps":1}}"#,
        r#""response_rate_limit":{"fixed_limit":{"limit_kbps":1}}"#,
        r#""response":{"delay":{"fixed_delay":"1s"}}"#,
        r#""response":{"match":{"status":200},"delay":{"fixed_delay":"1s"}}"#,
    ];
    for faults in lasting {
        for mode in ["inject", "shadow"] {
            let rule = format!(
                r#"{{"name":"r","mode":"{mode}","percentage":100,"limits":{{"max_faults":1}},{faults}}}"#
            );
            let mut worker = common::proxy(&format!(r#"{{"rules":[{rule}]}}"#), &[]);
            worker.engine.set_can_hold(false);
            for number in 1..=3 {
                assert_eq!(worker.request(number, &get()), HeadersStep::Continue, "{faults}");
                assert_eq!(worker.response(number), HeadersStep::Continue, "{faults}");
                worker.end(id(number));
            }
            assert_eq!((worker.events(), worker.rest()), (vec![Matched(FIRST); 3], NOTHING), "{faults}");
            worker.engine.set_can_hold(true);
            let _ = worker.request(4, &get());
            let _ = worker.response(4);
            let begun = |event: &Event| matches!(event, Event::Injected(_) | Event::Shadowed(_));
            assert!(worker.events().iter().any(begun), "{mode} {faults}: its limit was spent on nothing");
        }
    }
}

#[test]
fn what_the_host_cannot_time_is_taken_back_before_it_is_counted() {
    for faults in [DELAY, BOTH, r#""hang":{"max":"1s"}"#] {
        let mut worker = common::proxy(&suffering(faults), &[]);
        assert_eq!(worker.request(1, &get()), HeadersStep::Hold(vec![]));
        assert!(worker.engine.has_deadlines());
        worker.engine.give_up(id(1));
        assert_eq!(worker.events(), [Matched(FIRST), Event::Activated, Event::Released], "{faults}");
        assert_eq!((worker.rest(), worker.due(10_000)), (NOTHING, vec![]));
        assert_eq!(worker.response(1), HeadersStep::Continue);
        worker.engine.give_up(id(1));
        assert_eq!(worker.events(), []);
    }
}

#[test]
fn what_the_host_cannot_time_uses_up_no_limit() {
    for limits in [r#"{"max_faults":1}"#, r#"{"max_faults_per_second":1}"#, r#"{"max_active_faults":1}"#] {
        for place in [format!(r#"{{"limits":{limits},"rules":["#), r#"{"rules":["#.into()] {
            let own = if place.contains("limits") { String::new() } else { format!(r#""limits":{limits},"#) };
            let document = format!(r#"{place}{{"name":"r","percentage":100,{own}{DELAY}}}]}}"#);
            let mut worker = common::proxy(&document, &[]);
            for number in 1..4 {
                assert_eq!(worker.request(number, &get()), HeadersStep::Hold(vec![]), "{document}: {number}");
                worker.engine.give_up(id(number));
            }
            assert_eq!(worker.request(4, &get()), HeadersStep::Hold(vec![]), "{document}");
            assert_eq!(worker.request(5, &get()), HeadersStep::Continue, "{document}");
        }
    }
}

#[test]
fn a_response_that_the_host_cannot_time_gives_nothing_back_that_others_have_spent() {
    let document = r#"{"limits":{"max_faults":2},"rules":[
        {"name":"a","match":{"path":{"exact":"/a"}},"percentage":100,
          "response":{"delay":{"fixed_delay":"1s"}}},
        {"name":"b","percentage":100,"abort":{"http_status":503}}]}"#;
    let mut worker = common::proxy(document, &[]);
    let a = common::head(&[(":method", b"GET"), (":path", b"/a"), (":authority", b"shop")]);
    assert_eq!(worker.request(1, &a), HeadersStep::Continue);
    assert_eq!(worker.status(&get()), 503, "the second of two");
    assert!(matches!(worker.response(1), HeadersStep::Hold(_)));
    worker.engine.give_up(id(1));
    assert_eq!(worker.status(&get()), 0, "both have been injected");
}

#[test]
fn a_response_is_not_held_by_a_worker_that_has_lost_its_tick() {
    let mut worker = common::proxy(&suffering(r#""response":{"delay":{"fixed_delay":"1s"}}"#), &[]);
    assert_eq!(worker.request(1, &get()), HeadersStep::Continue);
    worker.engine.set_can_hold(false);
    assert_eq!(worker.response(1), HeadersStep::Continue);
    let delayed = |event: &Event| matches!(event, Event::Delayed(_) | Event::Fault { .. });
    assert!(!worker.events().iter().any(delayed));
    assert_eq!(worker.rest(), NOTHING);
}

#[test]
fn requests_that_no_rule_takes_leave_nothing_behind() {
    let document = r#"{"rules":[{"name":"r","match":{"methods":["PUT"]},"percentage":100,"abort":{"http_status":500}},
        {"name":"never","percentage":0,"delay":{"fixed_delay":"1h"}}]}"#;
    let mut worker = common::proxy(document, &[]);
    for number in 0..100 {
        assert_eq!(worker.request(number, &get()), HeadersStep::Continue);
        assert_eq!(worker.response(number), HeadersStep::Continue);
        worker.end(id(number));
    }
    assert_eq!((worker.events(), worker.rest()), (vec![Matched(SECOND); 100], NOTHING));
    let mut worker = common::proxy("{}", &[]);
    assert_eq!((worker.request(1, &get()), worker.events()), (HeadersStep::Continue, vec![]));
}

/// `x-slow: 1` waits for 300 ms, all others for 100 ms.
const TWO_SPEEDS: &str = r#"{"rules":[
    {"name":"slow","match":{"headers":[{"name":"x-slow"}]},"percentage":100,"delay":{"fixed_delay":"300ms"}},
    {"name":"fast","percentage":100,"delay":{"fixed_delay":"100ms"}}]}"#;

#[test]
fn exchanges_come_out_in_the_order_of_their_deadlines() {
    let mut worker = common::proxy(TWO_SPEEDS, &[]);
    let slow = common::get(&[("x-slow", "1")]);
    for (now, number, request, head) in [
        (0, 1, &slow, 300),
        (10, 2, &get(), 110),
        (20, 3, &slow, 110),
        (200, 4, &get(), 110),
        (200, 5, &get(), 110),
        (220, 6, &get(), 110),
    ] {
        worker.clocks.at(now);
        assert_eq!(worker.request(number, request), HeadersStep::Hold(vec![]));
        assert_eq!(worker.engine.poll_timeout(), Some(at(head)), "it moves only for what is due earlier");
    }
    let order = |due: Vec<(u32, Release)>| due.into_iter().map(|(id, _)| id).collect::<Vec<_>>();
    assert_eq!(order(worker.due(109)), [0; 0]);
    assert_eq!(order(worker.due(110)), [2]);
    assert_eq!(worker.rest(), (5, Some(at(300))));
    worker.end(id(4));
    assert_eq!(worker.rest(), (4, Some(at(300))), "not the head: it stays");
    worker.end(id(1));
    assert_eq!(worker.rest(), (3, Some(at(300))), "4 and 5 were due with it; 5 still is");
    worker.end(id(5));
    assert_eq!(worker.rest(), (2, Some(at(320))));
    assert_eq!(order(worker.due(9_999)), [3, 6]);
    assert_eq!(worker.rest(), NOTHING);
}

#[test]
fn thousands_that_are_due_at_once_can_be_taken_in_turns() {
    let mut worker = common::proxy(&suffering(BOTH), &[]);
    for number in 0..3_000 {
        assert_eq!(worker.request(number, &get()), HeadersStep::Hold(vec![]));
    }
    let mut released = Vec::new();
    while worker.engine.poll_timeout() == Some(at(250)) {
        released.extend((0..50).filter_map(|_| worker.next_due(at(251))).map(|(id, _)| id.0));
        assert_eq!(worker.engine.active(), 3_000 - released.len());
    }
    assert_eq!(released, (0..3_000).collect::<Vec<_>>());
    assert_eq!(worker.rest(), NOTHING);
}

#[test]
fn a_clock_that_goes_back_releases_nothing_early() {
    let mut worker = common::proxy(&suffering(DELAY), &[]);
    worker.clocks.at(1_000);
    let _ = worker.request(1, &get());
    worker.clocks.at(500);
    let _ = worker.request(2, &get());
    assert_eq!(worker.rest(), (2, Some(at(750))));
    assert_eq!(worker.due(400), []);
    assert_eq!(worker.due(750), [(2, Release::Resume(Direction::Request))]);
    assert_eq!(worker.due(0), []);
    assert_eq!(worker.due(1_250), [(1, Release::Resume(Direction::Request))]);
}

#[test]
fn a_clock_at_its_end_does_not_overflow() {
    let mut worker = common::proxy(&suffering(r#""delay":{"fixed_delay":"1h"}"#), &[]);
    worker.clocks.at(u64::MAX);
    assert_eq!(worker.request(1, &get()), HeadersStep::Hold(vec![]));
    let (due, last) = (worker.engine.poll_timeout().unwrap(), brownout_core::time::Instant(Duration::MAX));
    assert_eq!(due, at(u64::MAX).after(Duration::from_secs(3_600)));
    assert_eq!(last.after(Duration::from_secs(3_600)), last);
    assert_eq!(worker.next_due(last), Some((id(1), Release::Resume(Direction::Request))));
}
