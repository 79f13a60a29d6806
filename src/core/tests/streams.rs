//! Faults on streams and responses under simulated time: what happens to headers, bodies and trailers, and that nothing
//! is left behind.

use crate::common;

use brownout_core::engine::event::Event;
use brownout_core::entropy::Entropy;
use brownout_core::id::Direction;
use brownout_core::step::HeaderChange::{Add, Remove, Set};
use brownout_core::step::{DataStep, DataThen, HeadersStep, Release, TrailersStep};
use common::{FIRST, Head, Move, NOTHING, Proxy, Steps, id, mark, suffering};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

pub fn get() -> Head {
    common::get(&[])
}

/// Creates a gRPC request over HTTP/2.
pub fn call() -> Head {
    Head { is_http2: true, ..grpc_over_http1() }
}

pub fn grpc_over_http1() -> Head {
    common::get(&[("content-type", "application/grpc")])
}

/// A call under this fault that has been forwarded, and its response begun.
pub fn called(faults: &str) -> Proxy<common::Scripted> {
    let mut worker = common::proxy(&suffering(faults), &[]);
    assert_eq!(worker.request(1, &call()), HeadersStep::Continue);
    let response = common::response(200, &[("content-type", "application/grpc")]);
    assert_eq!(answer(&mut worker, &response), mark("r; response_rate_limit"));
    worker
}

fn forwarded<E: Entropy>(faults: &str, worker: impl Fn(&str) -> Proxy<E>) -> Proxy<E> {
    let mut worker = worker(&suffering(faults));
    assert_eq!(worker.request(1, &get()), HeadersStep::Continue);
    worker
}

pub fn certain(faults: &str) -> Proxy<common::Scripted> {
    forwarded(faults, |document| common::proxy(document, &[]))
}

pub fn answer<E: Entropy>(worker: &mut Proxy<E>, response: &Head) -> HeadersStep {
    worker.on_response_headers(id(1), response)
}

pub fn data<E: Entropy>(worker: &mut Proxy<E>, piece: &[u8], end: bool) -> DataStep {
    worker.on_data(id(1), Direction::Response, piece, end)
}

pub fn put(bytes: &[u8], then: DataThen) -> DataStep {
    DataStep { put: Some(bytes.to_vec()), then }
}

fn set(name: &str, value: &str) -> brownout_core::step::HeaderChange {
    Set(name.into(), value.into())
}

fn says(kinds: &str) -> brownout_core::step::HeaderChange {
    Add("x-brownout".into(), format!("r; {kinds}").into())
}

