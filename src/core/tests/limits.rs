//! The exchanges that limits let through, over several workers that share a tally.

use crate::common;

use brownout_core::engine::event::Event;
use brownout_core::limit::tally::LocalTally;
use brownout_core::step::HeadersStep;
use common::{FIRST, Head, Move, NOTHING, Proxy, Scripted, Steps, at, id, mistakes, plan, taking};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const HANG: &str = r#""hang":{"max":"3600s"}"#;

/// Creates workers of one proxy, which share a tally.
fn workers<const N: usize>(document: &str) -> [Proxy<Scripted>; N] {
    let tally = LocalTally::default();
    std::array::from_fn(|_| common::sharing(document, &tally))
}

fn limited(limits: &str, fault: &str) -> String {
    format!(r#"{{"rules":[{{"name":"r","percentage":100,"limits":{limits},{fault}}}]}}"#)
}

fn get() -> Head {
    common::get(&[])
}

/// Returns how many of `requests` successive requests to this worker are aborted.
fn aborted(worker: &mut Proxy<Scripted>, requests: usize) -> usize {
    (0..requests).filter(|_| worker.status(&get()) == 503).count()
}

fn overflows(worker: &mut Proxy<Scripted>) -> usize {
    let events = std::iter::from_fn(|| worker.next_event());
    events.filter(|event| *event == Event::Overflow(FIRST)).count()
}

#[test]
fn so_many_faults_in_all_and_then_none() {
    let mut workers: [_; 2] = workers(&taking(r#""percentage":100,"limits":{"max_faults":5}"#));
    assert_eq!([0, 1, 0, 1].map(|turn| aborted(&mut workers[turn], 2)), [2, 2, 1, 0]);
    assert_eq!(workers.each_mut().map(overflows), [1, 2]);
}

#[test]
fn so_many_faults_in_each_second() {
    let document = taking(r#""percentage":100,"limits":{"max_faults_per_second":3}"#);
    let mut workers: [_; 2] = workers(&document);
    let mut in_second = |milliseconds| {
        workers.each_mut().map(|worker| {
            worker.clocks.at(milliseconds);
            aborted(worker, 2)
        })
    };
    assert_eq!(in_second(0), [2, 1]);
    assert_eq!(in_second(999), [0, 0]);
    assert_eq!(in_second(1_000), [2, 1]);
    assert_eq!(in_second(60_000), [2, 1]);
}

#[test]
fn a_share_of_all_requests_whoever_sees_them() {
    let document = r#"{"limits":{"max_percentage":10},
        "rules":[{"name":"r","match":{"path":{"prefix":"/hurt"}},"percentage":100,"abort":{"http_status":503}}]}"#;
    let mut workers: [_; 2] = workers(document);
    let hurt = common::head(&[(":method", b"GET"), (":path", b"/hurt"), (":authority", b"shop")]);
    let [first, second] = &mut workers;
    assert_eq!((0..9).map(|_| first.status(&hurt)).sum::<u16>(), 0, "none of nine");
    assert_eq!(first.status(&hurt), 503, "one of ten");
    assert_eq!(aborted(second, 20), 0, "not what the rule is about");
    assert_eq!(first.status(&hurt), 0, "the other worker has not told of them yet");
    first.clocks.at(1_000);
    second.clocks.at(1_000);
    assert_eq!(second.status(&get()), 0);
    let statuses: Vec<u16> = (0..4).map(|_| first.status(&hurt)).collect();
    assert_eq!(statuses, [503, 503, 0, 0], "three of 35");
    first.clocks.at(10_500);
    assert_eq!(first.status(&hurt), 0, "what is ten seconds old is forgotten");
}

#[test]
fn all_rules_together_have_limits_of_their_own() {
    let document = r#"{"limits":{"max_faults":3},"rules":[
        {"name":"a","match":{"headers":[{"name":"x-a"}]},"percentage":100,"limits":{"max_faults":2},
         "abort":{"http_status":501}},
        {"name":"b","percentage":100,"abort":{"http_status":502}}]}"#;
    let [mut worker] = workers(document);
    let a = common::get(&[("x-a", "1")]);
    let statuses = [&a, &a, &a, &get(), &get()].map(|request| worker.status(request));
    assert_eq!(statuses, [501, 501, 0, 502, 0]);
}

#[test]
fn what_one_limit_grants_and_another_refuses_is_not_spent() {
    let document = r#"{"limits":{"max_faults_per_second":1},"rules":[
        {"name":"r","percentage":100,"limits":{"max_faults":2},"abort":{"http_status":503}}]}"#;
    let [mut worker] = workers(document);
    assert_eq!(aborted(&mut worker, 5), 1);
    worker.clocks.at(1_000);
    assert_eq!(aborted(&mut worker, 5), 1);
    worker.clocks.at(2_000);
    assert_eq!(aborted(&mut worker, 5), 0);
}

