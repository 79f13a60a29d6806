//! Throttled bodies under simulated time: what waits where, and when it leaves.

use crate::common;
use crate::streams::{answer, call, called, certain, data, grpc_over_http1, put};

use brownout_core::id::Direction;
use brownout_core::step::{DataStep, DataThen, HeadersStep, Release, TrailersStep};
use common::{Move, NOTHING, Steps, id, mark, suffering};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SLOW: &str = r#""response_rate_limit":{"fixed_limit":{"limit_kbps":1}}"#;

#[test]
fn a_body_from_a_slow_sender_leaves_in_steps() {
    let mut worker = called(SLOW);
    assert_eq!(data(&mut worker, &[b'x'; 256], false), put(b"", DataThen::Buffer));
    assert_eq!((worker.engine.active(), worker.engine.kept_bytes()), (1, 256));
    let mut left = 0;
    for step in 1..=5 {
        for (_, release) in worker.due(step * 50) {
            let Release::Emit(Direction::Response, bytes) = release else { panic!("{release:?}") };
            left += bytes.len();
            worker.clocks.at(step * 50);
            assert!(left <= usize::try_from(step * 50 * 1024 / 1000).unwrap(), "{left} bytes at {step}");
        }
    }
    assert_eq!((left, worker.engine.kept_bytes()), (256, 0));
    worker.end(id(1));
    assert_eq!(worker.rest(), NOTHING);
}

/// The host puts the piece after one that it was told to buffer into its buffer, and up to Envoy 1.38 forgets it there if it
/// is passed on at once.
#[test]
fn the_piece_after_one_that_was_taken_out_is_not_passed_on_at_once() {
    for end in [false, true] {
        let mut worker = called(SLOW);
        assert_eq!(data(&mut worker, &[b'x'; 10], false), put(b"", DataThen::Buffer));
        assert!(matches!(worker.due(50)[..], [(1, Release::Emit(..))]));
        worker.clocks.at(500);
        assert_eq!(data(&mut worker, b"y", end), DataStep { put: None, then: DataThen::Watermark });
        assert_eq!(worker.due(500), [(1, Release::Resume(Direction::Response))]);
        worker.clocks.at(1_000);
        assert_eq!(data(&mut worker, b"z", true), DataStep::FORWARD);
    }
}

#[test]
fn the_end_of_a_body_leaves_with_all_that_waits_when_all_of_it_may() {
    let mut worker = called(SLOW);
    assert_eq!(data(&mut worker, &[b'x'; 512], false), put(b"", DataThen::Buffer));
    assert_eq!(data(&mut worker, &[b'y'; 512], true).then, DataThen::Watermark);
    assert_eq!(worker.due(999), []);
    assert_eq!(worker.due(1_000), [(1, Release::Resume(Direction::Response))]);
    assert_eq!(worker.engine.kept_bytes(), 0);
}

/// Fuzzing found it resumed twice, which crashes Envoy.
#[test]
fn what_waits_with_the_host_when_the_clock_fails_goes_on_once() {
    let mut worker = certain(SLOW);
    let response = common::response(200, &[("content-length", "5000")]);
    assert_eq!(answer(&mut worker, &response), mark("r; response_rate_limit"));
    let waits = DataStep { put: None, then: DataThen::Watermark };
    assert_eq!(data(&mut worker, &[b'x'; 2000], false), waits);
    worker.clocks.broken.set(true);
    assert_eq!(data(&mut worker, &[b'y'; 2000], false), DataStep::FORWARD);
    worker.clocks.broken.set(false);
    assert_eq!(worker.due(3_600_000), []);
    assert_eq!(data(&mut worker, &[b'z'; 1000], true).then, DataThen::Watermark);
    assert_eq!(worker.due(7_200_000).len(), 1);
}

