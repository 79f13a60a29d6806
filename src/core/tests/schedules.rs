//! The times at which a rule is live, by simulated clocks.

use crate::common;

use brownout_core::id::Direction;
use brownout_core::step::{HeadersStep, Release};
use brownout_core::value::timestamp::Timestamp;
use common::statistics::within_bounds;
use common::{Move, Proxy, Seeded, Steps, about_rule, at, taking};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECOND: i64 = 1_000_000;

#[test]
fn times_are_read_and_printed_as_rfc_3339_has_them() {
    for (text, microseconds) in [
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.999999Z", -1),
        ("2001-09-09T01:46:40Z", 1_000_000_000 * SECOND),
        ("2000-02-29T12:00:00Z", 951_825_600 * SECOND),
        ("2024-02-29T23:59:59Z", 1_709_251_199 * SECOND),
        ("2024-03-01T00:00:00Z", 1_709_251_200 * SECOND),
        ("2100-02-28T00:00:00Z", 4_107_456_000 * SECOND),
        ("2100-03-01T00:00:00Z", 4_107_542_400 * SECOND),
        ("2026-11-22T13:14:15.5Z", 1_795_353_255 * SECOND + 500_000),
        ("2026-11-22T13:14:15.000001Z", 1_795_353_255 * SECOND + 1),
        ("2038-01-19T03:14:08Z", 2_147_483_648 * SECOND),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799 * SECOND + 999_999),
        // Go's zero time, which control planes print where nobody has set one.
        ("0001-01-01T00:00:00Z", -62_135_596_800 * SECOND),
    ] {
        assert_eq!(Timestamp::parse(text), Some(Timestamp(microseconds)), "{text}");
        assert_eq!(Timestamp(microseconds).to_string(), text);
    }
}

#[test]
fn a_time_may_have_any_offset_any_fraction_and_small_letters() {
    let noon = Timestamp::parse("2026-11-22T12:00:00Z");
    for text in [
        "2026-11-22T12:00:00+00:00",
        "2026-11-22T12:00:00-00:00",
        "2026-11-22t12:00:00z",
        "2026-11-22T13:00:00+01:00",
        "2026-11-22T17:30:00+05:30",
        "2026-11-23T11:59:00+23:59",
        "2026-11-21T12:01:00-23:59",
        "2026-11-22T12:00:00.0Z",
        "2026-11-22T12:00:00.000000000000Z",
        "2026-11-22T12:00:00.0000009Z",
    ] {
        assert_eq!(Timestamp::parse(text), noon, "{text}");
    }
    let fraction = Timestamp::parse("2026-11-22T13:00:00.123456789+01:00").expect("a time");
    assert_eq!(fraction.to_string(), "2026-11-22T12:00:00.123456Z");
}

