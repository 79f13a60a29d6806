//! Many rules: the index gives the same result as walking over the rules one by one.
#![cfg(not(target_family = "wasm"))]

use crate::common;

use brownout_core::Engine;
use brownout_core::document::mode::Mode;
use brownout_core::document::rule::Rule;
use brownout_core::engine::event::Event;
use brownout_core::entropy::Entropy;
use brownout_core::id::RuleId;
use brownout_core::plan::Plan;
use brownout_core::step::HeadersStep;
use brownout_core::view::{Property, RequestView};
use common::asked::Asked;
use common::{Proxy, Seeded, Steps, plan};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A proxy that some `node` predicates are about.
fn proxy(property: Property<'_>) -> Option<Vec<u8>> {
    (property == Property::NodeId).then(|| b"here".to_vec())
}

fn text() -> impl Strategy<Value = Value> {
    let path = prop::sample::select(vec!["/", "/a", "/a/", "/a/b", "/b", "/ab"]);
    let anything = prop::sample::select(vec!["1", "2", "h", "H", "r", ""]);
    prop_oneof![
        4 => path.clone().prop_map(|text| json!({ "exact": text })),
        4 => path.clone().prop_map(|text| json!({ "prefix": text })),
        1 => path.clone().prop_map(|text| json!({ "suffix": text })),
        1 => path.prop_map(|text| json!({ "prefix": text, "ignore_case": true })),
        1 => Just(json!({ "safe_regex": "/a.*|1" })),
        2 => anything.prop_map(|text| json!({ "exact": text })),
    ]
}

fn name() -> impl Strategy<Value = Value> {
    (prop::sample::select(vec!["1", "2", "h", ""]), prop::bool::weighted(0.2))
        .prop_map(|(text, ignore_case)| json!({ "exact": text, "ignore_case": ignore_case }))
}

fn header() -> impl Strategy<Value = Value> {
    let condition = prop_oneof![
        4 => name().prop_map(|matcher| ("string_match", matcher)),
        1 => Just(("string_match", json!({ "prefix": "1" }))),
        1 => Just(("range_match", json!({ "start": 0, "end": 2 }))),
        2 => any::<bool>().prop_map(|present| ("present_match", json!(present))),
    ];
    let seldom = || prop::bool::weighted(0.2);
    let names = prop::sample::select(vec!["U", "v", "w", "x", "Y", "z", ":path", ":method", ":authority"]);
    (names, condition, seldom(), seldom()).prop_map(|(name, (kind, condition), inverted, treated)| {
        json!({ "name": name, kind: condition, "invert_match": inverted, "treat_missing_header_as_empty": treated })
    })
}

/// One field of a predicate, those that can be looked up more often than those that cannot.
fn field() -> impl Strategy<Value = (&'static str, Value)> {
    let methods = || prop::sample::subsequence(vec!["GET", "POST", "PUT"], 1..=3);
    let pair = || {
        prop_oneof![
            Just(json!([{ "name": "q" }])),
            Just(json!([{ "name": "q", "string_match": { "exact": "1" } }]))
        ]
    };
    prop_oneof![
        4 => text().prop_map(|matcher| ("path", matcher)),
        6 => prop::collection::vec(header(), 1..3).prop_map(|headers| ("headers", json!(headers))),
        2 => methods().prop_map(|methods| ("methods", json!(methods))),
        2 => name().prop_map(|matcher| ("authority", matcher)),
        2 => name().prop_map(|matcher| ("route", matcher)),
        1 => name().prop_map(|matcher| ("virtual_host", matcher)),
        1 => name().prop_map(|matcher| ("cluster", matcher)),
        1 => pair().prop_map(|pair| ("query_parameters", pair)),
        1 => pair().prop_map(|pair| ("cookies", pair)),
        1 => any::<bool>().prop_map(|here| ("node", json!({ "id": { "exact": if here { "here" } else { "there" } } }))),
    ]
}

fn predicate() -> impl Strategy<Value = Value> {
    let single = field().prop_map(|(name, value)| json!({ name: value }));
    prop_oneof![2 => single, 1 => nested()]
}

fn nested() -> impl Strategy<Value = Value> {
    let flat = prop::collection::vec(field(), 0..3).prop_map(|fields| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Value>()
    });
    flat.prop_recursive(3, 12, 3, |inner| {
        let list = prop::collection::vec(inner.clone(), 1..3);
        let nested = prop_oneof![
            2 => list.clone().prop_map(|list| ("all", json!(list))),
            1 => list.prop_map(|list| ("any", json!(list))),
            1 => inner.clone().prop_map(|inner| ("not", inner)),
        ];
        (inner, nested).prop_map(|(mut outer, (name, nested))| {
            outer[name] = nested;
            outer
        })
    })
}