/// Fuzzing found it waiting forever.
#[test]
fn an_upload_that_waits_goes_on_whatever_becomes_of_the_response() {
    let limited = r#""request_rate_limit":{"fixed_limit":{"limit_kbps":1}},
        "response":{"match":{"status":500},"status":503}"#;
    for (limits, status) in [("", 101), ("", 200), (r#""limits":{"max_faults":1},"#, 500)] {
        let document = suffering(limited).replacen(r#""percentage""#, &format!(r#"{limits}"percentage""#), 1);
        let mut worker = common::proxy(&document, &[]);
        let upload = common::get(&[("content-length", "2000")]);
        let body = worker.on_request_headers(id(1), &upload);
        assert_eq!(body, HeadersStep::Continue);
        let piece = [b'x'; 2000];
        let step = worker.on_data(id(1), Direction::Request, &piece, true);
        assert_eq!(step.then, DataThen::Watermark, "{status}");
        let _ = answer(&mut worker, &common::response(status, &[]));
        let released = worker.due(3_600_000);
        assert!(
            matches!(released.as_slice(), [(_, Release::Resume(Direction::Request))]),
            "{limits} {status}: {released:?}"
        );
        worker.end(id(1));
        assert_eq!(worker.rest(), NOTHING);
    }
}

#[test]
fn long_pieces_stay_with_the_host_and_the_first_bytes_go_at_once() {
    let faults = r#""response_rate_limit":{"fixed_limit":{"limit_kbps":100},"after_bytes":1000}"#;
    let mut worker = certain(faults);
    assert_eq!(answer(&mut worker, &common::ok()), mark("r; response_rate_limit"));
    assert_eq!(data(&mut worker, &[b'x'; 1_000], false), DataStep::FORWARD);
    assert_eq!(data(&mut worker, &[b'x'; 102_400], false), DataStep { put: None, then: DataThen::Watermark });
    assert_eq!(worker.due(999), []);
    assert_eq!(worker.due(1_000), [(1, Release::Resume(Direction::Response))]);
}

/// What the host is told to buffer may not be more than it can take, and only where HTTP/2 is spoken on both sides is it
/// known that no piece is.
#[test]
fn only_what_comes_over_http2_is_taken_out_of_the_hosts_hands() {
    let grpc = ("content-type", "application/grpc+proto");
    let stays = DataStep { put: None, then: DataThen::Watermark };
    let piece = [b'x'; 512];
    for (request, response, taken) in [
        (call(), &[grpc][..], true),
        (call(), &[grpc, ("content-length", "5000")], false),
        (call(), &[grpc, ("transfer-encoding", "chunked")], false),
        (call(), &[("content-type", "text/event-stream")], false),
        (grpc_over_http1(), &[grpc], false),
    ] {
        let mut worker = common::proxy(&suffering(SLOW), &[]);
        assert_eq!(worker.request(1, &request), HeadersStep::Continue);
        assert_eq!(answer(&mut worker, &common::response(200, response)), mark("r; response_rate_limit"));
        let expected = if taken {
            put(b"", DataThen::Buffer)
        } else {
            DataStep { put: None, then: DataThen::Watermark }
        };
        assert_eq!(data(&mut worker, &piece, false), expected, "{response:?}");
    }
    let slow = r#""request_rate_limit":{"fixed_limit":{"limit_kbps":1}}"#;
    for (request, expected) in [(call(), put(b"", DataThen::Buffer)), (grpc_over_http1(), stays)] {
        let mut worker = common::proxy(&suffering(slow), &[]);
        assert_eq!(worker.request(1, &request), HeadersStep::Continue);
        let step = worker.on_data(id(1), Direction::Request, &piece, false);
        assert_eq!(step, expected);
    }
}

/// Together they have to fit into the smallest window that there is.
#[test]
fn what_is_taken_out_is_never_more_than_can_be_put_back() {
    const WINDOW: usize = 65_535;
    for (piece, left_after) in [(16 * 1024, 3), (16 * 1024 + 1, 1), (1_000, 33)] {
        let mut worker = called(SLOW);
        let steps = (1..).map(|_| data(&mut worker, &vec![b'x'; piece], false));
        let steps: Vec<_> = steps.take(left_after).collect();
        let (last, before) = steps.split_last().expect("some");
        assert!(before.iter().all(|step| *step == put(b"", DataThen::Buffer)), "{piece}: {before:?}");
        assert_eq!(last.then, DataThen::Watermark, "{piece}");
        assert!(last.put.as_ref().is_none_or(|all| (32 * 1024..=WINDOW).contains(&all.len())), "{piece}");
        assert_eq!(worker.engine.kept_bytes(), 0);
    }
}

#[test]
fn trailers_wait_for_the_body_before_them() {
    let mut worker = called(SLOW);
    assert_eq!(data(&mut worker, &[b'x'; 512], false), put(b"", DataThen::Buffer));
    let trailers = worker.on_trailers(id(1), Direction::Response);
    assert_eq!(trailers, TrailersStep::Hold(Some(vec![b'x'; 512])));
    assert_eq!(worker.due(500), [(1, Release::Resume(Direction::Response))]);
}

#[test]
fn a_message_of_trailers_alone_is_not_shorter_than_its_headers_say() {
    for (length, expected) in [(Some("0"), TrailersStep::Reset), (None, TrailersStep::Continue)] {
        let mut worker = certain(r#""response":{"body":{"replace":"new"}}"#);
        let headers: Vec<_> = length.map(|length| ("content-length", length)).into_iter().collect();
        let _ = answer(&mut worker, &common::response(200, &headers));
        let trailers = worker.on_trailers(id(1), Direction::Response);
        assert_eq!(trailers, expected, "{length:?}");
    }
}