#[test]
fn a_fault_of_the_response_is_spent_when_the_response_fulfils_its_match() {
    let fault = r#""response":{"match":{"status":"5xx"},"status":200}"#;
    let [mut worker] = workers(&limited(r#"{"max_faults":1}"#, fault));
    let mut answered = |status| {
        assert_eq!(worker.request(1, &get()), HeadersStep::Continue);
        let response = common::empty(status, &[]);
        worker.on_response_headers(id(1), &response) != HeadersStep::Continue
    };
    assert_eq!([200, 200, 503, 503].map(&mut answered), [false, false, true, false]);
    assert_eq!(overflows(&mut worker), 1);
    assert_eq!(worker.rest(), NOTHING);
}

#[test]
fn shadow_counts_what_limits_would_let_through_and_takes_nothing_from_those_who_inject() {
    let document = r#"{"limits":{"max_faults":2},"rules":[
        {"name":"r","mode":"shadow","match":{"headers":[{"name":"x-a"}]},"percentage":100,"hang":{"max":"60s"}},
        {"name":"b","percentage":100,"abort":{"http_status":503}}]}"#;
    let [mut worker] = workers(document);
    for _ in 0..3 {
        assert_eq!(worker.request(1, &common::get(&[("x-a", "1")])), HeadersStep::Continue);
    }
    let events: Vec<Event> = std::iter::from_fn(|| worker.next_event()).collect();
    let count = |wanted: &Event| events.iter().filter(|event| *event == wanted).count();
    assert_eq!((count(&Event::Shadowed(FIRST)), count(&Event::Overflow(FIRST))), (2, 1));
    assert_eq!(aborted(&mut worker, 3), 2);
}

