//! `stop_when`: what counts as a failure, when there are too many, and that all workers then stop.

use crate::common;

use brownout_core::engine::event::Event;
use brownout_core::id::RuleId;
use brownout_core::limit::tally::LocalTally;
use brownout_core::step::HeadersStep;
use brownout_core::stop::{Closing, Ends};
use common::{Head, Move, Proxy, Scripted, Steps, at, id, mistakes, plan};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const FIRST: RuleId = RuleId(0);
const SECOND: u64 = 1_000;

/// Aborts requests with the header `x-fault`, and stops when 20 % of at least ten exchanges in ten seconds have failed.
const DOCUMENT: &str = r#"{
    "stop_when": {"error_percentage": 20, "window": "10s", "min_requests": 10},
    "rules": [{"name":"r","match":{"headers":[{"name":"x-fault"}]},"percentage":100,"abort":{"http_status":503}}]
}"#;

/// Workers of one proxy that share a tally.
struct Workers {
    tally: LocalTally,
    workers: Vec<Proxy<Scripted>>,
    next: u32,
}

impl Workers {
    fn new(document: &str, workers: usize) -> Self {
        let tally = LocalTally::default();
        let workers = (0..workers).map(|_| common::sharing(document, &tally)).collect();
        Self { workers, tally, next: 0 }
    }

    /// Returns whether a worker injects a fault now, and ends the exchange.
    fn injects(&mut self, worker: usize, now: u64) -> bool {
        let worker = &mut self.workers[worker];
        self.next += 1;
        worker.clocks.at(now);
        let step = worker.on_request_headers(id(self.next), &common::get(&[("x-fault", "1")]));
        let closing = match step {
            HeadersStep::Reply(_) => Closing { status: Some(503), flags: 0 },
            _ => Closing { status: Some(200), flags: 0 },
        };
        worker.close(id(self.next), || Some(closing));
        step != HeadersStep::Continue
    }

    /// Runs an exchange that no rule takes and that ends as given.
    fn ends(&mut self, worker: usize, now: u64, closing: Closing) {
        let worker = &mut self.workers[worker];
        self.next += 1;
        worker.clocks.at(now);
        assert_eq!(worker.on_request_headers(id(self.next), &common::get(&[])), HeadersStep::Continue);
        worker.close(id(self.next), || Some(closing));
    }

    fn end_all(&mut self, worker: usize, now: u64, closing: Closing, times: usize) {
        (0..times).for_each(|_| self.ends(worker, now, closing));
    }

    /// Returns the stops that the worker has reported since the last call.
    fn said(&mut self, worker: usize) -> Vec<Ends> {
        let events = self.workers[worker].events().into_iter();
        events
            .filter_map(|event| match event {
                Event::Stopped(ends) => Some(ends),
                _ => None,
            })
            .collect()
    }

    /// Returns whether the first worker has stopped, once all workers have reported.
    fn has_stopped(&mut self) -> bool {
        self.tick(0, SECOND / 2);
        self.workers[0].engine.has_stopped()
    }

    /// Does everything that is due by then.
    fn tick(&mut self, worker: usize, now: u64) {
        self.workers[worker].engine.tell_others(at(now));
    }
}

const fn status(status: u16) -> Closing {
    Closing { status: Some(status), flags: 0 }
}

const fn flags(status: Option<u16>, flags: u64) -> Closing {
    Closing { status, flags }
}

const WELL: Closing = status(200);
const BADLY: Closing = status(500);

/// Envoy's response flags, by their letters in its access log.
const UT: u64 = 1 << 2;
const LR: u64 = 1 << 3;
const UR: u64 = 1 << 4;
const UF: u64 = 1 << 5;
const UC: u64 = 1 << 6;
const DC: u64 = 1 << 14;
const DPE: u64 = 1 << 18;
const UMSDR: u64 = 1 << 19;
const UPE: u64 = 1 << 23;
const DR: u64 = 1 << 28;