/// Generates a rule that takes none, half or all of what it matches, in `inject` or `shadow` mode.
fn rule() -> impl Strategy<Value = Value> {
    // Mostly none, so that a walk goes far and reports each rule that matches.
    let percentage = prop_oneof![1 => Just(100), 1 => Just(50), 18 => Just(0)];
    let mode = prop_oneof![8 => Just("inject"), 1 => Just("shadow"), 1 => Just("off")];
    (prop::option::weighted(0.98, predicate()), percentage, mode).prop_map(|(predicate, percentage, mode)| {
        json!({ "match": predicate, "percentage": percentage, "mode": mode, "abort": { "http_status": 500 } })
    })
}

fn document() -> impl Strategy<Value = String> {
    let length = prop_oneof![4 => 1..12_usize, 4 => 12..60_usize, 1 => 60..500_usize];
    length.prop_flat_map(|length| prop::collection::vec(rule(), length)).prop_map(|mut rules| {
        rules.iter_mut().enumerate().for_each(|(number, rule)| rule["name"] = json!(format!("r{number}")));
        json!({ "exclude": [], "rules": rules }).to_string()
    })
}

/// Head may come twice, in any order; the request may show all of them at once or not.
fn request() -> impl Strategy<Value = Asked> {
    let pick = |values: &[&'static str]| prop::sample::select(values.to_vec());
    let header = (pick(&["u", "v", "w", "x", "y", "z", "cookie"]), pick(&["1", "2", "", "h", "12", "q=1"]));
    let line = (
        pick(&["GET", "POST", "PUT", "get"]),
        pick(&["/", "/a", "/a/", "/a/b?q", "/b?q=1", "/abc", "/A#x", ""]),
    );
    let names = prop::collection::vec(prop::option::of(pick(&["1", "2", "h"])), 3);
    let host = pick(&["h", "h:80", "1", "H", "[::1]:1", ""]);
    (line, host, prop::collection::vec(header, 0..8), names, any::<bool>()).prop_map(
        |((method, path), host, headers, names, whole)| {
            let mut all = vec![(":method", method), (":authority", host)];
            all.extend((!path.is_empty()).then_some((":path", path)));
            all.extend(headers);
            let lines: Vec<(&str, &[u8])> =
                all.iter().map(|(name, value)| (*name, value.as_bytes())).collect();
            let properties = [Property::RouteName, Property::VirtualHostName, Property::ClusterName];
            let request = Asked { whole, ..Asked::of(common::head(&lines)) };
            properties.into_iter().zip(names).fold(request, |request, (property, name)| {
                name.into_iter().fold(request, |request, name| request.with(property, name))
            })
        },
    )
}

/// Walks the rules in order, as specified: returns the events, and the rule that takes the request.
fn walk(rules: &[Rule], request: &dyn RequestView, entropy: &mut Seeded) -> (Vec<Event>, Option<usize>) {
    let mut events = Vec::new();
    for (place, rule) in rules.iter().enumerate() {
        let matches = rule.matches.clone().is_none_or(|predicate| {
            predicate.settle(&proxy);
            predicate.matches(request)
        });
        if rule.mode == Some(Mode::Off) || !matches {
            continue;
        }
        events.push(Event::Matched(RuleId(place)));
        let share = u64::from(rule.percentage.millionths());
        if share == 1_000_000 || (share > 0 && entropy.next_u64() % 1_000_000 < share) {
            return (events, Some(place));
        }
    }
    (events, None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_decision_is_that_of_a_walk_over_all_rules(
        document in document(),
        requests in prop::collection::vec(request(), 1..12),
        seed: u64,
    ) {
        let mut plan = plan(&document);
        plan.settle(&proxy);
        let rules = plan.rules().to_vec();
        let mut worker = Proxy::new(Engine::new(plan, Seeded(seed)));
        let mut entropy = Seeded(seed);
        for request in &requests {
            let (mut events, taken) = walk(&rules, request, &mut entropy);
            let step = worker.request(0, request);
            let shadowed = taken.is_some_and(|place| rules[place].mode == Some(Mode::Shadow));
            match taken.map(RuleId) {
                Some(rule) if shadowed => events.push(Event::Shadowed(rule)),
                Some(rule) => {
                    let kind = brownout_core::kind::Kind::Abort;
                    events.extend([Event::Injected(rule), Event::Fault { rule, kind }]);
                }
                None => {}
            }
            prop_assert_eq!(worker.events(), events, "{:?}", request);
            let by = match step {
                HeadersStep::Reply(reply) => {
                    reply.headers.last().map(|(_, evidence)| String::from_utf8_lossy(evidence).into_owned())
                }
                _ => None,
            };
            let expected = taken.filter(|_| !shadowed).map(|place| format!("r{place}; abort"));
            prop_assert_eq!(by, expected, "{:?}", request);
        }
    }
}

/// Returns `count` rules of several kinds that never match `GET http://shop/`, and one that matches every request with
/// `x-last`.
fn many(count: usize) -> Plan {
    let rule = |number: usize| {
        let predicate = match number % 8 {
            0 => json!({ "path": { "exact": format!("/users/{number}") } }),
            1 => json!({ "path": { "prefix": format!("/shops/{number}/") }, "methods": ["GET"] }),
            2 => {
                json!({ "headers": [{ "name": "x-user", "string_match": { "exact": format!("user-{number}") } }] })
            }
            3 => json!({ "authority": { "exact": format!("shop-{number}") } }),
            4 => json!({ "route": { "exact": format!("route-{number}") } }),
            5 => {
                json!({ "all": [{ "path": { "exact": format!("/carts/{number}") } }, { "not": { "methods": ["PUT"] } }] })
            }
            6 => {
                json!({ "headers": [{ "name": "x-canary" }], "query_parameters": [{ "name": format!("q{number}") }] })
            }
            _ => {
                json!({ "virtual_host": { "exact": format!("host-{number}") }, "cluster": { "prefix": "c" } })
            }
        };
        json!({ "name": format!("r{number}"), "match": predicate, "percentage": 100, "abort": { "http_status": 500 } })
    };
    let mut rules: Vec<Value> = (0..count).map(rule).collect();
    rules[count - 1]["match"] = json!({ "headers": [{ "name": "x-last" }] });
    // Parsed elsewhere, so that the text may be longer than a document's.
    let document = json!({ "exclude": [], "rules": rules }).to_string();
    Plan::from_value(&common::json(&document)).expect("a plan")
}

#[test]
fn a_request_that_matches_none_of_a_thousand_rules_is_asked_a_handful_of_questions() {
    for count in [1_000, 10_000] {
        let mut worker = Proxy::new(Engine::new(many(count), Seeded(1)));
        let request = Asked::get(&[("user-agent", "curl/8"), ("x-user", "nobody")])
            .with(Property::RouteName, "pay")
            .with(Property::VirtualHostName, "shop");
        let mut asked = |request: &Asked, status: u16| {
            assert_eq!(worker.status(request), status);
            let mut questions = request.questions();
            questions.sort();
            questions
        };
        let looked_up =
            [":authority", ":path", "RouteName", "VirtualHostName", "x-canary", "x-last", "x-user"];
        assert_eq!(asked(&request, 0), looked_up, "{count} rules, each thing once");
        let one = Asked::get(&[("x-user", "user-2")]);
        assert_eq!(
            asked(&one, 500),
            [&looked_up[..], &["x-user"]].concat(),
            "and of the one that is found, what it names"
        );
        let last = Asked::get(&[("x-last", "")]);
        assert_eq!(
            asked(&last, 500),
            [":authority", ":path", "RouteName", "VirtualHostName", "x-canary", "x-last", "x-last", "x-user"]
        );
    }
}

#[test]
fn rules_about_a_thousand_headers_look_at_all_headers_once_where_they_can() {
    let rule = |number: usize| {
        json!({ "name": format!("r{number}"), "percentage": 100, "abort": { "http_status": 500 },
            "match": { "headers": [{ "name": format!("x-{number}"), "string_match": { "exact": "1" } }] } })
    };
    let document = json!({ "exclude": [], "rules": (0..1_000).map(rule).collect::<Vec<_>>() }).to_string();
    let mut worker = common::proxy(&document, &[]);
    let mut asked = |headers: &[(&str, &str)], status: u16| {
        let request = Asked { whole: true, ..Asked::get(headers) };
        assert_eq!(worker.status(&request), status);
        request.questions()
    };
    assert_eq!(asked(&[("a", "1"), ("x-7", "2"), ("x-1000", "1")], 0), ["*"]);
    assert_eq!(asked(&[("x-7", "2"), ("x-7", "1")], 500), ["*", "x-7"]);
    assert_eq!(asked(&[("x-7", "1"), ("x-3", "1")], 500), ["*", "x-3"], "in the order of the rules");
}

#[test]
fn a_thousand_rules_with_the_same_condition_are_all_walked_in_order() {
    let rule = |number: usize| {
        json!({ "name": format!("r{number}"), "percentage": if number == 700 { 100 } else { 0 },
            "match": { "path": { "exact": "/" } }, "abort": { "http_status": 500 } })
    };
    let document = json!({ "rules": (0..1_000).map(rule).collect::<Vec<_>>() }).to_string();
    let mut worker = common::proxy(&document, &[]);
    assert_eq!(worker.status(&common::get(&[])), 500);
    let matched: Vec<Event> =
        worker.events().into_iter().filter(|event| matches!(event, Event::Matched(_))).collect();
    assert_eq!(matched, (0..=700).map(|place| Event::Matched(RuleId(place))).collect::<Vec<_>>());
}

#[test]
fn ten_thousand_rules_are_the_most() {
    let document = |count: usize| {
        let rule =
            |number: usize| format!(r#"{{"name":"{number}","percentage":1,"abort":{{"http_status":500}}}}"#);
        format!(r#"{{"rules":[{}]}}"#, (0..count).map(rule).collect::<Vec<_>>().join(","))
    };
    assert_eq!(plan(&document(10_000)).rules().len(), 10_000);
    let said = common::mistakes(document(10_001));
    assert_eq!(said, ["rules: too many rules: 10001 of them, at most 10000 are allowed"]);
}
