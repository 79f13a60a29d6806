//! Sampling: the matching requests that a rule takes, by a key, by count, and by how many.

use crate::common;

use brownout_core::document::sample::point;
use brownout_core::limit::tally::{Account, LocalTally, Tally, next};
use brownout_core::view::{Property, RequestView};
use common::asked::Asked;
use common::statistics::{chi_square, chi_square_of_table};
use common::{Head, Steps, about_rule, taking};
use serde_json::Value;
use std::cell::Cell;
use std::rc::Rc;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Computed by `vectors/generate.py`, which shares no code with us.
const VECTORS: &str = include_str!("vectors/sticky.json");

fn user(key: &str) -> Head {
    common::get(&[("x-user", key)])
}

/// A rule that takes a share of the values of `x-user`.
fn by_user(percentage: impl std::fmt::Display, salt: &str) -> String {
    taking(&format!(r#""percentage":{percentage},"sample":{{"by":{{"header":"x-user"}},"salt":"{salt}"}}"#))
}

/// Returns whether a document's rules take a request. Whatever needs chance fails.
fn takes(document: &str, request: &dyn RequestView) -> bool {
    common::proxy(document, &[]).status(request) == 503
}

#[test]
fn keys_fall_where_an_independent_computation_puts_them() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let percentages = file["percentages"].as_array().unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!((percentages.len(), vectors.len()), (10, 184));
    for vector in vectors {
        let (salt, key) = (vector["salt"].as_str().unwrap(), vector["key"].as_str().unwrap());
        let found = point(salt, key.as_bytes());
        assert_eq!(format!("{found:#018x}"), vector["point"].as_str().unwrap(), "{vector}");
        assert_eq!(found % 1_000_000, vector["millionth"].as_u64().unwrap(), "{vector}");
        let taken = |percentage: &&Value| takes(&by_user(percentage, salt), &user(key));
        let taken: Vec<&Value> = percentages.iter().filter(taken).collect();
        // A request with an empty key has none.
        let expected = vector["taken_at"].as_array().unwrap().iter().filter(|_| !key.is_empty());
        assert_eq!(taken, expected.collect::<Vec<_>>(), "{vector}");
    }
}

#[test]
fn a_rule_without_a_salt_is_salted_with_its_name() {
    let document = |salt: &str| {
        taking(&format!(r#""percentage":50,"sample":{{"by":{{"header":"x-user"}}{salt}}}"#))
            .replace(r#""name":"r""#, r#""name":"slow-checkout""#)
    };
    let users: Vec<String> = (0..200).map(|number| format!("user-{number}")).collect();
    let taken =
        |salt: &str| users.iter().filter(|key| takes(&document(salt), &user(key))).collect::<Vec<_>>();
    assert_eq!(taken(""), taken(r#","salt":"slow-checkout""#));
    assert_ne!(taken(""), taken(r#","salt":"""#), "an empty salt is a salt");
    let expected = |key: &&String| point("slow-checkout", key.as_bytes()) % 1_000_000 < 500_000;
    assert_eq!(taken(""), users.iter().filter(expected).collect::<Vec<_>>());
}

/// The sample `by`, and two requests whose keys are equal though the requests differ.
#[track_caller]
fn assert_same_key(by: &str, key: &str, requests: Vec<Asked>) {
    let under = 1 + point("r", key.as_bytes()) % 1_000_000;
    for (percentage, expected) in [(under, true), (under - 1, false)] {
        let share = format!(r#"{{"numerator":{percentage},"denominator":"MILLION"}}"#);
        let document = taking(&format!(r#""percentage":{share},"sample":{{"by":{by}}}"#));
        for request in &requests {
            assert_eq!(takes(&document, request), expected, "{by} {request:?} at {percentage}");
        }
    }
}

/// Requests that have no such key: neither taken nor asked to chance.
#[track_caller]
fn assert_no_key(by: &str, requests: Vec<Asked>) {
    for request in requests {
        let sample = |missing: &str| {
            taking(&format!(r#""percentage":50,"sample":{{"by":{by},"missing":"{missing}"}}"#))
        };
        assert!(!takes(&sample("skip"), &request), "{by} {request:?}");
        for (draw, status) in [(499_999, 503), (500_000, 0)] {
            assert_eq!(
                common::proxy(&sample("random"), &[draw]).status(&request),
                status,
                "{by} {request:?}"
            );
        }
    }
}

#[test]
fn a_header_is_a_key_by_its_first_value() {
    let by = r#"{"header":"X-User"}"#;
    let with =
        |values: &[&str]| Asked::get(&values.iter().map(|value| ("x-user", *value)).collect::<Vec<_>>());
    assert_same_key(by, "bob", vec![with(&["bob"]), with(&["bob", "alice"])]);
    assert_same_key(by, "bob, alice", vec![with(&["bob, alice"])]);
    assert_same_key(r#"{"header":":path"}"#, "/", vec![with(&[])]);
    assert_no_key(by, vec![with(&[]), with(&[""]), Asked::get(&[("x-user2", "bob")])]);
    let odd = common::head(&[("x-user", b"\xff\0")]);
    assert!(takes(&by_user(100, "r"), &odd), "any bytes are a key");
}

#[test]
fn a_cookie_is_a_key_in_whichever_cookie_header_it_stands() {
    let by = r#"{"cookie":"session"}"#;
    let with =
        |headers: &[&str]| Asked::get(&headers.iter().map(|value| ("cookie", *value)).collect::<Vec<_>>());
    assert_same_key(
        by,
        "s=1",
        vec![
            with(&["session=s=1"]),
            with(&["a=b; session=s=1; session=2"]),
            with(&["sessions=0;session=s=1"]),
            with(&["a=b", "session=s=1"]),
            with(&["session=s=1", "session=2"]),
        ],
    );
    assert_no_key(by, vec![with(&[]), with(&["Session=1"]), with(&["session="]), with(&["session"])]);
}

#[test]
fn a_query_parameter_is_a_key_percent_decoded() {
    let by = r#"{"query_parameter":"us er"}"#;
    let with = |path: &str| Asked::of(common::head(&[(":path", path.as_bytes())]));
    let paths = [
        "/?us%20er=a+b%26",
        "/x?a=1&us%20er=a%2Bb%26",
        "/?us%20er=a+b%26&us%20er=c#d",
        "/?us%20er=a%2bb%26#?",
    ];
    assert_same_key(by, "a+b&", paths.map(with).into());
    let none = ["/", "/?", "/?us+er=1", "/?us%20er", "/?us%20er=", "/us%20er=1", "/#?us%20er=1"];
    assert_no_key(by, none.map(with).into());
    assert_no_key(by, vec![Asked::of(common::head(&[(":method", b"CONNECT")]))]);
}

#[test]
fn a_source_address_is_a_key_without_its_port_in_whichever_form_it_comes() {
    let by = r#"{"source_ip":{}}"#;
    let from = |address: &str| Asked::get(&[]).with(Property::SourceAddress, address);
    let v4 = [
        "10.0.0.1:51234",
        "10.0.0.1:1",
        "10.0.0.1",
        "[::ffff:10.0.0.1]:80",
        "[::ffff:a00:1]:80",
        "::ffff:10.0.0.1",
    ];
    assert_same_key(by, "10.0.0.1", v4.map(from).into());
    let v6 = ["[2001:db8::1]:51234", "[2001:db8:0:0::1]:80", "2001:db8::1", "[2001:DB8::1]:80"];
    assert_same_key(by, "2001:db8::1", v6.map(from).into());
    assert_same_key(by, "2001:db8::1:80", vec![from("2001:db8::1:80"), from("[2001:db8::1:80]:80")]);
    assert_no_key(by, ["", "/run/app.sock", "@abstract", "10.0.0:1", "shop:80", "[::1"].map(from).into());
    assert_no_key(by, vec![Asked::get(&[])]);
}

#[test]
fn a_principal_is_a_key_by_the_first_uri_of_the_certificate() {
    let by = r#"{"principal":{}}"#;
    let cart = "spiffe://cluster.local/ns/shop/sa/cart";
    assert_same_key(by, cart, vec![Asked::get(&[]).with(Property::PeerUriSan, cart)]);
    assert_no_key(by, vec![Asked::get(&[]), Asked::get(&[]).with(Property::PeerUriSan, "")]);
}

#[test]
fn a_trace_is_a_key_by_whichever_header_carries_it() {
    let by = r#"{"trace":{}}"#;
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = |trace: &str, span: &str| format!("00-{trace}-{span}-01");
    let (first, second) = (parent(trace, "00f067aa0ba902b7"), parent(trace, "b7ad6b7169203331"));
    let b3 = format!("{trace}-00f067aa0ba902b7-1-05e3ac9a4f6e3b90");
    let nothing = parent(&"0".repeat(32), "00f067aa0ba902b7");
    let other = "0af7651916cd43dd8448eb211c80319c";
    assert_same_key(
        by,
        trace,
        vec![
            Asked::get(&[("traceparent", &first)]),
            Asked::get(&[("traceparent", &second)]),
            Asked::get(&[("x-b3-traceid", trace)]),
            Asked::get(&[("b3", &b3)]),
            Asked::get(&[("b3", other), ("x-b3-traceid", other), ("traceparent", &first)]),
            Asked::get(&[("b3", other), ("x-b3-traceid", trace)]),
            Asked::get(&[("traceparent", &nothing), ("b3", &b3)]),
            Asked::get(&[("traceparent", "garbage"), ("b3", &b3)]),
        ],
    );
    let short = "a3ce929d0e0e4736";
    assert_same_key(by, short, vec![Asked::get(&[("x-b3-traceid", short)])]);
    assert_no_key(
        by,
        vec![
            Asked::get(&[]),
            Asked::get(&[("traceparent", &nothing)]),
            Asked::get(&[("traceparent", "")]),
            Asked::get(&[("b3", "0")]),
            Asked::get(&[("b3", "d")]),
            Asked::get(&[("x-request-id", trace)]),
        ],
    );
}

#[test]
fn a_key_decides_at_zero_and_at_a_hundred_percent_too() {
    assert!(takes(&by_user(100, "r"), &user("a")));
    assert!(!takes(&by_user(100, "r"), &common::get(&[])), "a request without a key is skipped");
    assert!(!takes(&by_user(0, "r"), &user("a")));
    let random = |percentage: u32| by_user(percentage, "r").replace(r#""salt":"r""#, r#""missing":"random""#);
    assert_eq!(common::proxy(&random(100), &[999_999]).status(&common::get(&[])), 503);
    assert_eq!(common::proxy(&random(0), &[]).status(&common::get(&[])), 0);
}

/// A way to make a key from a number.
type Naming = fn(u32) -> String;

/// The hundredth into which each of a hundred thousand keys falls.
fn hundredths(salt: &str, key: Naming) -> Vec<usize> {
    let hundredth = |number| point(salt, key(number).as_bytes()) % 1_000_000 / 10_000;
    (0..100_000).map(|number| usize::try_from(hundredth(number)).unwrap()).collect()
}

#[test]
fn a_hundred_thousand_keys_fall_evenly_whatever_they_look_like() {
    let kinds: [(&str, Naming); 4] = [
        ("", |n| n.to_string()),
        ("slow-checkout", |n| format!("user-{n}@example.org")),
        ("r", |n| std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string()),
        ("s", |n| format!("{:032x}", u128::from(n) << 64)),
    ];
    for (salt, key) in kinds {
        let mut counts = [0; 100];
        hundredths(salt, key).into_iter().for_each(|place| counts[place] += 1);
        // 99 degrees of freedom: one thousandth on either side.
        let statistic = chi_square(&counts);
        assert!((60.0..148.2).contains(&statistic), "{salt:?}, {}: {statistic}", key(7));
    }
}

#[test]
fn rules_with_different_salts_choose_independently() {
    let salts = ["rule-1", "rule-2", "", "slow-checkout"];
    let placed = salts.map(|salt| hundredths(salt, |number| format!("user-{number}")));
    for (first, second) in [(0, 1), (0, 2), (1, 3)] {
        for (percent, other) in [(50, 50), (10, 30), (1, 50)] {
            let mut table = [0; 4];
            for (a, b) in placed[first].iter().zip(&placed[second]) {
                table[2 * usize::from(*a >= percent) + usize::from(*b >= other)] += 1;
            }
            // One degree of freedom: one thousandth.
            let statistic = chi_square_of_table(table);
            let salts = (salts[first], salts[second]);
            assert!(statistic < 10.83, "{salts:?} {percent} {other}: {table:?} {statistic}");
        }
    }
}

#[test]
fn rules_with_equal_salts_choose_the_same_keys() {
    let rule = |name: &str, percentage: u32| {
        format!(
            r#"{{"name":"{name}","percentage":{percentage},"abort":{{"http_status":500}},
                "sample":{{"by":{{"header":"x-user"}},"salt":"s"}}}}"#
        )
    };
    let document = format!(r#"{{"rules":[{},{}]}}"#, rule("a", 30), rule("b", 30));
    let mut worker = common::proxy(&document, &[]);
    for number in 0..300 {
        let _ = worker.status(&user(&format!("user-{number}")));
    }
    let injected = |event: &_| matches!(event, brownout_core::engine::event::Event::Injected(common::SECOND));
    assert!(!worker.events().iter().any(injected), "the first has taken what the second would");
}

#[test]
fn raising_the_percentage_only_adds_keys() {
    let users: Vec<Head> = (0..400).map(|number| user(&format!("user-{number}"))).collect();
    let mut before = vec![false; users.len()];
    for percentage in
        ["0", "0.0001", "0.5", "1", "2", "5", "12.5", "33.3333", "50", "66", "90", "99.9", "100"]
    {
        let mut worker = common::proxy(&by_user(percentage, "s"), &[]);
        let taken: Vec<bool> = users.iter().map(|user| worker.status(user) == 503).collect();
        assert!(before.iter().zip(&taken).all(|(before, now)| *now || !before), "{percentage} %");
        before = taken;
    }
    assert_eq!(before, vec![true; users.len()]);
}

#[test]
fn every_worker_and_every_proxy_takes_the_same_keys() {
    let taken = |seed: u64| -> Vec<u16> {
        let mut worker = common::seeded(&by_user(40, "s"), seed);
        (0..300).map(|number| worker.status(&user(&format!("user-{number}")))).collect()
    };
    assert_eq!(taken(1), taken(2));
}

/// Returns the positions of the requests that a sample selects.
fn places(sample: &str, requests: usize) -> Vec<usize> {
    let mut worker = common::proxy(&taking(&format!(r#""percentage":100,"sample":{sample}"#)), &[]);
    (0..requests).filter(|_| worker.status(&common::get(&[])) == 503).collect()
}

#[test]
fn counting_takes_every_so_many_or_the_first_so_many() {
    assert_eq!(places(r#"{"every":10}"#, 35), [0, 10, 20, 30]);
    assert_eq!(places(r#"{"every":1}"#, 4), [0, 1, 2, 3]);
    assert_eq!(places(r#"{"first":3}"#, 100), [0, 1, 2]);
    assert_eq!(places(r#"{"first":3,"of":10}"#, 25), [0, 1, 2, 10, 11, 12, 20, 21, 22]);
    assert_eq!(places(r#"{"first":1,"of":2}"#, 5), [0, 2, 4]);
    assert_eq!(places(r#"{"every":9007199254740993}"#, 3), [0]);
}

/// `x-a` counts for the first rule and `x-b` for the second; health probes for none.
#[test]
fn each_rule_counts_the_requests_that_match_it_and_are_not_excluded() {
    let rule = |name: &str| {
        format!(
            r#"{{"name":"{name}","match":{{"headers":[{{"name":"x-{name}"}}]}},"percentage":100,
                "sample":{{"every":3}},"abort":{{"http_status":500}}}}"#
        )
    };
    let mut worker = common::proxy(&format!(r#"{{"rules":[{},{}]}}"#, rule("a"), rule("b")), &[]);
    let probe = [("x-a", ""), ("user-agent", "kube-probe/1.33")];
    for (step, (headers, status)) in [
        (&[("x-a", "")][..], 500),
        (&[("x-b", "")], 500),
        (&[], 0),
        (&[("x-a", "")], 0),
        (&probe, 0),
        (&[("x-b", "")], 0),
        (&[("x-a", "")], 0),
        (&[("x-a", ""), ("x-b", "")], 500),
        (&[("x-b", "")], 0),
        (&[("x-b", "")], 500),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(worker.status(&common::get(headers)), status, "step {step}");
    }
}

#[test]
fn a_percentage_thins_what_counting_takes() {
    let document = taking(r#""percentage":50,"sample":{"every":2}"#);
    let mut worker = common::proxy(&document, &[0, 999_999, 499_999]);
    let statuses: Vec<u16> = (0..6).map(|_| worker.status(&common::get(&[]))).collect();
    assert_eq!(statuses, [503, 0, 0, 0, 503, 0]);
}

/// A shared tally that can be lost.
#[derive(Debug, Clone, Default)]
struct Shared {
    tally: LocalTally,
    lost: Rc<Cell<bool>>,
}

impl Tally for Shared {
    fn change(
        &mut self,
        account: Account,
        scope: &Rc<str>,
        change: &mut dyn FnMut(&mut Vec<u64>) -> bool,
    ) -> bool {
        !self.lost.get() && self.tally.change(account, scope, change)
    }
}

#[test]
fn workers_that_share_a_tally_count_together_and_without_one_take_nothing() {
    let mut tally = Shared::default();
    let document = taking(r#""percentage":100,"sample":{"first":3}"#);
    let shared = tally.clone();
    let mut workers = [common::sharing(&document, &shared), common::sharing(&document, &shared)];
    let request = common::get(&[]);
    let statuses = [0, 1, 1, 0, 1].map(|turn| workers[turn].status(&request));
    assert_eq!(statuses, [503, 503, 503, 0, 0]);
    assert_eq!(next(&mut tally, &"r".into()), Some(5));
    tally.lost.set(true);
    assert_eq!(common::sharing(&document, &shared).status(&request), 0);
}

#[test]
fn a_sample_chooses_in_exactly_one_way() {
    let said = |sample: &str| about_rule(&format!(r#""percentage":1,"sample":{sample}"#));
    let none = "has no selection: expected one of `by`, `every` or `first`";
    for (sample, expected) in [
        ("{}", none),
        (r#"{"of":2}"#, none),
        (r#"{"every":2,"first":1}"#, "has more than one selection: `every` and `first` exclude each other"),
        (
            r#"{"by":{"trace":{}},"every":2}"#,
            "has more than one selection: `by` and `every` exclude each other",
        ),
    ] {
        assert_eq!(said(sample), [format!("sample: the sample {expected}")], "{sample}");
    }
    for sample in [r#"{"every":2,"salt":"s"}"#, r#"{"first":2,"missing":"skip"}"#] {
        assert_eq!(said(sample), ["sample: invalid sample: `salt` and `missing` require `by`"], "{sample}");
    }
    for sample in [r#"{"every":2,"of":3}"#, r#"{"by":{"trace":{}},"of":3}"#] {
        assert_eq!(said(sample), ["sample: invalid sample: `of` requires `first`"], "{sample}");
    }
    for (first, of) in [(3, 3), (4, 3)] {
        let label = format!("the first {first} of {of} is every request");
        let sample = format!(r#"{{"first":{first},"of":{of}}}"#);
        assert_eq!(said(&sample), [format!("sample: invalid sample: {label}")]);
    }
    for count in ["0", "-1", "1.5", "\"3\"", "1e30"] {
        let found = count.trim_matches('"');
        let found = if count == "1e30" { "1e+30" } else { found };
        let expected =
            format!("sample.every: invalid count: found `{found}`, expected a whole number from 1");
        assert_eq!(said(&format!(r#"{{"every":{count}}}"#)), [expected], "{count}");
    }
}

#[test]
fn a_key_is_exactly_one_thing() {
    let said = |by: &str| about_rule(&format!(r#""percentage":1,"sample":{{"by":{by}}}"#));
    let kinds = "`header`, `cookie`, `query_parameter`, `source_ip`, `principal` or `trace`";
    assert_eq!(said("{}"), [format!("sample.by: `by` has no key: expected one of {kinds}")]);
    assert_eq!(
        said(r#"{"trace":{},"principal":{}}"#),
        ["sample.by: `by` has more than one key: `principal` and `trace` exclude each other"]
    );
    assert_eq!(
        said(r#"{"header":"a b"}"#),
        ["sample.by.header: invalid header name: `a b` is not a header name (RFC 9110)"]
    );
    assert_eq!(
        said(r#"{"trace":true}"#),
        ["sample.by.trace: invalid value: found `true`, expected an object"]
    );
    for by in [r#"{"cookie":""}"#, r#"{"query_parameter":""}"#] {
        assert_eq!(said(by).len(), 1, "{by}: a key without a name is no key");
    }
    assert_eq!(
        about_rule(r#""percentage":1,"sample":{"by":{"trace":{}},"missing":"take"}"#),
        ["sample.missing: invalid `missing`: found `take`, expected `skip` or `random`"]
    );
}
