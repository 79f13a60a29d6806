//! Properties that hold for every document, every arrival, every departure and every clock change.
#![cfg(not(target_family = "wasm"))]

use crate::common;

use brownout_core::document::mode::Mode;
use brownout_core::engine::event::Event;
use brownout_core::id::Direction;
use brownout_core::step::{HeadersStep, Release};
use brownout_core::value::percent::{Denominator, FractionalPercent};
use brownout_core::{Engine, Plan};
use common::{Head, Move, NOTHING, Proxy, Seeded, Steps, at, id, plan, printed, suffering};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A share, in one of the spellings.
fn percentage() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        Just(json!(100)),
        Just(json!("0")),
        (0..=1_000_000_u32).prop_map(|n| json!(format!("{}.{:04}", n / 10_000, n % 10_000))),
        (0..=100_u32).prop_map(|n| json!({ "numerator": n })),
        (0..=10_000_u32).prop_map(|n| json!({ "numerator": n, "denominator": "TEN_THOUSAND" })),
    ]
}

fn string_matcher() -> impl Strategy<Value = Value> {
    let text = "[a-c/]{1,3}";
    prop_oneof![
        text.prop_map(|text| json!({ "exact": text })),
        (text, any::<bool>()).prop_map(|(text, ignore)| json!({ "prefix": text, "ignore_case": ignore })),
        text.prop_map(|text| json!({ "suffix": text })),
        text.prop_map(|text| json!({ "contains": text })),
        text.prop_map(|text| json!({ "safeRegex": { "regex": format!("({text}|b).*") } })),
    ]
}

fn header_matcher() -> impl Strategy<Value = Value> {
    let condition = prop_oneof![
        string_matcher().prop_map(|matcher| ("string_match", matcher)),
        (-3..3_i64, 1..4_i64)
            .prop_map(|(start, n)| ("rangeMatch", json!({ "start": start, "end": start + n }))),
        any::<bool>().prop_map(|present| ("present_match", json!(present))),
    ];
    ("[ab]", condition, any::<bool>(), any::<bool>()).prop_map(|(name, (kind, condition), inverted, treated)| {
        json!({ "name": name, kind: condition, "invert_match": inverted, "treat_missing_header_as_empty": treated })
    })
}

fn predicate() -> impl Strategy<Value = Value> {
    let headers = prop::collection::vec(header_matcher(), 0..3);
    (headers, prop::option::of(string_matcher()), any::<bool>()).prop_map(
        |(headers, path, get)| json!({ "headers": headers, "path": path, "methods": get.then_some(["GET"]) }),
    )
}

/// Delays of whole milliseconds, so that the model can follow them by the clock.
fn rule(number: usize) -> impl Strategy<Value = Value> {
    let delay = (1..500_u32, prop::option::of(percentage()))
        .prop_map(|(ms, share)| json!({ "fixed_delay": format!("{ms}ms"), "percentage": share }));
    let abort = (200..600_u16, prop::option::of(percentage()))
        .prop_map(|(status, share)| json!({ "http_status": status, "percentage": share }));
    let faults = prop_oneof![
        delay.clone().prop_map(|delay| (Some(delay), None)),
        abort.clone().prop_map(|abort| (None, Some(abort))),
        (delay, abort).prop_map(|(delay, abort)| (Some(delay), Some(abort))),
    ];
    let mode = prop_oneof![4 => Just(Value::Null), 1 => Just(json!("shadow")), 1 => Just(json!(false))];
    (prop::option::of(predicate()), percentage(), faults, mode).prop_map(
        move |(predicate, percentage, (delay, abort), mode)| {
            json!({ "name": format!("r{number}"), "mode": mode, "match": predicate, "percentage": percentage,
                "delay": delay, "abort": abort })
        },
    )
}

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<bool>(), 0..5)
        .prop_flat_map(|rules| (0..rules.len()).map(rule).collect::<Vec<_>>())
        .prop_map(|rules| json!({ "mode": "inject", "rules": rules }).to_string())
}

fn request() -> impl Strategy<Value = Head> {
    let value = prop::collection::vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'1'), any::<u8>()], 0..3);
    let header = ("[ab]", value);
    (prop::collection::vec(header, 0..4), "(/[abc]{0,2})?").prop_map(|(headers, path)| {
        let mut request = common::head(&[(":method", b"GET"), (":path", path.as_bytes())]);
        request.headers.extend(headers);
        request
    })
}

/// An action of the host. Numbers of exchanges are places in the list of those under way.
#[derive(Debug, Clone)]
enum Operation {
    Arrive(Head),
    End(usize),
    Respond(usize),
    Move(u64),
    MoveBack(u64),
    Break,
    /// Take at most this many that are due.
    Take(usize),
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        5 => request().prop_map(Operation::Arrive),
        2 => any::<usize>().prop_map(Operation::End),
        1 => any::<usize>().prop_map(Operation::Respond),
        4 => (0..300_u64).prop_map(Operation::Move),
        1 => (0..300_u64).prop_map(Operation::MoveBack),
        1 => Just(Operation::Break),
        4 => (0..5_usize).prop_map(Operation::Take),
    ]
}