#[test]
fn an_exchange_that_ends_makes_room_for_another_worker() {
    let mut workers: [_; 2] = workers(&limited(r#"{"max_active_faults":2}"#, HANG));
    let held = [(0, 1), (1, 2), (1, 3)]
        .map(|(turn, number)| workers[turn].request(number, &get()) == HeadersStep::Hold(vec![]));
    assert_eq!(held, [true, true, false]);
    workers[0].end(id(1));
    workers[0].end(id(1));
    assert_eq!(workers[1].request(4, &get()), HeadersStep::Hold(vec![]));
    assert_eq!(workers[0].request(5, &get()), HeadersStep::Continue);
    assert_eq!(workers[0].rest(), NOTHING);
}

#[test]
fn what_a_worker_held_that_died_is_free_after_its_lease() {
    let [mut dead, mut alive] = workers(&limited(r#"{"max_active_faults":2}"#, HANG));
    assert_eq!(dead.request(1, &get()), HeadersStep::Hold(vec![]));
    assert_eq!(alive.request(1, &get()), HeadersStep::Hold(vec![]));
    drop(dead);
    alive.clocks.at(29_999);
    assert_eq!(alive.due(29_999), []);
    assert_eq!(alive.request(2, &get()), HeadersStep::Continue, "the lease still runs");
    alive.clocks.at(30_000);
    assert_eq!(alive.request(3, &get()), HeadersStep::Hold(vec![]));
    assert_eq!(alive.request(4, &get()), HeadersStep::Continue, "its own places are still taken");
}

#[test]
fn a_worker_that_lives_keeps_its_places_for_as_long_as_it_holds_them() {
    let [mut patient, mut other] = workers(&limited(r#"{"max_active_faults":1}"#, HANG));
    assert_eq!(patient.request(1, &get()), HeadersStep::Hold(vec![]));
    for second in (10..=3_590).step_by(10) {
        assert_eq!(patient.rest(), (1, Some(at(second * 1_000))), "asks to be asked");
        assert_eq!(patient.due(second * 1_000), []);
    }
    other.clocks.at(3_599_000);
    assert_eq!(other.request(1, &get()), HeadersStep::Continue);
    patient.end(id(1));
    assert_eq!(patient.rest(), NOTHING);
    assert_eq!(other.request(2, &get()), HeadersStep::Hold(vec![]));
}

#[test]
fn a_worker_that_slept_through_its_lease_says_again_what_it_holds() {
    let [mut sleeper, mut other] = workers(&limited(r#"{"max_active_faults":1}"#, HANG));
    assert_eq!(sleeper.request(1, &get()), HeadersStep::Hold(vec![]));
    other.clocks.at(31_000);
    assert_eq!(other.request(1, &get()), HeadersStep::Hold(vec![]), "taken for dead");
    other.end(id(1));
    assert_eq!(sleeper.due(31_500), []);
    other.clocks.at(32_000);
    assert_eq!(other.request(2, &get()), HeadersStep::Continue);
}

#[test]
fn without_a_clock_nothing_is_done_that_depends_on_the_time() {
    let [mut worker] = workers(&taking(r#""percentage":100,"limits":{"max_faults":2}"#));
    worker.clocks.broken.set(true);
    assert_eq!(aborted(&mut worker, 3), 2);
    for limit in ["max_faults_per_second", "max_percentage", "max_active_faults"] {
        let [mut worker] = workers(&taking(&format!(r#""percentage":100,"limits":{{"{limit}":99}}"#)));
        worker.clocks.broken.set(true);
        assert_eq!((aborted(&mut worker, 3), overflows(&mut worker)), (0, 3), "{limit}");
    }
}

/// Two workers that share counts, and another document for both.
struct Pushes {
    tally: LocalTally,
    workers: [Proxy<Scripted>; 2],
}

impl Pushes {
    fn new(document: &str) -> Self {
        let tally = LocalTally::default();
        Self { workers: std::array::from_fn(|_| common::sharing(document, &tally)), tally }
    }

    fn push(&mut self, document: &str) {
        self.tally = self.tally.next_document();
        for worker in &mut self.workers {
            let held = worker.engine.held().clone();
            let arrived = worker.clocks.monotonic.get();
            worker.engine.follow(plan(document), Box::new(self.tally.clone()), held, arrived);
        }
    }

    fn ask(&mut self, number: u32) -> bool {
        let worker = &mut self.workers[number as usize % 2];
        worker.request(number, &get()) == HeadersStep::Hold(vec![])
    }

    fn end(mut self) {
        for worker in &mut self.workers {
            (0..100).for_each(|number| worker.end(id(number)));
            assert_eq!(worker.rest(), NOTHING);
        }
    }
}

#[test]
fn a_push_adds_no_room() {
    let document = limited(r#"{"max_active_faults":2}"#, HANG);
    let mut pushes = Pushes::new(&document);
    assert_eq!([0, 1, 2, 3].map(|number| pushes.ask(number)), [true, true, false, false]);
    for round in 1..5 {
        pushes.push(&document);
        assert_eq!([4, 5].map(|number| pushes.ask(number)), [false, false], "after {round} pushes");
    }
    pushes.workers[1].end(id(1));
    assert_eq!(
        [6, 7, 8].map(|number| pushes.ask(number)),
        [true, false, false],
        "the place is free for either"
    );
    pushes.workers[0].end(id(0));
    pushes.workers[0].end(id(6));
    assert_eq!([10, 11, 12].map(|number| pushes.ask(number)), [true, true, false]);
    pushes.end();
}

#[test]
fn what_was_held_without_a_limit_counts_under_the_limit_that_follows() {
    let (unlimited, limited) = (limited("{}", HANG), limited(r#"{"max_active_faults":3}"#, HANG));
    let everything = limited.replace(r#","limits":{"max_active_faults":3}"#, "");
    let everything = everything.replace(r#"{"rules""#, r#"{"limits":{"max_active_faults":3},"rules""#);
    for document in [limited, everything] {
        let mut pushes = Pushes::new(&unlimited);
        assert_eq!([0, 1, 2, 3].map(|number| pushes.ask(number)), [true; 4]);
        pushes.push(&document);
        assert_eq!([4, 5].map(|number| pushes.ask(number)), [false, false]);
        pushes.workers[0].end(id(0));
        assert_eq!([6, 7].map(|number| pushes.ask(number)), [false, false], "three are held still");
        pushes.workers[1].end(id(1));
        assert_eq!([9, 8].map(|number| pushes.ask(number)), [true, false]);
        pushes.end();
    }
}

#[test]
fn faults_and_requests_are_counted_anew_under_a_new_document() {
    let document = limited(r#"{"max_faults":1}"#, r#""abort":{"http_status":503}"#);
    let mut pushes = Pushes::new(&document);
    for _ in 0..3 {
        assert_eq!([0, 1].map(|worker| aborted(&mut pushes.workers[worker], 2)), [1, 0]);
        pushes.push(&document);
    }
}

/// The first of two workers is late to read the clock, and the other has counted in the next second already.
#[test]
fn a_late_count_does_not_make_room_in_the_next_second() {
    let document = taking(r#""percentage":100,"limits":{"max_faults_per_second":3}"#);
    let [mut early, mut late] = workers(&document);
    early.clocks.at(1_000);
    late.clocks.at(999);
    assert_eq!(aborted(&mut early, 2), 2);
    assert_eq!(aborted(&mut late, 2), 1);
    assert_eq!(aborted(&mut early, 2), 0);
}

#[test]
fn limits_are_checked() {
    let said =
        mistakes(r#"{"limits":{"max_faults":-1,"max_percentage":101,"max_faults_per_second":1.5,"max":1}}"#);
    let named = ["max_faults", "max_percentage", "max_faults_per_second", "max"];
    assert_eq!(said.len(), named.len(), "{said:#?}");
    for field in named {
        assert!(said.iter().any(|line| line.starts_with(&format!("limits.{field}:"))), "{field}: {said:#?}");
    }
}

#[cfg(not(target_family = "wasm"))]
mod properties {
    use super::{HANG, HeadersStep, Move as _, Steps as _, get, id, limited, workers};
    use proptest::prelude::{ProptestConfig, prop, prop_assert, proptest};

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whichever exchanges come and go on whichever worker, the limit is never exceeded, and all places are
        /// returned.
        #[test]
        fn places_are_never_too_many_and_never_lost(
            most in 0_usize..6,
            turns in prop::collection::vec((0_usize..4, 0_u32..8, prop::bool::ANY), 1..200),
        ) {
            let document = limited(&format!(r#"{{"max_active_faults":{most}}}"#), HANG);
            let mut workers: [_; 4] = workers(&document);
            let mut held = std::collections::BTreeSet::new();
            for (step, (turn, number, comes)) in turns.into_iter().enumerate() {
                let milliseconds = u64::try_from(step).unwrap() * 700;
                workers.iter_mut().for_each(|worker| {
                    worker.clocks.at(milliseconds);
                    assert_eq!(worker.due(milliseconds), []);
                });
                let worker = &mut workers[turn];
                if comes && !held.contains(&(turn, number)) {
                    let room = held.len() < most;
                    prop_assert!((worker.request(number, &get()) == HeadersStep::Hold(vec![])) == room);
                    if room {
                        held.insert((turn, number));
                    }
                } else {
                    worker.end(id(number));
                    held.remove(&(turn, number));
                }
            }
            for (turn, number) in held {
                workers[turn].end(id(number));
            }
            for (number, worker) in (100..).zip(workers.iter_mut()).take(most) {
                prop_assert!(worker.request(number, &get()) == HeadersStep::Hold(vec![]));
            }
        }
    }
}
