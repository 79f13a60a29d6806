//! Checks that descriptions of documents and requests match what the engine does.

use crate::common;

use brownout_core::decode::Decoder;
use brownout_core::engine::event::Event;
use brownout_core::entropy::Entropy;
use brownout_core::explain::matching::conditions;
use brownout_core::explain::trace::{By, Check, Verdict, checks};
use brownout_core::explain::{self, Trace};
use brownout_core::predicate::Predicate;
use brownout_core::time::Instant;
use brownout_core::view::Property;
use common::asked::Asked;
use common::{Clocks, Move, Seeded, Steps, json, plan};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// One condition of each field, each true of some of the requests below.
const PARTS: [(&str, &str); 16] = [
    ("methods", r#"["POST","PUT"]"#),
    ("path", r#"{"prefix":"/pay"}"#),
    ("authority", r#"{"exact":"shop"}"#),
    ("grpc", r#"{"service":{"exact":"pay"}}"#),
    ("query_parameters", r#"[{"name":"a"},{"name":"b","string_match":{"exact":"1"}}]"#),
    ("headers", r#"[{"name":"x-a"},{"name":"x-b","present_match":false}]"#),
    ("cookies", r#"[{"name":"c","string_match":{"prefix":"v"}}]"#),
    ("direction", r#""inbound""#),
    ("route", r#"{"suffix":"-pay"}"#),
    ("virtual_host", r#"{"exact":"vh"}"#),
    ("cluster", r#"{"contains":"pay"}"#),
    ("source", r#"{"cidrs":["10.0.0.0/8"],"principal":{"prefix":"spiffe://"}}"#),
    ("node", r#"{"id":{"exact":"n"},"labels":{"app":"cart"}}"#),
    ("all", r#"[{"headers":[{"name":"x-a"}]},{"methods":["POST"]}]"#),
    ("any", r#"[{"headers":[{"name":"x-z"}]},{"path":{"contains":"y"}}]"#),
    ("not", r#"{"headers":[{"name":"x-b"}],"path":{"prefix":"/pay"}}"#),
];

fn predicate(parts: &[(&str, &str)]) -> Predicate {
    let fields: Vec<String> = parts.iter().map(|(field, value)| format!("\"{field}\":{value}")).collect();
    let predicate: Predicate =
        Decoder::decode(&json(&format!("{{{}}}", fields.join(",")))).expect("a predicate");
    predicate.settle(&|property| match property {
        Property::NodeId => Some(b"n".to_vec()),
        Property::NodeLabel("app") => Some(b"cart".to_vec()),
        _ => None,
    });
    predicate
}

/// Returns a request that satisfies some of the conditions.
fn request(chance: &mut Seeded) -> Asked {
    let mut often = || !chance.next_u64().is_multiple_of(5);
    let method = if often() { "POST" } else { "GET" };
    let path = if often() { "/pay/now?a&b=1" } else { "/other" };
    let mut headers = vec![(":method", method), (":path", path), (":authority", "shop:80")];
    let more = [("x-a", "1"), ("cookie", "d=1; c=v2"), ("content-type", "application/grpc")];
    headers.extend(more.into_iter().filter(|_| often()));
    headers.extend((!often()).then_some(("x-b", "")));
    let headers: Vec<(&str, &[u8])> = headers.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
    let facts = [
        (Property::RouteName, "to-pay"),
        (Property::VirtualHostName, "vh"),
        (Property::ClusterName, "payments"),
        (Property::SourceAddress, "10.1.2.3:5000"),
        (Property::PeerUriSan, "spiffe://a"),
        (Property::ListenerDirection, "\u{1}"),
    ];
    let mut asked = Asked::of(common::head(&headers));
    for (property, value) in facts.into_iter().filter(|_| often()) {
        asked = asked.with(property, value);
    }
    asked
}

fn some_parts(chance: &mut Seeded) -> Vec<(&'static str, &'static str)> {
    PARTS.into_iter().filter(|_| chance.next_u64().is_multiple_of(3)).collect()
}

#[test]
fn conditions_are_told_in_the_order_in_which_the_engine_asks_them() {
    let mut chance = Seeded(1);
    for _ in 0..3000 {
        let parts = some_parts(&mut chance);
        let whole = predicate(&parts);
        let request = request(&mut chance);
        let failing = whole.failing(&request);
        let order = conditions(&whole);
        let told: Vec<_> = order.iter().map(|condition| condition.part).collect();
        let until = failing.map_or(told.len(), |part| {
            told.iter().position(|other| *other == part).unwrap_or_else(|| panic!("{part:?} is not told"))
        });
        for part in &told[..until] {
            let alone = parts.iter().find(|(field, _)| *field == part.field).expect("a part");
            let first_false = predicate(&[*alone]).failing(&request);
            // Of a list, an element after this one may be the one that fails.
            let later = first_false.is_some_and(|other| other.index > part.index);
            assert!(first_false.is_none() || later, "{part:?} comes before {failing:?} and does not hold");
        }
    }
}

#[test]
fn the_checks_end_with_the_condition_that_decides() {
    let mut chance = Seeded(2);
    for _ in 0..3000 {
        let whole = predicate(&some_parts(&mut chance));
        let request = request(&mut chance);
        let checks = checks(&whole, &request, "");
        let own: Vec<&Check> = checks.iter().filter(|check| !check.path.contains('.')).collect();
        let failing = own.iter().position(|check| !check.holds);
        assert_eq!(failing.is_none(), whole.matches(&request));
        assert_eq!(failing.map_or(own.len(), |place| place + 1), own.len(), "{own:?}");
        assert!(own.iter().all(|check| !check.words.is_empty() || check.path.starts_with(['a', 'n'])));
    }
}

#[test]
fn a_trace_takes_what_the_engine_takes() {
    let mut chance = Seeded(3);
    let actions = [
        r#""percentage":100"#,
        r#""percentage":40"#,
        r#""percentage":0"#,
        r#""percentage":50,"sample":{"by":{"header":"x-a"},"salt":"s"}"#,
        r#""percentage":60,"sample":{"by":{"cookie":"c"}}"#,
        r#""percentage":100,"mode":"off""#,
        r#""percentage":100,"schedule":{"not_before":"2030-01-01T00:00:00Z"}"#,
    ];
    let mut decided = 0;
    for round in 0..400 {
        let rule = |number: usize, chance: &mut Seeded| {
            let fields: Vec<String> =
                some_parts(chance).iter().map(|(field, value)| format!("\"{field}\":{value}")).collect();
            let few: Vec<String> = fields.into_iter().take(2).collect();
            let action = actions[usize::try_from(chance.next_u64() % 7).expect("small")];
            format!(
                r#"{{"name":"r{number}","match":{{{}}},{action},"abort":{{"http_status":503}}}}"#,
                few.join(",")
            )
        };
        let rules: Vec<String> = (0..6).map(|number| rule(number, &mut chance)).collect();
        let document =
            format!(r#"{{"rules":[{}],"exclude":[{{"headers":[{{"name":"x-b"}}]}}]}}"#, rules.join(","));
        let plan = plan(&document);
        let request = request(&mut chance);
        let clock = Clocks::default();
        clock.wall_at("2026-01-01T00:00:00Z");
        let trace = Trace::new(&plan, &request, &clock, Some(Instant::default()));

        let mut worker = common::seeded(&document, round);
        worker.clocks.wall_at("2026-01-01T00:00:00Z");
        let likely: Vec<f64> = trace
            .rules
            .iter()
            .map(|traced| match &traced.verdict {
                Verdict::Matches(odds) => odds.likelihood(&plan.rules()[traced.place]).expect("no counts"),
                _ => 0.0,
            })
            .collect();
        let certain = likely.iter().position(|likelihood| *likelihood == 1.0);
        let candidates = &likely[..certain.map_or(likely.len(), |place| place + 1)];
        for _ in 0..20 {
            let _ = worker.request(0, &request);
            let taken = worker.events().into_iter().find_map(|event| match event {
                Event::Injected(rule) => Some(rule.0),
                _ => None,
            });
            match taken {
                Some(rule) => assert!(candidates.get(rule).is_some_and(|l| *l > 0.0), "{rule}: {document}"),
                None => assert_eq!(certain, None, "{document}"),
            }
        }
        decided += usize::from(candidates.iter().any(|likelihood| *likelihood > 0.0));
    }
    assert!(decided > 100, "only {decided} of the requests could be taken at all");
}

#[test]
fn the_sticky_answer_is_the_one_that_a_key_always_gets() {
    let document = r#"{"rules":[{"name":"r","percentage":50,"sample":{"by":{"header":"x-user"},"salt":"s"},
        "outcomes":[{"percentage":30,"abort":{"http_status":503}},{"percentage":30,"abort":{"http_status":429}}]}]}"#;
    let plan = plan(document);
    let mut worker = common::seeded(document, 1);
    let mut seen = [0, 0, 0];
    for user in 0..200 {
        let user = user.to_string();
        let request = common::get(&[("x-user", &user)]);
        let trace = Trace::new(&plan, &request, &Clocks::default(), None);
        let Verdict::Matches(odds) = &trace.rules[0].verdict else { panic!("{trace:?}") };
        let By::Key { key, point, outcome } = &odds.by else { panic!("{odds:?}") };
        assert_eq!(key, user.as_bytes());
        let expected = match outcome {
            Some(0) if *point < odds.share => 503,
            Some(1) if *point < odds.share => 429,
            _ => 0,
        };
        assert_eq!(worker.status(&request), expected, "user {user}");
        assert_eq!(odds.likelihood(&plan.rules()[0]), Some(f64::from(u8::from(expected > 0))));
        seen[match expected {
            503 => 0,
            429 => 1,
            _ => 2,
        }] += 1;
    }
    assert!(seen.iter().all(|count| *count > 10), "{seen:?}");
}

#[test]
fn a_check_says_what_the_request_has() {
    let whole = predicate(&[PARTS[0], PARTS[8], PARTS[15]]);
    let request = Asked::of(common::head(&[(":method", b"POST"), (":path", b"/pay"), ("x-b", b"")]))
        .with(Property::RouteName, "to-pay");
    let found: Vec<_> =
        checks(&whole, &request, "").into_iter().map(|c| (c.path, c.words, c.holds, c.seen)).collect();
    let line = |path: &str, words: &str, holds: bool, seen: &[&str]| {
        (path.to_owned(), words.to_owned(), holds, seen.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let expected = [
        line("methods", "method is POST or PUT", true, &["POST"]),
        line("route", "route ends with `-pay`", true, &["to-pay"]),
        line("not", "", false, &[]),
        line("not.path", "path begins with `/pay`", true, &["/pay"]),
        line("not.headers[0]", "header `x-b` is there", true, &[""]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn predicates_read_as_sentences() {
    let said = |predicate: &str| {
        let predicate: Predicate = Decoder::decode(&json(predicate)).expect("a predicate");
        explain::matching::requests(&predicate)
    };
    let header = |matcher: &str| said(&format!(r#"{{"headers":[{{"name":"x",{matcher}}}]}}"#));
    for (found, expected) in [
        (said("{}"), "requests"),
        (header(r#""present_match":true"#), "requests whose header `x` is there"),
        (header(r#""present_match":false"#), "requests whose header `x` is missing"),
        (header(r#""present_match":true,"invert_match":true"#), "requests whose header `x` is missing"),
        (
            header(r#""range_match":{"start":1,"end":5},"invert_match":true"#),
            "requests whose header `x` is there and is not one that is a number at least 1 and below 5",
        ),
        (
            header(
                r#""string_match":{"suffix":"a","ignore_case":true},"treat_missing_header_as_empty":true"#,
            ),
            "requests whose header `x`, or nothing if it is missing, ends with `a` in any case",
        ),
        (
            said(
                r#"{"any":[{"path":{"exact":"/a"},"methods":["GET"]},{"cookies":[{"name":"c"}]}],"authority":{"exact":"h"}}"#,
            ),
            "requests whose host is `h` and (whose method is GET and whose path is `/a` or whose cookie `c` is there)",
        ),
        (
            said(r#"{"grpc":{},"not":{"node":{"namespace":{"exact":"n"}}}}"#),
            "requests whose content type is gRPC, except those whose proxy's namespace is `n`",
        ),
    ] {
        assert_eq!(found, expected);
    }
}