/// An engine beside a model of what it holds.
struct Model {
    worker: Proxy<Seeded>,
    now: u64,
    next: u32,
    /// Held exchanges and when they are due, in milliseconds.
    held: BTreeMap<u32, u64>,
    alive: BTreeSet<u32>,
    released: BTreeSet<u32>,
    /// Exchanges held, by the events.
    active: usize,
    trace: Vec<String>,
}

impl Model {
    fn new(document: &str, seed: u64) -> Self {
        let worker = Proxy::new(Engine::new(plan(document), Seeded(seed)));
        Self {
            worker,
            now: 1_000,
            next: 0,
            held: BTreeMap::new(),
            alive: BTreeSet::new(),
            released: BTreeSet::new(),
            active: 0,
            trace: Vec::new(),
        }
    }

    fn run(mut self, operations: &[Operation]) -> Vec<String> {
        for operation in operations {
            self.step(operation);
        }
        // Whatever is left is released when its time comes, or ended.
        self.now = 1_000_000;
        self.take(usize::MAX);
        assert!(self.held.is_empty());
        for number in std::mem::take(&mut self.alive) {
            self.worker.end(id(number));
        }
        self.check();
        assert_eq!((self.worker.rest(), self.active), (NOTHING, 0));
        self.trace
    }

    fn step(&mut self, operation: &Operation) {
        self.worker.clocks.at(self.now);
        match operation {
            Operation::Arrive(request) => self.arrive(request),
            Operation::End(place) => {
                if let Some(number) = self.chosen(*place) {
                    self.worker.end(id(number));
                    self.held.remove(&number);
                    self.alive.remove(&number);
                }
            }
            Operation::Respond(place) => {
                if let Some(number) = self.chosen(*place) {
                    let step = self.worker.response(number);
                    self.trace.push(format!("{number} {step:?}"));
                    self.held.remove(&number);
                }
            }
            Operation::Move(by) => self.now += by,
            Operation::MoveBack(by) => self.now = self.now.saturating_sub(*by),
            Operation::Break => self.worker.clocks.broken.set(!self.worker.clocks.broken.get()),
            Operation::Take(most) => self.take(*most),
        }
        self.check();
    }

    fn chosen(&self, place: usize) -> Option<u32> {
        self.alive.iter().nth(place.checked_rem(self.alive.len())?).copied()
    }

    fn arrive(&mut self, request: &Head) {
        let number = self.next;
        self.next += 1;
        self.alive.insert(number);
        let step = self.worker.request(number, request);
        self.trace.push(format!("{number} {step:?}"));
        if step == HeadersStep::Hold(vec![]) {
            assert!(!self.worker.clocks.broken.get(), "held by a clock that cannot be read");
            self.held.insert(number, 0);
        }
    }

    fn take(&mut self, most: usize) {
        for _ in 0..most {
            let earliest = self.held.values().min().copied();
            let Some((id, release)) = self.worker.next_due(at(self.now)) else {
                assert!(earliest.is_none_or(|due| due > self.now), "something is due and was not released");
                return;
            };
            let due = self.held.remove(&id.0).expect("released once, and only what is held");
            assert!(due <= self.now, "{due} is released at {}", self.now);
            assert_eq!(Some(due), earliest, "the earliest first");
            assert!(self.released.insert(id.0));
            if matches!(release, Release::Reply(..)) {
                self.alive.remove(&id.0);
            }
            self.trace.push(format!("{} {release:?}", id.0));
        }
    }

    fn check(&mut self) {
        for event in self.worker.events() {
            match event {
                Event::Activated => self.active += 1,
                Event::Released => self.active -= 1,
                Event::Delayed(hold) => {
                    let due = self.held.get_mut(&(self.next - 1)).expect("what is delayed is held");
                    *due = self.now + u64::try_from(hold.as_millis()).unwrap();
                }
                _ => {}
            }
            self.trace.push(format!("{event:?}"));
        }
        let earliest = self.held.values().min().map(|due| at(*due));
        assert_eq!(self.worker.rest(), (self.held.len(), earliest));
        assert_eq!(self.active, self.held.len());
    }
}