#[test]
fn what_is_no_time_is_refused_with_its_path() {
    for text in [
        "",
        "now",
        "1795353255",
        "2026-11-22",
        "2026-11-22T13:00:00",
        "2026-11-22 13:00:00Z",
        "2026-11-22T13:00Z",
        "2026-11-22T13:00:00+01",
        "2026-11-22T13:00:00+0100",
        "2026-11-22T13:00:00+24:00",
        "2026-11-22T13:00:00+01:60",
        "2026-11-22T13:00:00ZZ",
        "2026-11-22T13:00:00Z ",
        " 2026-11-22T13:00:00Z",
        "2026-11-22T13:00:00.Z",
        "2026-11-22T13:00:00.1.2Z",
        "2026-11-22T13:00:00,5Z",
        "0000-11-22T13:00:00Z",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "2026-00-22T13:00:00Z",
        "2026-13-22T13:00:00Z",
        "2026-11-00T13:00:00Z",
        "2026-11-31T13:00:00Z",
        "2026-02-29T13:00:00Z",
        "2100-02-29T13:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T13:60:00Z",
        "2026-11-22T13:00:61Z",
        "26-11-22T13:00:00Z",
        "2026-1-22T13:00:00Z",
        "02026-11-22T13:00:00Z",
        "+2026-11-22T13:00:00Z",
        "-026-11-22T13:00:00Z",
        "2026-11-22T1:00:00Z",
        "2026-11-22T13:00:00é",
        "２０２６-11-22T13:00:00Z",
    ] {
        assert_eq!(Timestamp::parse(text), None, "{text}");
        let label = format!("found `{text}`, expected a time such as `\"2026-11-22T13:00:00Z\"` (RFC 3339)");
        let said = about_rule(&format!(r#""percentage":1,"schedule":{{"not_before":"{text}"}}"#));
        assert_eq!(said, [format!("schedule.not_before: invalid time: {label}")]);
    }
}

#[test]
fn every_day_of_eight_centuries_prints_and_reads_back_as_itself() {
    let first = Timestamp::parse("1600-01-01T00:00:00Z").expect("a time").0;
    let mut texts = std::collections::BTreeSet::new();
    for day in 0..292_194 {
        let time = Timestamp(first + day * 86_400 * SECOND);
        let text = time.to_string();
        assert_eq!(Timestamp::parse(&text), Some(time), "{text}");
        texts.insert(text);
    }
    assert_eq!((texts.len(), texts.last().map(String::as_str)), (292_194, Some("2399-12-31T00:00:00Z")));
}

#[test]
fn no_time_is_too_early_or_too_late_to_be_printed() {
    for microseconds in [i64::MIN, i64::MIN + 1, -1, i64::MAX] {
        assert!(Timestamp(microseconds).to_string().ends_with('Z'), "{microseconds}");
    }
    assert_eq!(Timestamp(i64::MAX).since(Timestamp(i64::MIN)), None, "rather than an overflow");
}

/// A worker under a schedule whose document arrived when the monotonic clock showed 1,000 s.
fn scheduled(percentage: &str, schedule: &str) -> Proxy<Seeded> {
    let document = taking(&format!(r#""percentage":{percentage},"schedule":{schedule}"#));
    let mut worker = common::seeded(&document, 7);
    worker.engine = worker.engine.arrived(Some(at(1_000_000)));
    worker.clocks.at(1_000_000);
    worker
}

fn live<E: brownout_core::entropy::Entropy>(worker: &mut Proxy<E>) -> bool {
    worker.status(&common::get(&[])) == 503
}

#[test]
fn a_rule_is_live_from_not_before_to_not_after_to_the_microsecond() {
    let schedule = r#"{"not_before":"2026-11-22T13:00:00.000001Z","not_after":"2026-11-22T14:00:00+01:00"}"#;
    assert_eq!(
        about_rule(&format!(r#""percentage":1,"schedule":{schedule}"#)),
        ["schedule: the schedule ends before it begins: it ends at 2026-11-22T13:00:00Z and begins at \
          2026-11-22T13:00:00.000001Z"]
    );
    let mut worker = scheduled("100", &schedule.replace("14:00:00+01:00", "14:00:02+01:00"));
    let mut at = |time: &str, by: i64| {
        worker.clocks.wall_at(time).wall_by(by);
        live(&mut worker)
    };
    let (begin, end) = ("2026-11-22T13:00:00.000001Z", "2026-11-22T13:00:02Z");
    assert_eq!([at(begin, -1), at(begin, 0), at(end, -1), at(end, 0)], [false, true, true, false]);
    assert_eq!([at("1970-01-01T00:00:00Z", 0), at("9999-12-31T23:59:59Z", 0)], [false, false]);
}

#[test]
fn either_end_may_be_open() {
    let mut from = scheduled("100", r#"{"not_before":"2026-11-22T13:00:00Z"}"#);
    let mut until = scheduled("100", r#"{"not_after":"2026-11-22T13:00:00Z"}"#);
    for (by, expected) in
        [(-86_400 * SECOND, (false, true)), (-1, (false, true)), (0, (true, false)), (SECOND, (true, false))]
    {
        from.clocks.wall_at("2026-11-22T13:00:00Z").wall_by(by);
        until.clocks.wall_at("2026-11-22T13:00:00Z").wall_by(by);
        assert_eq!((live(&mut from), live(&mut until)), expected, "{by}");
    }
    assert!(live(&mut scheduled("100", "{}")), "an empty schedule is always live");
}

/// The rule's share at a time, found by the draw that just does not fall into it: in ten-thousandths.
fn share(worker: &Proxy<Seeded>) -> u32 {
    let level = worker.engine.plan().rules()[0].level(&worker.clocks, Some(at(1_000_000)));
    level.expect("live") / 100
}

#[test]
fn a_ramp_grows_evenly_from_the_arrival_of_the_document() {
    let mut worker = scheduled("100", r#"{"ramp_up":"100s"}"#);
    for (seconds, expected) in
        [(0, 0), (1, 100), (25, 2_500), (50, 5_000), (99, 9_900), (100, 10_000), (4_000, 10_000)]
    {
        worker.clocks.at(1_000_000 + seconds * 1_000);
        assert_eq!(share(&worker), expected, "after {seconds} s");
    }
    worker.clocks.at(1_000_000);
    assert!((0..1_000).all(|_| !live(&mut worker)), "nothing at its beginning");
    worker.clocks.at(1_100_000);
    assert!((0..1_000).all(|_| live(&mut worker)), "everything at its end");
}

#[test]
fn a_ramp_multiplies_the_percentage() {
    const DRAWS: usize = 20_000;
    let mut worker = scheduled("40", r#"{"ramp_up":"100s"}"#);
    for (seconds, expected) in [(0, 0.0), (10, 0.04), (50, 0.2), (90, 0.36), (100, 0.4), (1_000, 0.4)] {
        worker.clocks.at(1_000_000 + seconds * 1_000);
        let hits = (0..DRAWS).filter(|_| live(&mut worker)).count();
        let _ = worker.events();
        assert!(within_bounds(hits, DRAWS, expected), "{hits} of {DRAWS} after {seconds} s");
    }
}

#[test]
fn a_ramp_only_adds_keys() {
    let document =
        taking(r#""percentage":80,"schedule":{"ramp_up":"60s"},"sample":{"by":{"header":"x-user"}}"#);
    let mut worker = common::proxy(&document, &[]);
    worker.engine = worker.engine.arrived(Some(at(0)));
    let mut before = [false; 300];
    for second in 0..=60 {
        worker.clocks.at(second * 1_000);
        for (number, before) in before.iter_mut().enumerate() {
            let now = worker.status(&common::get(&[("x-user", &format!("user-{number}"))])) == 503;
            assert!(now || !*before, "user-{number} after {second} s");
            *before = now;
        }
    }
    assert!(within_bounds(before.iter().filter(|taken| **taken).count(), 300, 0.8));
}

#[test]
fn a_ramp_after_not_before_goes_by_the_wall_clock() {
    let mut worker = scheduled("100", r#"{"not_before":"2026-11-22T13:00:00Z","ramp_up":"10s"}"#);
    for (by, expected) in
        [(0, 0), (1, 0), (SECOND, 1_000), (9_999_999, 9_999), (10 * SECOND, 10_000), (999 * SECOND, 10_000)]
    {
        worker.clocks.wall_at("2026-11-22T13:00:00Z").wall_by(by);
        assert_eq!(share(&worker), expected, "{by}");
    }
    worker.clocks.wall_at("2026-11-22T12:59:59.999999Z");
    assert!(!live(&mut worker));
    let mut worker = scheduled("100", r#"{"not_after":"2026-11-22T13:00:00Z","ramp_up":"10s"}"#);
    worker.clocks.wall_at("2026-11-22T12:00:00Z").at(1_004_000);
    assert_eq!(share(&worker), 4_000, "without `not_before`, it is counted from the arrival");
    worker.clocks.wall_at("2026-11-22T13:00:00Z");
    assert!(!live(&mut worker));
    assert!(live(&mut scheduled("100", r#"{"ramp_up":"0s"}"#)), "a ramp of nothing is a step");
}

#[test]
fn a_pulse_is_on_and_off_again_and_again() {
    let pulse = r#""on":"3s","off":"7s""#;
    let mut worker = scheduled("100", &format!("{{{pulse}}}"));
    let mut after = |milliseconds: u64| {
        worker.clocks.at(1_000_000 + milliseconds);
        live(&mut worker)
    };
    for period in [0, 10_000, 20_000, 86_400_000] {
        let edges = [0, 2_999, 3_000, 9_999].map(|phase| after(period + phase));
        assert_eq!(edges, [true, true, false, false], "{period}");
    }
    let tenths = (0..1_000).filter(|tenth| after(tenth * 100)).count();
    assert_eq!(tenths, 300, "three tenths of a hundred seconds");

    let mut worker = scheduled("100", &format!(r#"{{"not_before":"2026-11-22T13:00:00Z",{pulse}}}"#));
    let mut by = |microseconds: i64| {
        worker.clocks.wall_at("2026-11-22T13:00:00Z").wall_by(microseconds);
        live(&mut worker)
    };
    let edges = [-1, 0, 3 * SECOND - 1, 3 * SECOND, 10 * SECOND - 1, 10 * SECOND].map(&mut by);
    assert_eq!(edges, [false, true, true, false, false, true]);
}

#[test]
fn a_ramp_goes_on_through_the_pauses_of_a_pulse() {
    let mut worker = scheduled("100", r#"{"ramp_up":"100s","on":"10s","off":"10s"}"#);
    worker.clocks.at(1_025_000);
    assert_eq!(share(&worker), 2_500);
    worker.clocks.at(1_035_000);
    assert!(!live(&mut worker));
    worker.clocks.at(1_045_000);
    assert_eq!(share(&worker), 4_500);
}

#[test]
fn a_rule_that_is_not_live_leaves_its_requests_to_the_next() {
    let document = r#"{"rules":[
        {"name":"a","percentage":100,"schedule":{"not_after":"2026-11-22T13:00:00Z"},"abort":{"http_status":500}},
        {"name":"b","percentage":100,"abort":{"http_status":501}}]}"#;
    let mut worker = common::proxy(document, &[]);
    let mut status = |time: &str| {
        worker.clocks.wall_at(time);
        worker.status(&common::get(&[]))
    };
    assert_eq!([status("2026-11-22T12:59:59Z"), status("2026-11-22T13:00:00Z")], [500, 501]);
    let second = common::SECOND;
    let matched = worker
        .events()
        .iter()
        .filter(|event| **event == brownout_core::engine::event::Event::Matched(second))
        .count();
    assert_eq!(matched, 1);
}

#[test]
fn a_fault_that_ends_lets_those_it_holds_finish() {
    let document = r#"{"rules":[{"name":"r","percentage":100,"delay":{"fixed_delay":"10s"},
        "schedule":{"not_after":"2026-11-22T13:00:00Z"}}]}"#;
    let mut worker = common::proxy(document, &[]);
    worker.clocks.at(0).wall_at("2026-11-22T12:59:59Z");
    assert_eq!(worker.request(1, &common::get(&[])), HeadersStep::Hold(vec![]));
    worker.clocks.at(1_000).wall_at("2026-11-22T13:00:00Z");
    assert_eq!(worker.request(2, &common::get(&[])), HeadersStep::Continue);
    assert_eq!(
        (worker.due(9_999), worker.due(10_000)),
        (vec![], vec![(1, Release::Resume(Direction::Request))])
    );
}

#[test]
fn a_wall_clock_that_jumps_holds_nothing_longer_and_releases_nothing_early() {
    let document = r#"{"rules":[{"name":"r","percentage":100,"delay":{"fixed_delay":"10s"},
        "schedule":{"not_before":"2026-11-22T13:00:00Z","not_after":"2026-11-22T14:00:00Z"}}]}"#;
    for jump in [-86_400 * SECOND, -SECOND, SECOND, 86_400 * SECOND] {
        let mut worker = common::proxy(document, &[]);
        worker.clocks.at(5_000).wall_at("2026-11-22T13:30:00Z");
        assert_eq!(worker.request(1, &common::get(&[])), HeadersStep::Hold(vec![]));
        worker.clocks.wall_by(jump);
        assert_eq!(worker.engine.poll_timeout(), Some(at(15_000)));
        assert_eq!(
            (worker.due(14_999), worker.due(15_000)),
            (vec![], vec![(1, Release::Resume(Direction::Request))]),
            "{jump}"
        );
    }
}

#[test]
fn a_wall_clock_that_is_set_back_makes_a_rule_what_it_was_then_and_no_more() {
    let mut worker = scheduled("100", r#"{"not_before":"2026-11-22T13:00:00Z","ramp_up":"100s"}"#);
    worker.clocks.wall_at("2026-11-22T13:00:50Z");
    assert_eq!(share(&worker), 5_000);
    worker.clocks.wall_at("2026-11-22T13:00:10Z");
    assert_eq!(share(&worker), 1_000);
    worker.clocks.wall_at("2026-11-22T12:59:00Z");
    assert!((0..100).all(|_| !live(&mut worker)), "not before it begins");
    worker.clocks.wall_at("1969-01-01T00:00:00Z");
    assert!((0..100).all(|_| !live(&mut worker)), "nor before any clock does");
}

#[test]
fn what_is_counted_from_the_arrival_does_not_heed_the_wall_clock() {
    let worker = scheduled("100", r#"{"ramp_up":"100s","on":"10s","off":"10s"}"#);
    for time in ["1970-01-01T00:00:00Z", "2026-11-22T13:00:00Z", "2400-01-01T00:00:00Z"] {
        worker.clocks.at(1_005_000).wall_at(time);
        assert_eq!(share(&worker), 500, "{time}");
    }
    worker.clocks.at(999_000);
    assert_eq!(share(&worker), 0, "before the arrival, it is at its beginning");
}

#[test]
fn without_a_clock_no_rule_with_a_schedule_is_live() {
    let schedules = [
        r#"{"not_before":"1970-01-01T00:00:00Z"}"#,
        r#"{"not_after":"9999-01-01T00:00:00Z"}"#,
        r#"{"ramp_up":"1ns"}"#,
        r#"{"on":"1h","off":"1ns"}"#,
        r#"{"not_before":"1970-01-01T00:00:00Z","ramp_up":"1ns"}"#,
    ];
    for schedule in schedules {
        let mut worker = scheduled("100", schedule);
        worker.clocks.at(1_100_000).wall_at("2026-11-22T13:00:00Z");
        assert!(live(&mut worker), "{schedule}");
        worker.clocks.broken.set(true);
        assert!(!live(&mut worker), "{schedule}, and no clock");
    }
    for (schedule, expected) in
        [(schedules[0], true), (schedules[1], true), (schedules[2], false), (schedules[3], false)]
    {
        let document = taking(&format!(r#""percentage":100,"schedule":{schedule}"#));
        let mut worker = common::proxy(&document, &[]);
        worker.clocks.at(1_100_000).wall_at("2026-11-22T13:00:00Z");
        assert_eq!(live(&mut worker), expected, "{schedule}, and nobody knows when it arrived");
    }
}

/// Returns how often the clocks are read for one request, the monotonic one and the wall clock.
fn readings(document: &str, headers: &[(&str, &str)]) -> (usize, usize) {
    let mut worker = common::proxy(document, &[]);
    worker.engine = worker.engine.arrived(Some(at(0)));
    worker.clocks.wall_at("2026-11-22T13:00:00Z");
    let _ = worker.request(0, &common::get(headers));
    worker.clocks.readings.get()
}

#[test]
fn clocks_are_read_only_for_rules_that_depend_on_them() {
    assert_eq!(readings(&taking(r#""percentage":100"#), &[]), (0, 0));
    assert_eq!(readings(&taking(r#""percentage":100,"schedule":{}"#), &[]), (0, 0));
    assert_eq!(readings(&taking(r#""percentage":100,"schedule":{"ramp_up":"1s"}"#), &[]), (1, 0));
    assert_eq!(
        readings(&taking(r#""percentage":100,"schedule":{"not_after":"2026-11-22T13:00:00Z"}"#), &[]),
        (0, 1)
    );
    let both = r#""percentage":100,"schedule":{"not_after":"2027-11-22T13:00:00Z","ramp_up":"1s"}"#;
    assert_eq!(readings(&taking(both), &[]), (1, 1));
    let off = taking(both).replacen("\"name\"", "\"mode\":\"off\",\"name\"", 1);
    assert_eq!(readings(&off, &[]), (0, 0), "a rule that is off asks for nothing");
}

#[test]
fn many_rules_with_schedules_go_by_one_reading() {
    for count in [3, 50] {
        let rule = |number: usize| {
            format!(
                r#"{{"name":"r{number}","match":{{"headers":[{{"name":"x-{number}"}}]}},"percentage":100,
                    "schedule":{{"not_after":"2027-11-22T13:00:00Z","ramp_up":"1s"}},"abort":{{"http_status":500}}}}"#
            )
        };
        let rules: Vec<String> = (0..count).map(rule).collect();
        let document = format!(r#"{{"rules":[{}]}}"#, rules.join(","));
        let all: Vec<String> = (0..count).map(|number| format!("x-{number}")).collect();
        let all: Vec<(&str, &str)> = all.iter().map(|name| (name.as_str(), "")).collect();
        let (now, wall) = readings(&document, &all);
        assert!(now <= 1 && wall <= 1, "{count} rules: {now} and {wall} readings");
    }
}

#[test]
fn half_a_pulse_and_pulses_of_nothing_are_refused() {
    let said = |schedule: &str| about_rule(&format!(r#""percentage":1,"schedule":{schedule}"#));
    for half in [r#"{"on":"1s"}"#, r#"{"off":"1s"}"#] {
        assert_eq!(
            said(half),
            ["schedule: incomplete pulse: `on` and `off` must be given together"],
            "{half}"
        );
    }
    for nothing in [r#"{"on":"0s","off":"1s"}"#, r#"{"on":"1s","off":"0s"}"#] {
        let label = "`on` and `off` must be greater than zero";
        assert_eq!(said(nothing), [format!("schedule: invalid pulse: {label}")], "{nothing}");
    }
    let same = r#"{"not_before":"2026-11-22T13:00:00Z","not_after":"2026-11-22T14:00:00+01:00"}"#;
    assert!(said(same)[0].starts_with("schedule: the schedule ends before it begins: "));
    let long = said(r#"{"ramp_up":"61m"}"#);
    assert_eq!(long, ["schedule.ramp_up: duration too long: `61m` is more than one hour"]);
}
