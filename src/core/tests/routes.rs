//! Documents in the metadata of routes and virtual hosts.

use crate::common;

use brownout_core::engine::event::Event;
use brownout_core::id::Direction;
use brownout_core::id::RuleId;
use brownout_core::kind::Kind;
use brownout_core::limit::tally::LocalTally;
use brownout_core::step::{HeadersStep, Release};
use brownout_core::view::Property;
use common::asked::Asked;
use common::{FIRST, Move, NOTHING, Proxy, SECOND, Steps, at, id, mark};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// The listener's document: rule `listener` answers 500.
const LISTENER: &str =
    r#"{"per_route":true,"rules":[{"name":"listener","percentage":100,"abort":{"http_status":500}}]}"#;

/// A route's document of one rule.
fn answering(name: &str, status: u16) -> String {
    format!(r#"{{"rules":[{{"name":"{name}","percentage":100,"abort":{{"http_status":{status}}}}}]}}"#)
}

fn on_route(text: impl AsRef<[u8]>) -> Asked {
    Asked::get(&[]).with(Property::RouteDocument, text)
}

fn on_host(text: impl AsRef<[u8]>) -> Asked {
    Asked::get(&[]).with(Property::VirtualHostDocument, text)
}

fn aborted(rule: RuleId) -> Vec<Event> {
    vec![Event::Matched(rule), Event::Injected(rule), Event::Fault { rule, kind: Kind::Abort }]
}

/// Returns what was said of wrong documents, each time.
fn refusals(worker: &mut Proxy<common::Scripted>) -> Vec<Vec<String>> {
    let said = |event| match event {
        Event::RouteRefused(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    };
    std::iter::from_fn(|| worker.next_event()).map(said).collect()
}

#[test]
fn the_rules_of_a_route_replace_the_listeners_and_come_before_its_virtual_hosts() {
    let mut worker = common::proxy(LISTENER, &[]);
    let (route, host) = (answering("route", 501), answering("host", 502));
    for (request, status) in [
        (Asked::get(&[]), 500),
        (on_route(&route), 501),
        (on_host(&host), 502),
        (on_route(&route).with(Property::VirtualHostDocument, &host), 501),
        (on_route("").with(Property::VirtualHostDocument, &host), 502),
        (on_route("").with(Property::VirtualHostDocument, ""), 500),
        (on_route(r#"{"rules":[]}"#), 0),
        (on_route(r#"{"rules":[]}"#).with(Property::VirtualHostDocument, &host), 0),
    ] {
        assert_eq!(worker.status(&request), status, "{request:?}");
    }
}

#[test]
fn rules_of_routes_are_numbered_after_the_listeners_and_found_again_by_name() {
    let mut worker = common::proxy(LISTENER, &[]);
    for (text, rule, name) in [
        (answering("route", 501), SECOND, "route"),
        (answering("host", 502), RuleId(2), "host"),
        (answering("route", 503), SECOND, "route"),
        (answering("listener", 504), FIRST, "listener"),
    ] {
        let HeadersStep::Reply(reply) = worker.request(0, &on_route(text)) else { panic!("not answered") };
        assert_eq!(
            reply.headers.last().map(|(_, mark)| mark.clone()),
            Some(format!("{name}; abort").into_bytes())
        );
        assert_eq!((worker.events(), worker.engine.rule_name(rule)), (aborted(rule), Some(name)));
    }
    assert_eq!(worker.engine.rule_name(RuleId(3)), None);
}

#[test]
fn a_wrong_document_does_nothing_at_all_and_is_complained_of_once() {
    let mut worker = common::proxy(LISTENER, &[]);
    let wrong = r#"{"rules":[{"name":"route","percentage":101,"abort":{"http_status":99}}]}"#;
    let said = [
        "rules[0].percentage: invalid percentage: `101` is more than 100",
        "rules[0].abort.http_status: invalid HTTP status: found `99`, expected 200 to 599",
    ];
    let host = answering("host", 502);
    let requests =
        [on_route(wrong), on_route(wrong).with(Property::VirtualHostDocument, &host), on_host(wrong)];
    assert_eq!(requests.each_ref().map(|request| worker.status(request)), [0; 3]);
    assert_eq!(
        refusals(&mut worker),
        [said.map(str::to_owned).to_vec(), vec![], vec![]],
        "counted each time"
    );
    let other = "{";
    assert_eq!(worker.status(&on_route(other)), 0);
    assert_eq!(refusals(&mut worker)[0].len(), 1, "another text has mistakes of its own");
    assert_eq!(worker.status(&on_route(answering("route", 501))), 501, "and the next one is right");
}

#[test]
fn whatever_is_no_document_is_refused_without_a_trace() {
    let long = answering("route", 501) + &" ".repeat(1024 * 1024);
    for (text, said) in [
        (&b"{}"[..], "missing field `rules`"),
        (b" ", "line 1"),
        (b"null", "found null"),
        (b"[]", "expected an object"),
        (b"\"{}\"", "expected an object"),
        (b"\xff\xfe", "line 1"),
        (b"{\"rules\":[]}\0", "line 1"),
        (b"{\"rules\":{}}", "rules: "),
        (long.as_bytes(), "document too long"),
    ] {
        let mut worker = common::proxy(LISTENER, &[]);
        assert_eq!(worker.status(&on_route(text)), 0, "{said}");
        let refused = refusals(&mut worker);
        assert!(refused.len() == 1 && refused[0].len() == 1 && refused[0][0].contains(said), "{refused:?}");
    }
}

#[test]
fn a_route_has_rules_and_nothing_else() {
    for field in [
        r#""mode":"off""#,
        r#""exclude":[]"#,
        r#""per_route":true"#,
        r#""experiment":{}"#,
        r#""limits":{}"#,
        r#""report":{}"#,
    ] {
        let mut worker = common::proxy(LISTENER, &[]);
        assert_eq!(
            worker.status(&on_route(answering("route", 501).replacen('{', &format!("{{{field},"), 1))),
            0
        );
        let name = field.split('"').nth(1).unwrap();
        let said = refusals(&mut worker);
        assert!(said[0].len() == 1 && said[0][0].starts_with(&format!("{name}: ")), "{said:?}");
    }
}

#[test]
fn routes_are_read_only_if_the_document_says_so() {
    let document = |fields: &str| LISTENER.replace(r#""per_route":true"#, fields);
    let questions = |document: &str, status: u16| {
        let request = on_route(answering("route", 501));
        assert_eq!(common::proxy(document, &[]).status(&request), status, "{document}");
        let questions = request.questions();
        questions.into_iter().filter(|question| question.ends_with("Document")).collect::<Vec<_>>()
    };
    assert_eq!(questions(&document(r#""per_route":false"#), 500), [""; 0]);
    assert_eq!(questions(&document(r#""exclude":[]"#), 500), [""; 0]);
    assert_eq!(questions(&document(r#""per_route":true,"mode":"off""#), 0), [""; 0]);
    assert_eq!(questions(&document(r#""per_route":true"#), 501), ["RouteDocument"]);
    assert_eq!(questions(r#"{"per_route":true}"#, 501), ["RouteDocument"], "with no rules of its own");
}

#[test]
fn a_route_without_a_document_costs_two_properties_that_are_absent() {
    let request = Asked::get(&[]);
    assert_eq!(common::proxy(r#"{"per_route":true}"#, &[]).status(&request), 0);
    assert_eq!(request.questions(), ["RouteDocument", "VirtualHostDocument"]);
}

#[test]
fn the_mode_of_the_document_bounds_that_of_its_routes_rules() {
    for (mode, of_rule, status, shadowed) in [
        ("inject", "inject", 501, false),
        ("inject", "shadow", 0, true),
        ("shadow", "inject", 0, true),
        ("inject", "off", 0, false),
    ] {
        let document = LISTENER.replacen('{', &format!(r#"{{"mode":"{mode}","#), 1);
        let mut worker = common::proxy(&document, &[]);
        let text = answering("route", 501).replacen(r#""name""#, &format!(r#""mode":"{of_rule}","name""#), 1);
        assert_eq!(worker.status(&on_route(text)), status, "{mode} {of_rule}");
        let expected = match (status, shadowed) {
            (0, true) => vec![Event::Matched(SECOND), Event::Shadowed(SECOND)],
            (0, false) => vec![],
            _ => aborted(SECOND),
        };
        assert_eq!(worker.events(), expected, "{mode} {of_rule}");
    }
}

#[test]
fn the_exclusions_of_the_document_hold_for_its_routes() {
    let probe = || {
        Asked::get(&[("user-agent", "kube-probe/1.33")])
            .with(Property::RouteDocument, answering("route", 501))
    };
    assert_eq!(common::proxy(LISTENER, &[]).status(&probe()), 0);
    assert_eq!(common::proxy(&LISTENER.replacen('{', r#"{"exclude":[],"#, 1), &[]).status(&probe()), 501);
}

#[test]
fn node_predicates_in_a_route_are_decided_when_its_text_is_new() {
    let text = r#"{"rules":[
        {"name":"there","match":{"node":{"cluster":{"exact":"bank"}}},"percentage":100,"abort":{"http_status":501}},
        {"name":"here","match":{"node":{"cluster":{"exact":"shop"}}},"percentage":100,"abort":{"http_status":502}}]}"#;
    let mut worker = common::proxy(&LISTENER.replacen('{', r#"{"exclude":[],"#, 1), &[]);
    let request = on_route(text).with(Property::NodeCluster, "shop");
    assert_eq!(worker.status(&request), 502);
    assert_eq!(request.questions(), ["RouteDocument", "NodeCluster", "NodeCluster"]);
    assert_eq!(worker.status(&request), 502);
    assert_eq!(request.questions(), ["RouteDocument"], "the proxy does not change");
}

#[test]
fn samples_outcomes_and_schedules_work_in_routes_too() {
    let mut worker = common::proxy(LISTENER, &[]);
    worker.clocks.wall_at("2026-11-22T13:00:00Z");
    let text =
        |fields: &str| format!(r#"{{"rules":[{{"name":"route",{fields},"abort":{{"http_status":501}}}}]}}"#);
    let first = text(r#""percentage":100,"sample":{"first":2}"#);
    assert_eq!([(); 3].map(|()| worker.status(&on_route(&first))), [501, 501, 0]);
    let over = text(r#""percentage":100,"schedule":{"not_after":"2026-11-22T13:00:00Z"}"#);
    assert_eq!(worker.status(&on_route(&over)), 0);
    let outcomes = r#"{"rules":[{"name":"o","outcomes":[{"percentage":100,"abort":{"http_status":502}}]}]}"#;
    let mut worker = common::proxy(LISTENER, &[7]);
    assert_eq!(worker.status(&on_route(outcomes)), 502);
}

#[test]
fn what_a_route_holds_finishes_though_its_document_has_changed() {
    let mut worker = common::proxy(LISTENER, &[]);
    let slow = r#"{"rules":[{"name":"slow","percentage":100,"delay":{"fixed_delay":"1s"}}]}"#;
    assert_eq!(worker.request(1, &on_route(slow)), HeadersStep::Hold(vec![]));
    assert_eq!(worker.status(&on_route(answering("route", 501))), 501);
    assert_eq!(worker.status(&on_route("wrong")), 0);
    assert_eq!(worker.rest(), (1, Some(at(1_000))));
    assert_eq!(worker.due(1_000), [(1, Release::Resume(Direction::Request))]);
    assert_eq!(worker.response(1), mark("slow; delay"));
    worker.end(id(1));
    assert_eq!(worker.rest(), NOTHING);
}

#[test]
fn ten_thousand_texts_work_and_the_names_beyond_a_thousand_are_not_numbered() {
    let mut worker = common::proxy(LISTENER, &[]);
    for number in 0..10_000_usize {
        let name = format!("route-{number}");
        let HeadersStep::Reply(reply) = worker.request(0, &on_route(answering(&name, 501))) else {
            panic!("{name}")
        };
        assert_eq!(reply.headers, [("x-brownout".into(), format!("{name}; abort").into_bytes())]);
        // The listener's own rule comes first.
        let rule = if number < 1_000 { RuleId(1 + number) } else { RuleId::UNNUMBERED };
        assert_eq!(worker.events(), aborted(rule), "{name}");
        let known = (number < 1_000).then_some(name.as_str());
        assert_eq!(worker.engine.rule_name(rule), known);
    }
    assert_eq!(worker.status(&on_route(answering("route-0", 502))), 502);
    assert_eq!(worker.events(), aborted(SECOND), "an old name keeps its number");
    assert_eq!(worker.status(&Asked::get(&[])), 500, "and the listener's rules are what they were");
}

#[test]
fn a_text_that_was_forgotten_is_read_again() {
    let mut worker = common::proxy(LISTENER, &[]);
    let wrong = r#"{"rules":7}"#;
    let complaints = |worker: &mut Proxy<_>| {
        let _ = worker.status(&on_route(wrong));
        refusals(worker).concat().len()
    };
    assert_eq!([complaints(&mut worker), complaints(&mut worker)], [1, 0]);
    for number in 0..2_000 {
        let _ = worker.status(&on_route(answering(&format!("route-{number}"), 501)));
    }
    let _ = worker.events();
    assert_eq!([complaints(&mut worker), complaints(&mut worker)], [1, 0]);
}

/// The memory of this process, in MiB.
#[cfg(target_os = "linux")]
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("procfs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|size| size.parse::<usize>().ok()).expect("a size") / 1024
}

#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_routes_is_bounded_whatever_their_texts_say() {
    let dense = [
        ("predicates", format!(r#""match":{{"all":[{}{{}}]}}"#, "{},".repeat(20_000))),
        (
            "headers",
            format!(r#""match":{{"headers":[{}{{"name":"a"}}]}}"#, r#"{"name":"a"},"#.repeat(20_000)),
        ),
        ("text", format!(r#""match":{{"path":{{"exact":"{}"}}}}"#, "a".repeat(1_000))),
    ];
    let mut worker = common::proxy(LISTENER, &[]);
    for (what, fields) in dense {
        let before = memory();
        for number in 0..50 {
            let rule =
                format!(r#"{{"name":"r{number}",{fields},"percentage":0,"abort":{{"http_status":501}}}}"#);
            let _ = worker.status(&on_route(format!(r#"{{"rules":[{rule}]}}"#)));
            let _ = worker.events();
        }
        let grown = memory().saturating_sub(before);
        assert!(grown < 100, "{what}: {grown} MiB");
    }
}

/// A route of this name, with this text.
fn on(name: &str, text: &str) -> Asked {
    on_route(text).with(Property::RouteName, name)
}

#[test]
fn each_route_has_counts_of_its_own_for_each_text() {
    let text = |extra: &str| {
        format!(r#"{{"rules":[{{"name":"r","percentage":100,{extra},"abort":{{"http_status":503}}}}]}}"#)
    };
    for counting in [r#""limits":{"max_faults":2}"#, r#""sample":{"first":2}"#] {
        let tally = LocalTally::default();
        let mut workers = [0; 2].map(|_| common::sharing(LISTENER, &tally));
        let mut statuses = |name: &str, text: &str| {
            [0, 1, 0, 1].map(|worker: usize| workers[worker].status(&on(name, text)))
        };
        assert_eq!(statuses("a", &text(counting)), [503, 503, 0, 0], "{counting}");
        assert_eq!(statuses("b", &text(counting)), [503, 503, 0, 0], "another route: {counting}");
        assert_eq!(statuses("a", &text(&format!("{counting} "))), [503, 503, 0, 0], "edited: {counting}");
        assert_eq!(statuses("a", &text(counting)), [0; 4], "the first text again: {counting}");
    }
}

#[test]
fn a_route_is_slowly_ramped_up_from_when_it_was_first_seen() {
    let text = r#"{"rules":[{"name":"r","percentage":100,"schedule":{"ramp_up":"4s"},"abort":{"http_status":503}}]}"#;
    let pulse = r#"{"rules":[{"name":"r","percentage":100,"schedule":{"on":"1s","off":"1s"},"abort":{"http_status":503}}]}"#;
    let tally = LocalTally::default();
    let mut workers = [0; 2].map(|_| common::sharing(LISTENER, &tally));
    for worker in &mut workers {
        worker.clocks.at(60_500);
    }
    assert_eq!(workers[0].status(&on("a", text)), 0, "0 % of it");
    assert_eq!(workers[0].status(&on("a", pulse)), 503);
    for (worker, milliseconds, pulsed) in
        [(0, 61_400, 503), (1, 61_600, 0), (1, 62_600, 503), (1, 64_500, 503)]
    {
        workers[worker].clocks.at(milliseconds);
        assert_eq!(workers[worker].status(&on("a", pulse)), pulsed, "{milliseconds}");
    }
    assert_eq!(workers[1].status(&on("a", text)), 503, "all of it");
}

#[test]
fn what_a_route_holds_counts_when_its_text_is_edited() {
    let text = |extra: &str| {
        format!(
            r#"{{"rules":[{{"name":"r","percentage":100,{extra}"limits":{{"max_active_faults":1}},"hang":{{"max":"1h"}}}}]}}"#
        )
    };
    let mut worker = common::proxy(LISTENER, &[]);
    assert_eq!(worker.request(1, &on("a", &text(""))), HeadersStep::Hold(vec![]));
    assert_eq!(worker.request(2, &on("a", &text(""))), HeadersStep::Continue);
    assert_eq!(worker.request(3, &on("a", &text(" "))), HeadersStep::Continue, "edited");
    assert_eq!(worker.request(4, &on("b", &text(""))), HeadersStep::Hold(vec![]), "another route");
    worker.end(id(1));
    assert_eq!(worker.request(5, &on("a", &text(" "))), HeadersStep::Hold(vec![]));
    worker.end(id(4));
    worker.end(id(5));
    assert_eq!(worker.rest(), NOTHING);
}