/// JSON that is nearly a document: names and values that mean something, anywhere.
fn anything() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        4 => prop::sample::select(vec![
            "mode", "rules", "name", "match", "percentage", "delay", "abort", "fixed_delay", "fixedDelay", "http_status",
            "grpc_status", "body", "headers", "path", "methods", "authority", "string_match", "range_match", "start", "end",
            "present_match", "exact", "prefix", "safe_regex", "regex", "ignore_case", "numerator", "denominator", "sample",
            "limits", "response", "not", "any", "schedule", "outcomes",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-10.0..700.0_f64).prop_map(Value::from),
        (0..600_u32).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(vec![
            "1s",
            "250ms",
            "-1s",
            "1h1h",
            "off",
            "UNAVAILABLE",
            "r",
            "(a|b)*",
            "[",
            "GET",
            "12.5",
            "MILLION"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Checks that a text is either accepted and round-trips, or refused with at least one reason.
fn decodes_or_explains(text: &[u8]) {
    match Plan::from_json(text) {
        Ok(accepted) => {
            let once = printed(&accepted);
            let again = plan(&once);
            assert_eq!((printed(&again), again.is_idle()), (once, accepted.is_idle()));
        }
        Err(found) => {
            assert!(!found.is_empty());
            assert!(found.iter().all(|mistake| mistake.to_string().contains(": ")));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_held_exchange_is_released_once_in_time_and_in_order_or_ends(
        document in document(),
        operations in prop::collection::vec(operation(), 0..80),
        seed: u64,
    ) {
        let first = Model::new(&document, seed).run(&operations);
        prop_assert_eq!(first, Model::new(&document, seed).run(&operations), "the same seed, the same steps");
    }

    #[test]
    fn a_document_that_is_accepted_prints_and_reads_back_as_itself(document in document()) {
        let accepted = plan(&document);
        prop_assert_eq!(accepted.mode(), Mode::Inject);
        decodes_or_explains(document.as_bytes());
    }

    #[test]
    fn no_json_makes_the_decoder_panic(document in anything()) {
        decodes_or_explains(document.to_string().as_bytes());
    }

    #[test]
    fn no_rule_makes_the_decoder_panic(matches in anything(), delay in anything(), abort in anything(), share in anything()) {
        let rule = json!({ "name": "r", "match": matches, "percentage": share, "delay": delay, "abort": abort });
        decodes_or_explains(json!({ "rules": [rule] }).to_string().as_bytes());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decodes_or_explains(&bytes);
        decodes_or_explains(&[b"\x0a", bytes.as_slice()].concat());
    }

    #[test]
    fn no_damage_to_a_document_makes_the_decoder_panic(document in document(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut bytes = document.into_bytes();
        let place = at.index(bytes.len());
        bytes[place] = byte;
        if cut {
            bytes.truncate(place);
        }
        decodes_or_explains(&bytes);
    }

    #[test]
    fn a_share_counts_the_same_in_every_spelling(numerator in 0..=10_000_u32, draw: u64) {
        let share = FractionalPercent::new(numerator, Denominator::TenThousand);
        let finer = FractionalPercent::new(numerator * 100, Denominator::Million);
        prop_assert_eq!(share.millionths(), finer.millionths());
        prop_assert_eq!(share.to_string(), finer.to_string());
        prop_assert_eq!(share.includes(draw), draw % 10_000 < u64::from(numerator));
    }
}

/// Five standard deviations: by chance once in some millions of seeds, and the seeds are fixed.
fn within_bounds(hits: usize, draws: usize, share: f64) -> bool {
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let (hits, draws) = (hits as f64, draws as f64);
    (hits - draws * share).abs() <= 5.0 * (draws * share * (1.0 - share)).sqrt()
}

#[test]
fn shares_come_out_within_binomial_bounds() {
    const DRAWS: usize = 100_000;
    for (seed, share) in
        [(1, 50.0), (2, 12.5), (3, 1.0), (4, 0.01), (5, 99.99), (6, 33.3333), (7, 0.0), (8, 100.0)]
    {
        let document = suffering(r#""abort":{"http_status":503}"#)
            .replace("\"percentage\":100", &format!("\"percentage\":{share}"));
        let mut worker = Proxy::new(Engine::new(plan(&document), Seeded(seed)));
        let request = common::get(&[]);
        let mut hits = 0;
        for _ in 0..DRAWS {
            hits += usize::from(worker.request(0, &request) != HeadersStep::Continue);
            let _ = worker.events();
        }
        assert!(within_bounds(hits, DRAWS, share / 100.0), "{hits} of {DRAWS} at {share} %");
    }
}

/// Envoy's `delay 20 % + abort 5 %`: 24 % of the requests suffer something, one in a hundred both.
#[test]
fn faults_of_one_rule_are_drawn_independently() {
    const DRAWS: usize = 100_000;
    let faults =
        r#""delay":{"fixed_delay":"1ms","percentage":20},"abort":{"http_status":503,"percentage":5}"#;
    let mut worker = Proxy::new(Engine::new(plan(&suffering(faults)), Seeded(9)));
    let request = common::get(&[]);
    let (mut delayed, mut aborted, mut both) = (0, 0, 0);
    for _ in 0..DRAWS {
        match worker.request(0, &request) {
            HeadersStep::Continue => {}
            HeadersStep::Reply(_) => aborted += 1,
            _ => match worker.next_due(at(1)) {
                Some((_, Release::Resume(Direction::Request))) => delayed += 1,
                _ => both += 1,
            },
        }
        worker.end(id(0));
        let _ = worker.events();
    }
    let good = [(delayed, 0.19), (aborted, 0.04), (both, 0.01)];
    assert!(good.iter().all(|(hits, share)| within_bounds(*hits, DRAWS, *share)), "{good:?}");
}