#[test]
fn a_reset_ends_at_once_and_a_hang_after_its_time() {
    let mut worker = common::proxy(&suffering(r#""reset":{}"#), &[]);
    assert_eq!((worker.request(1, &get()), worker.rest()), (HeadersStep::Reset, NOTHING));
    let mut worker = common::proxy(&suffering(r#""delay":{"fixed_delay":"1s"},"hang":{"max":"2s"}"#), &[]);
    assert_eq!(worker.request(1, &get()), HeadersStep::Hold(vec![]));
    let hang = Event::Fault { rule: FIRST, kind: brownout_core::kind::Kind::Hang };
    assert!(worker.events().contains(&hang), "it hangs from the beginning");
    assert_eq!(worker.due(2_999), []);
    assert_eq!((worker.due(3_000), worker.rest()), (vec![(1, Release::Reset)], NOTHING));
}

#[test]
fn an_abort_comes_before_a_reset_and_nobody_sees_how_an_aborted_request_changed() {
    let faults = r#""abort":{"http_status":503},"reset":{},"request":{"path":"/x"}"#;
    let mut worker = common::proxy(&suffering(faults), &[]);
    let HeadersStep::Reply(reply) = worker.request(1, &get()) else { panic!("not answered") };
    assert_eq!(reply.headers, [("x-brownout".into(), b"r; abort".to_vec())]);
}

#[test]
fn a_request_changes_in_the_order_of_the_document() {
    let request = r#""request":{"path":"/new","method":"PUT","headers":{"set":{"a":["1","2"]},"add":{"b":"3"},
        "remove":["c"]},"query_parameters":{"set":{"q":"a b"},"add":{"n":"1"},"remove":["gone"]}}"#;
    let mut worker = common::proxy(&suffering(request), &[]);
    let headers = common::head(&[(":method", b"GET"), (":path", b"/old?gone=1&q=x&keep=%41&q=y")]);
    let expected = vec![
        Remove("c".into()),
        set("a", "1"),
        Add("a".into(), b"2".to_vec()),
        Add("b".into(), b"3".to_vec()),
        set(":path", "/new?q=a%20b&keep=%41&n=1"),
        set(":method", "PUT"),
    ];
    assert_eq!(worker.request(1, &headers), HeadersStep::Forward(expected));
    assert_eq!(worker.response(1), mark("r; request"));
    assert_eq!(worker.rest(), NOTHING);
}

#[test]
fn a_status_changes_and_a_response_that_may_have_no_body_loses_it_by_a_reply() {
    let mut worker = certain(r#""response":{"status":503}"#);
    let expected = vec![set(":status", "503"), says("response")];
    assert_eq!(answer(&mut worker, &common::ok()), HeadersStep::Forward(expected));
    let mut worker = certain(r#""response":{"status":204}"#);
    let HeadersStep::Reply(reply) = answer(&mut worker, &common::response(200, &[("x-kept", "1")])) else {
        panic!("not replaced")
    };
    assert_eq!((reply.status, reply.body.as_slice(), reply.details), (204, &b""[..], "brownout_response"));
    assert_eq!(reply.headers[0], ("x-kept".into(), b"1".to_vec()));
}

#[test]
fn a_304_that_becomes_a_200_does_not_promise_a_body() {
    let mut worker = certain(r#""response":{"status":200}"#);
    let expected = vec![set(":status", "200"), set("content-length", "0"), says("response")];
    let not_modified = common::empty(304, &[("content-length", "1234")]);
    assert_eq!(answer(&mut worker, &not_modified), HeadersStep::Forward(expected));
}

#[test]
fn a_body_is_replaced_with_its_length_and_only_once() {
    let mut worker = certain(r#""response":{"body":{"replace":"new"}}"#);
    let expected = vec![set("content-length", "3"), Remove("content-encoding".into()), says("response")];
    let response = common::response(200, &[("content-length", "11")]);
    assert_eq!(answer(&mut worker, &response), HeadersStep::Forward(expected));
    assert_eq!(data(&mut worker, b"hello", false), put(b"new", DataThen::Forward));
    assert_eq!(data(&mut worker, b" world", true), put(b"", DataThen::Forward));
}

#[test]
fn a_body_is_cut_to_its_first_bytes() {
    let mut worker = certain(r#""response":{"body":{"truncate_bytes":7}}"#);
    let expected = vec![set("content-length", "7"), says("response")];
    let response = common::response(200, &[("content-length", "11")]);
    assert_eq!(answer(&mut worker, &response), HeadersStep::Forward(expected));
    assert_eq!(data(&mut worker, b"hello", false), DataStep::FORWARD);
    assert_eq!(data(&mut worker, b" world", false), put(b" w", DataThen::Forward));
    assert_eq!(data(&mut worker, b"!", true), put(b"", DataThen::Forward));
}

#[test]
fn a_merge_patch_waits_for_the_whole_body_and_keeps_what_it_does_not_name() {
    let mut worker = certain(r#""response":{"body":{"merge_patch":{"a":null,"b":{"c":2},"n":[null]}}}"#);
    let body = br#"{"a":1, "b":{"x":1.10,"c":1}, "z": 12345678901234567890123}"#;
    let patched = br#"{"b":{"x":1.10,"c":2},"z":12345678901234567890123,"n":[null]}"#;
    let response =
        common::response(200, &[("content-type", "application/json"), ("transfer-encoding", "chunked")]);
    assert_eq!(answer(&mut worker, &response), mark("r; response"));
    let (first, last) = body.split_at(20);
    assert_eq!(data(&mut worker, first, false), put(b"", DataThen::Watermark));
    assert_eq!(worker.engine.kept_bytes(), 20);
    assert_eq!(data(&mut worker, last, true), put(patched, DataThen::Forward));
    assert_eq!(worker.engine.kept_bytes(), 0);
}

#[test]
fn a_merge_patch_before_trailers_is_applied_when_they_come() {
    let mut worker = certain(r#""response":{"body":{"merge_patch":{"a":2}}}"#);
    let json = common::response(200, &[("content-type", "application/json")]);
    assert_eq!(answer(&mut worker, &json), mark("r; response"));
    assert_eq!(data(&mut worker, b"{\"a\":1}", false), put(b"", DataThen::Buffer));
    let trailers = worker.on_trailers(id(1), Direction::Response);
    assert_eq!(trailers, TrailersStep::Forward(b"{\"a\":2}".to_vec()));
}

#[test]
fn what_a_merge_patch_does_not_apply_to_goes_on_as_it_was_and_is_counted() {
    let skipped = |worker: &mut Proxy<_>| {
        std::iter::from_fn(|| worker.next_event()).filter(|event| *event == Event::Unpatched(FIRST)).count()
    };
    for headers in [
        &[("content-type", "text/plain")][..],
        &[("content-type", "application/json"), ("content-encoding", "gzip")],
        &[("content-type", "application/json"), ("content-length", "1048577")],
    ] {
        let mut worker = certain(r#""response":{"body":{"merge_patch":{"a":2}}}"#);
        assert_eq!(
            answer(&mut worker, &common::response(200, headers)),
            HeadersStep::Continue,
            "{headers:?}"
        );
        assert_eq!((data(&mut worker, b"{}", true), skipped(&mut worker)), (DataStep::FORWARD, 1));
    }
    let mut worker = certain(r#""response":{"body":{"merge_patch":{"a":2}}}"#);
    let json =
        common::response(200, &[("content-type", "application/problem+json"), ("content-length", "8")]);
    assert_eq!(answer(&mut worker, &json), {
        HeadersStep::Forward(vec![Remove("content-length".into()), says("response")])
    });
    assert_eq!(data(&mut worker, b"not ", false), put(b"", DataThen::Watermark));
    assert_eq!(
        (data(&mut worker, b"json", false), skipped(&mut worker)),
        (put(b"not json", DataThen::Forward), 1)
    );
}

#[test]
fn every_byte_or_none_is_damaged() {
    let mut worker = forwarded(r#""response":{"body":{"corrupt":{"percentage":100}}}"#, |document| {
        common::seeded(document, 7)
    });
    assert_eq!(answer(&mut worker, &common::ok()), mark("r; response"));
    let body = [b'a'; 1_000];
    let DataStep { put: Some(damaged), then: DataThen::Forward } = data(&mut worker, &body, true) else {
        panic!("not damaged")
    };
    assert_eq!(damaged.len(), body.len());
    assert!(damaged.iter().all(|byte| *byte != b'a'));
}

#[test]
fn a_response_is_reset_before_or_in_the_middle_of_it() {
    let mut worker = certain(r#""response":{"reset":{}}"#);
    assert_eq!((answer(&mut worker, &common::ok()), worker.rest()), (HeadersStep::Reset, NOTHING));
    let mut worker = certain(r#""response":{"reset":{"after_bytes":7}}"#);
    assert_eq!(answer(&mut worker, &common::ok()), mark("r; response"));
    assert_eq!(data(&mut worker, b"hello", false), DataStep::FORWARD);
    assert_eq!(data(&mut worker, b" world", false), put(b" w", DataThen::Forward));
    assert_eq!(data(&mut worker, b"!", true), put(b"", DataThen::Watermark), "no end gets through");
    assert_eq!((worker.due(1), worker.rest()), (vec![(1, Release::Reset)], NOTHING));
    assert_eq!(data(&mut worker, b"late", true), DataStep::FORWARD, "nobody asks twice");
}

#[test]
fn a_last_piece_with_the_cut_in_it_is_not_passed_on() {
    let mut worker = certain(r#""response":{"reset":{"after_bytes":7}}"#);
    assert_eq!(answer(&mut worker, &common::ok()), mark("r; response"));
    assert_eq!(data(&mut worker, b"hello world", true), DataStep { put: None, then: DataThen::Reset });
}

#[test]
fn a_response_waits_with_its_change_and_is_released() {
    let mut worker = certain(r#""response":{"delay":{"fixed_delay":"250ms"},"status":502}"#);
    let expected = vec![set(":status", "502"), says("response")];
    assert_eq!(answer(&mut worker, &common::ok()), HeadersStep::Hold(expected));
    assert_eq!(worker.engine.active(), 1);
    assert_eq!(data(&mut worker, b"x", true).then, DataThen::Watermark, "its body waits with it");
    assert_eq!(worker.due(250), [(1, Release::Resume(Direction::Response))]);
    assert_eq!(worker.rest(), NOTHING);
}

#[test]
fn only_responses_that_match_are_changed() {
    let faults = r#""response":{"match":{"status":["5xx",404],"headers":[{"name":"x-a"}]},"status":200}"#;
    for (status, headers, changes) in [
        (500, &[("x-a", "1")][..], true),
        (404, &[("x-a", "1")], true),
        (500, &[], false),
        (403, &[("x-a", "1")], false),
    ] {
        let mut worker = certain(faults);
        worker.events();
        let step = answer(&mut worker, &common::response(status, headers));
        assert_eq!(step != HeadersStep::Continue, changes, "{status} {headers:?}");
        assert_eq!(worker.events().contains(&Event::Injected(FIRST)), changes, "{status} {headers:?}");
    }
}

#[test]
fn a_shadow_counts_what_the_response_would_have_decided() {
    let rule = r#"{"mode":"shadow","rules":[{"name":"r","percentage":100,"response":{"match":{"status":500},"status":200}}]}"#;
    for (status, counted) in [(500, 1), (200, 0)] {
        let mut worker = common::proxy(rule, &[]);
        assert_eq!(worker.request(1, &get()), HeadersStep::Continue);
        assert_eq!(answer(&mut worker, &common::response(status, &[])), HeadersStep::Continue);
        let shadowed = worker.events().iter().filter(|event| **event == Event::Shadowed(FIRST)).count();
        assert_eq!(shadowed, counted);
    }
}

#[test]
fn an_upgrade_is_left_alone() {
    let faults = r#""response":{"status":500},"response_rate_limit":{"fixed_limit":{"limit_kbps":1}}"#;
    let mut worker = common::proxy(&suffering(faults), &[]);
    let upgrade = common::get(&[("upgrade", "websocket")]);
    assert_eq!(worker.request(1, &upgrade), HeadersStep::Continue);
    assert_eq!((worker.response(1), worker.rest()), (HeadersStep::Continue, NOTHING));
}

#[test]
fn after_the_router_an_abort_takes_the_place_of_the_response() {
    let document =
        r#"{"placement":"upstream","rules":[{"name":"r","percentage":100,"abort":{"http_status":503}}]}"#;
    let mut worker = common::proxy(document, &[]);
    assert_eq!(worker.request(1, &get()), HeadersStep::Continue);
    let response = common::response(200, &[("content-length", "2"), ("content-type", "application/json")]);
    let expected = vec![
        set(":status", "503"),
        set("content-type", "text/plain"),
        set("content-length", "18"),
        Remove("content-encoding".into()),
        says("abort"),
    ];
    assert_eq!(answer(&mut worker, &response), HeadersStep::Forward(expected));
    assert_eq!(data(&mut worker, b"{}", true), put(b"fault filter abort", DataThen::Forward));
}

/// Whatever happens, in any order, an exchange ends once and leaves nothing behind.
#[test]
fn nothing_is_left_behind_by_any_order_of_events() {
    let all = r#"{"rules":[
        {"name":"a","percentage":40,"delay":{"fixed_delay":"10ms","percentage":50},"response":{"delay":{"fixed_delay":"20ms"},
            "body":{"truncate_bytes":100}},"response_rate_limit":{"fixed_limit":{"limit_kbps":10}}},
        {"name":"b","percentage":40,"request":{"body":{"merge_patch":{"a":1}}},"request_rate_limit":{"fixed_limit":{"limit_kbps":5}},
            "response":{"reset":{"after_bytes":50}},"response_rate_limit":{"fixed_limit":{"limit_kbps":10}}},
        {"name":"c","percentage":40,"hang":{"max":"30ms"}},
        {"name":"d","percentage":100,"response":{"body":{"merge_patch":{"a":1}},"delay":{"fixed_delay":"5ms","percentage":50}}}]}"#;
    let mut chance = common::Seeded(3);
    for seed in 0..200 {
        let mut worker = common::seeded(all, seed);
        let json = common::response(200, &[("content-type", "application/json")]);
        for step in 0..400_u64 {
            worker.clocks.at(step * 2);
            let draw = chance.next_u64();
            let number = u32::try_from(draw % 8).unwrap();
            let direction = if draw & 0x100 == 0 { Direction::Request } else { Direction::Response };
            let piece = vec![b'{'; usize::try_from(draw >> 16 & 0x3ff).unwrap()];
            match draw >> 40 & 7 {
                0 | 1 => {
                    worker.end(id(number));
                    let _ = worker.request(number, &common::get(&[("content-type", "application/json")]));
                }
                2 => drop(worker.on_response_headers(id(number), &json)),
                3..=5 => {
                    let end = draw >> 44 & 3 == 0;
                    let _ = worker.on_data(id(number), direction, &piece, end);
                }
                6 => drop(worker.on_trailers(id(number), direction)),
                _ => worker.end(id(number)),
            }
            let due: Vec<u32> = worker.due(step * 2).into_iter().map(|(id, _)| id).collect();
            assert!(due.iter().all(|number| *number < 8));
        }
        (0..8).for_each(|number| worker.end(id(number)));
        assert_eq!((worker.rest(), worker.engine.kept_bytes()), (NOTHING, 0), "seed {seed}");
        let events = worker.events();
        let count = |wanted: &Event| events.iter().filter(|event| *event == wanted).count();
        assert_eq!(count(&Event::Activated), count(&Event::Released), "seed {seed}");
    }
}