/// Returns whether injection stops if two of ten exchanges end this way, and if all ten do.
fn stops(document: &str, closing: Closing) -> [bool; 2] {
    [2, 10].map(|times| {
        let mut proxy = Workers::new(document, 1);
        proxy.end_all(0, 0, WELL, 10 - times);
        proxy.end_all(0, 0, closing, times);
        proxy.has_stopped()
    })
}

#[test]
fn it_stops_at_the_share_and_not_below_and_not_with_too_few() {
    for (well, badly, stops) in [
        (9, 1, false),
        (8, 2, true),
        (7, 2, false),
        (0, 9, false),
        (0, 10, true),
        (80, 19, false),
        (80, 20, true),
    ] {
        let mut proxy = Workers::new(DOCUMENT, 1);
        proxy.end_all(0, 0, WELL, well);
        proxy.end_all(0, 0, BADLY, badly);
        assert_eq!(proxy.injects(0, 0), !stops, "{well} well, {badly} badly");
        let ends = Ends { all: (well + badly) as u64, failed: badly as u64 };
        assert_eq!(proxy.said(0), if stops { vec![ends] } else { vec![] });
        assert_eq!(proxy.workers[0].engine.watches(), !stops, "what has stopped looks no further");
    }
}

#[test]
fn a_share_may_have_decimals() {
    let document = DOCUMENT.replace(r#""error_percentage": 20"#, r#""error_percentage": "0.5""#);
    for (well, stops) in [(200, false), (199, true)] {
        let mut proxy = Workers::new(&document, 1);
        proxy.end_all(0, 0, WELL, well);
        proxy.ends(0, 0, BADLY);
        assert_eq!(proxy.injects(0, 0), !stops, "1 of {}", well + 1);
    }
}

#[test]
fn failures_are_statuses_from_500_and_what_the_backend_cut_off() {
    let failed = [status(500), status(503), status(599), flags(Some(503), UF), flags(Some(504), UT)];
    let cut = [UT, LR, UR, UF, UC, UMSDR, UPE].map(|flag| flags(Some(200), flag));
    let hopeless = [flags(Some(500), DC), flags(None, UC)];
    for closing in failed.into_iter().chain(cut).chain(hopeless) {
        assert_eq!(stops(DOCUMENT, closing), [true, true], "{closing:?}");
    }
    for status in [100, 101, 200, 302, 404, 429, 499, 600] {
        assert_eq!(stops(DOCUMENT, self::status(status)), [false, false], "{status}");
    }
}

/// These exchanges are not counted at all: with eight successes there are fewer than ten.
#[test]
fn a_client_that_leaves_says_nothing() {
    for flag in [DC, DR, DPE] {
        for closing in [flags(None, flag), flags(Some(200), flag), flags(Some(200), flag | UC)] {
            assert_eq!(stops(DOCUMENT, closing), [false, false], "{closing:?}");
            let mut proxy = Workers::new(DOCUMENT, 1);
            proxy.end_all(0, 0, closing, 100);
            proxy.end_all(0, 0, BADLY, 9);
            assert!(proxy.injects(0, 0), "nine that are known");
            proxy.ends(0, 0, BADLY);
            assert!(!proxy.injects(0, 0), "ten");
        }
    }
}

#[test]
fn an_exchange_that_the_host_says_nothing_about_does_not_count() {
    let mut proxy = Workers::new(DOCUMENT, 1);
    proxy.end_all(0, 0, flags(None, 0), 100);
    proxy.end_all(0, 0, BADLY, 9);
    assert!(proxy.injects(0, 0));
}

/// Returns whether responses like this one stop injection, although their status is 200.
fn stops_at(document: &str, response: &Head, trailers: Option<&str>) -> bool {
    let mut proxy = Workers::new(document, 1);
    for _ in 0..10 {
        let worker = &mut proxy.workers[0];
        proxy.next += 1;
        let id = id(proxy.next);
        assert_eq!(worker.on_request_headers(id, &common::get(&[])), HeadersStep::Continue);
        assert_eq!(worker.on_response_headers(id, response), HeadersStep::Continue);
        if let Some(trailers) = trailers {
            worker.engine.response_ended(id, (!trailers.is_empty()).then_some(trailers.as_bytes()));
        }
        worker.close(id, || Some(WELL));
    }
    proxy.has_stopped()
}

#[test]
fn grpc_errors_of_the_servers_kind_are_failures_wherever_they_stand() {
    for code in 0..=18 {
        // UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS, and what is none.
        let failed = [2, 4, 12, 13, 14, 15, 17, 18].contains(&code);
        let code = code.to_string();
        let trailers_only = common::empty(200, &[("grpc-status", &code)]);
        assert_eq!(stops_at(DOCUMENT, &trailers_only, None), failed, "{code} in the headers");
        assert_eq!(stops_at(DOCUMENT, &common::ok(), Some(&code)), failed, "{code} in the trailers");
    }
    assert!(stops_at(DOCUMENT, &common::ok(), Some("many")));
    assert!(!stops_at(DOCUMENT, &common::ok(), Some("")), "trailers without one");
}

#[test]
fn in_a_cluster_a_response_that_has_not_come_to_its_end_has_failed() {
    let document = DOCUMENT.replacen('{', r#"{"placement": "upstream","#, 1);
    assert!(stops_at(&document, &common::ok(), None));
    assert!(!stops_at(&document, &common::ok(), Some("")));
    assert!(!stops_at(&document, &common::empty(200, &[]), None));
    assert!(stops_at(&document, &common::empty(200, &[("grpc-status", "14")]), None));
    assert_eq!(stops(&document, flags(None, 0)), [true, true], "there was none");
    assert_eq!(stops(&document, flags(None, DC)), [false, false], "the client has left");
    assert_eq!(stops(&document, status(200)), [false, false]);
    assert_eq!(stops(&document, status(502)), [true, true]);
}

#[test]
fn what_it_injects_never_counts() {
    for fault in [
        r#""abort":{"http_status":503}"#,
        r#""reset":{}"#,
        r#""delay":{"fixed_delay":"5ms"}"#,
        r#""request":{"path":"/elsewhere"}"#,
        r#""response":{"status":500}"#,
    ] {
        let document = DOCUMENT.replace(r#""abort":{"http_status":503}"#, fault);
        let mut proxy = Workers::new(&document, 1);
        let worker = &mut proxy.workers[0];
        for number in 0..1_000 {
            let _ = worker.on_request_headers(id(number), &common::get(&[("x-fault", "1")]));
            let _ = worker.on_response_headers(id(number), &common::ok());
            worker.engine.response_ended(id(number), Some(b"14"));
            // The module calls this when it lets go of an exchange; `close` still follows.
            worker.end(id(number));
            worker.close(id(number), || panic!("{fault}: nobody needs to know"));
        }
        assert!(!proxy.has_stopped(), "{fault}");
    }
}

#[test]
fn what_is_only_counted_or_excluded_or_was_not_drawn_counts() {
    let shadow = DOCUMENT.replacen('{', r#"{"mode": "shadow","#, 1);
    let excluded = DOCUMENT.replacen('{', r#"{"exclude": [{"headers":[{"name":"x-fault"}]}],"#, 1);
    let never = DOCUMENT.replace(r#""percentage":100"#, r#""percentage":0"#);
    let conditional = DOCUMENT
        .replace(r#""abort":{"http_status":503}"#, r#""response":{"match":{"status":[404]},"status":500}"#);
    for document in [&shadow, &excluded, &never, &conditional] {
        let mut proxy = Workers::new(document, 1);
        let worker = &mut proxy.workers[0];
        for number in 0..10 {
            let request = common::get(&[("x-fault", "1")]);
            assert_eq!(worker.on_request_headers(id(number), &request), HeadersStep::Continue);
            assert_eq!(worker.on_response_headers(id(number), &common::ok()), HeadersStep::Continue);
            worker.close(id(number), || Some(BADLY));
        }
        assert!(proxy.has_stopped(), "{document}");
    }
}

#[test]
fn a_shadow_stops_too() {
    let mut proxy = Workers::new(&DOCUMENT.replacen('{', r#"{"mode": "shadow","#, 1), 1);
    proxy.injects(0, 0);
    assert_eq!(proxy.workers[0].events(), [Event::Matched(FIRST), Event::Shadowed(FIRST)]);
    proxy.end_all(0, SECOND, BADLY, 20);
    proxy.injects(0, 2 * SECOND);
    let ends = Ends { all: 21, failed: 20 };
    assert_eq!(proxy.workers[0].events(), [Event::Matched(FIRST), Event::Stopped(ends)]);
    proxy.injects(0, 2 * SECOND);
    assert_eq!(proxy.workers[0].events(), []);
}

#[test]
fn failures_are_forgotten_when_the_window_has_passed() {
    let mut proxy = Workers::new(DOCUMENT, 1);
    proxy.end_all(0, 0, BADLY, 9);
    proxy.tick(0, SECOND);
    proxy.ends(0, 11 * SECOND, BADLY);
    assert!(proxy.injects(0, 11 * SECOND), "the nine are over");
    // A failure in each second: never more than ten at a time.
    let mut proxy = Workers::new(&DOCUMENT.replace(r#""min_requests": 10"#, r#""min_requests": 11"#), 1);
    for second in 0..100 {
        proxy.ends(0, second * SECOND, BADLY);
        proxy.tick(0, second * SECOND + SECOND / 2);
    }
    assert!(proxy.injects(0, 100 * SECOND));
}

#[test]
fn the_share_can_rise_because_what_went_well_is_forgotten() {
    let mut proxy = Workers::new(DOCUMENT, 1);
    proxy.end_all(0, 0, WELL, 100);
    proxy.tick(0, SECOND / 2);
    proxy.end_all(0, 9 * SECOND, BADLY, 10);
    assert!(proxy.injects(0, 9 * SECOND), "10 of 110");
    assert!(!proxy.injects(0, 10 * SECOND + SECOND / 2), "10 of 10");
}

/// Each of four workers sees too few failures to decide; together they see enough. One reports it, and all stop.
#[test]
fn workers_decide_together_and_one_of_them_says_so() {
    let mut proxy = Workers::new(DOCUMENT, 4);
    for worker in 0..4 {
        proxy.end_all(worker, 10, WELL, 2);
        proxy.end_all(worker, 20, BADLY, 1);
    }
    let due: Vec<_> = proxy.workers.iter().map(|worker| worker.engine.poll_timeout()).collect();
    assert_eq!(due, [Some(at(510)); 4], "a twentieth of the window after the first, which nobody keeps back");
    (0..4).for_each(|worker| proxy.tick(worker, 510));
    let said: Vec<_> = (0..4).map(|worker| proxy.said(worker)).collect();
    assert_eq!(said.concat(), [Ends { all: 12, failed: 4 }].map(|_| said.concat()[0]), "one of them");
    assert_eq!((0..4).map(|worker| proxy.injects(worker, 511)).collect::<Vec<_>>(), [false; 4]);
    assert_eq!((0..4).flat_map(|worker| proxy.said(worker)).count(), 0);
    assert_eq!(
        proxy.workers.iter().map(|worker| worker.engine.poll_timeout()).collect::<Vec<_>>(),
        [None; 4]
    );
}

/// A worker that sees no failures itself checks at the latest before it injects.
#[test]
fn a_worker_that_hears_of_nothing_stops_with_its_next_fault() {
    let mut proxy = Workers::new(DOCUMENT, 2);
    assert!(proxy.injects(1, 0));
    proxy.end_all(0, 0, BADLY, 20);
    proxy.tick(0, 500);
    assert_eq!(proxy.said(0).len(), 1);
    assert!(!proxy.injects(1, 501));
    assert_eq!(proxy.said(1), []);
}

#[test]
fn it_stays_stopped_until_another_document_arrives() {
    let mut proxy = Workers::new(DOCUMENT, 2);
    proxy.end_all(0, 0, BADLY, 20);
    for hour in 0..100 {
        let now = hour * 3_600 * SECOND;
        for worker in 0..2 {
            assert!(!proxy.injects(worker, now));
            proxy.end_all(worker, now, WELL, 20);
        }
    }
    let again = DOCUMENT.replace("20", "30");
    proxy.tally = LocalTally::default();
    for worker in 0..2 {
        let engine = &mut proxy.workers[worker].engine;
        let held = engine.held().clone();
        engine.follow(plan(&again), Box::new(proxy.tally.clone()), held, None);
        assert!(proxy.injects(worker, 400_000 * SECOND));
    }
    proxy.end_all(1, 400_000 * SECOND, BADLY, 20);
    assert!(!proxy.injects(1, 400_000 * SECOND), "and that can stop too");
}

#[test]
fn what_is_held_when_it_stops_ends_as_it_began() {
    let document = DOCUMENT.replace(
        r#""abort":{"http_status":503}"#,
        r#""delay":{"fixed_delay":"5s"},"abort":{"http_status":503}"#,
    );
    let mut worker = common::proxy(&document, &[]);
    assert_eq!(worker.request(1, &common::get(&[("x-fault", "1")])), HeadersStep::Hold(vec![]));
    for number in 2..30 {
        let _ = worker.request(number, &common::get(&[]));
        worker.close(id(number), || Some(BADLY));
    }
    assert_eq!(worker.request(50, &common::get(&[("x-fault", "1")])), HeadersStep::Continue);
    assert!(worker.engine.has_stopped());
    assert_eq!(worker.due(5 * SECOND).len(), 1);
}

/// Without a clock the share cannot be computed, and a document with `stop_when` injects nothing.
#[test]
fn without_a_clock_nothing_is_injected() {
    let mut worker = common::proxy(DOCUMENT, &[]);
    worker.clocks.broken.set(true);
    assert_eq!(worker.request(1, &common::get(&[("x-fault", "1")])), HeadersStep::Continue);
}

#[test]
fn a_document_without_it_or_without_rules_looks_at_nothing() {
    for document in [common::suffering(r#""reset":{}"#), DOCUMENT.replacen('{', r#"{"mode":"off","#, 1)] {
        let mut worker = common::proxy(&document, &[]);
        assert!(!worker.engine.watches());
        worker.close(id(1), || panic!("nobody needs to know"));
        assert_eq!(worker.engine.poll_timeout(), None);
        assert_eq!(worker.clocks.readings.get(), (0, 0));
    }
}

#[test]
fn its_fields_have_to_make_sense() {
    let with = |fields: &str| mistakes(format!(r#"{{"stop_when":{{{fields}}}}}"#));
    assert_eq!(
        with(r#""error_percentage":0,"window":"999ms","min_requests":0"#),
        [
            "stop_when.error_percentage: invalid percentage: 0 % is reached without any error; give the percentage \
             to stop at: `20`",
            "stop_when.window: window too short: must be at least one second; use `\"1s\"` or more",
            "stop_when.min_requests: invalid number of requests: must be greater than zero; use `1` or more: \
             `100`",
        ]
    );
    assert_eq!(
        with(r#""error_percentage":101,"window":"61m","min_requests":-1"#),
        [
            "stop_when.error_percentage: invalid percentage: `101` is more than 100",
            "stop_when.window: duration too long: `61m` is more than one hour",
            "stop_when.min_requests: invalid number: found `-1`, expected a whole number from 0",
        ]
    );
    assert_eq!(with("").len(), 3, "none of them has a default");
    for fields in [
        r#""error_percentage":"0.0001","window":"1s","min_requests":1"#,
        r#""errorPercentage":{"numerator":100},"window":"1h","minRequests":1000000"#,
    ] {
        plan(&format!(r#"{{"stop_when":{{{fields}}}}}"#));
    }
}
