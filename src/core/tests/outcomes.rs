//! Outcomes: the one that a request gets, and how often.

use crate::common;

use brownout_core::document::sample::point;
use brownout_core::step::HeadersStep;
use common::statistics::within_bounds;
use common::{Head, Steps, mistakes, plan, taking};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn user(key: &str) -> Head {
    common::get(&[("x-user", key)])
}

/// 2 % are answered 500, 10 % 501, 0.5 % 502, of however much the rule takes.
fn outcomes(fields: &str) -> String {
    let outcome = |percentage: &str, status: u16| {
        format!(r#"{{"percentage":{percentage},"abort":{{"http_status":{status}}}}}"#)
    };
    let outcomes = [outcome("2", 500), outcome("10", 501), outcome("0.5", 502)].join(",");
    format!(
        r#"{{"rules":[{{"name":"r",{fields}"outcomes":[{outcomes}]}},
        {{"name":"rest","match":{{"headers":[{{"name":"x-rest"}}]}},"percentage":100,"abort":{{"http_status":599}}}}]}}"#
    )
}

/// The first million of a draw says whether the rule takes the request, the second which outcome it suffers.
const MILLION: u64 = 1_000_000;

#[test]
fn one_draw_chooses_among_outcomes_and_the_rest_passes() {
    for (draw, status) in
        [(0, 500), (19_999, 500), (20_000, 501), (119_999, 501), (120_000, 502), (124_999, 502), (125_000, 0)]
    {
        let mut worker = common::proxy(&outcomes(""), &[draw * MILLION, (7 * MILLION + draw) * MILLION + 5]);
        assert_eq!(worker.status(&common::get(&[])), status, "{draw}");
        let passed_on = if status == 0 { 599 } else { status };
        assert_eq!(worker.status(&common::get(&[("x-rest", "")])), passed_on, "{draw}, modulo a million");
    }
}

#[test]
fn the_rules_percentage_multiplies_those_of_its_outcomes() {
    for (taken, chosen, status) in [
        (0, 0, 500),
        (249_999, 19_999, 500),
        (249_999, 20_000, 501),
        (0, 119_999, 501),
        (0, 120_000, 502),
        (0, 125_000, 0),
        (250_000, 0, 0),
    ] {
        let mut worker = common::proxy(&outcomes(r#""percentage":25,"#), &[chosen * MILLION + taken]);
        assert_eq!(worker.status(&common::get(&[])), status, "{taken} {chosen}");
    }
    assert_eq!(common::proxy(&outcomes(r#""percentage":0,"#), &[]).status(&common::get(&[])), 0);
}

#[test]
fn outcomes_come_out_within_binomial_bounds() {
    const DRAWS: usize = 100_000;
    for (fields, part) in [("", 1.0), (r#""percentage":25,"#, 0.25)] {
        let mut worker = common::seeded(&outcomes(fields), 4);
        let mut counts = std::collections::BTreeMap::<u16, usize>::new();
        for _ in 0..DRAWS {
            *counts.entry(worker.status(&common::get(&[]))).or_default() += 1;
            let _ = worker.events();
        }
        let shares = [(500, 0.02 * part), (501, 0.1 * part), (502, 0.005 * part), (0, 1.0 - 0.125 * part)];
        let good = shares.iter().all(|(status, share)| within_bounds(counts[status], DRAWS, *share));
        assert!(good && counts.len() == 4, "{counts:?}");
    }
}

#[test]
fn a_user_suffers_the_same_outcome_again_and_again() {
    let document = outcomes(r#""sample":{"by":{"header":"x-user"},"salt":"s"},"#);
    let mut seen = std::collections::BTreeSet::new();
    for number in 0..400 {
        let key = format!("user-{number}");
        let status = match point("s", key.as_bytes()) / MILLION % MILLION {
            0..20_000 => 500,
            20_000..120_000 => 501,
            120_000..125_000 => 502,
            _ => 0,
        };
        for seed in [1, 2] {
            assert_eq!(common::seeded(&document, seed).status(&user(&key)), status, "{key}");
        }
        seen.insert(status);
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 500, 501, 502]);
    assert_eq!(common::proxy(&document, &[]).status(&common::get(&[])), 0, "no user, no outcome");
}

#[test]
fn a_percentage_that_is_raised_moves_nobody_to_another_outcome() {
    let of = |percentage: u32, key: &str| {
        let document = outcomes(&format!(
            r#""percentage":{percentage},"sample":{{"by":{{"header":"x-user"}},"salt":"s"}},"#
        ));
        common::proxy(&document, &[]).status(&user(key))
    };
    let mut added = 0;
    for key in (0..2_000).map(|number| format!("user-{number}")) {
        let (some, all) = (of(30, &key), of(100, &key));
        assert!(some == all || some == 0, "{key}: {some} became {all}");
        added += usize::from(some != all);
    }
    assert!(added > 100, "{added}");
}

#[test]
fn outcomes_may_sum_to_everything_and_not_to_more() {
    let rule = |percentages: &[&str]| {
        let outcome =
            |percentage: &&str| format!(r#"{{"percentage":{percentage},"delay":{{"fixed_delay":"1s"}}}}"#);
        let outcomes = percentages.iter().map(outcome).collect::<Vec<_>>().join(",");
        format!(r#"{{"rules":[{{"name":"r","outcomes":[{outcomes}]}}]}}"#)
    };
    for whole in [&["100"][..], &["60", "40"], &["33.3333", "33.3333", "33.3334"], &["0"]] {
        let _ = plan(&rule(whole));
    }
    for draw in [0, 599_999, 600_000, 999_999] {
        assert_eq!(
            common::proxy(&rule(&["60", "40"]), &[draw * MILLION]).request(0, &common::get(&[])),
            HeadersStep::Hold(vec![])
        );
    }
    for (more, sum) in [(&["60", "40.0001"][..], "100.0001"), (&["100", "100", "1"], "201")] {
        let said = format!("rules[0].outcomes: outcome percentages exceed 100 %: they sum to {sum} %");
        assert_eq!(mistakes(rule(more)), [said]);
    }
}

#[test]
fn a_rule_has_either_faults_or_outcomes_and_an_outcome_has_a_share_and_a_fault() {
    let both = r#""outcomes":[{"percentage":1,"delay":{"fixed_delay":"1s"}}]"#;
    assert_eq!(
        mistakes(taking(&format!(r#""percentage":1,{both}"#))),
        ["rules[0]: a rule has either faults or outcomes: `abort` and `outcomes` exclude each other"]
    );
    let said = |outcomes: &str| mistakes(format!(r#"{{"rules":[{{"name":"r","outcomes":{outcomes}}}]}}"#));
    assert_eq!(said("[]"), ["rules[0].outcomes: the rule has no outcome"]);
    assert_eq!(
        said(r#"[{"percentage":1},{"abort":{"http_status":500}}]"#),
        [
            "rules[0].outcomes[0]: the outcome has no fault; remove it: requests without an outcome pass untouched",
            "rules[0].outcomes[1]: missing field `percentage`: expected a percentage from 0 to 100; there is no default, \
             since tools disagree about it: write `100` for every request",
        ]
    );
}

/// Once an outcome is chosen, its faults have draws of their own, as a rule's do.
#[test]
fn faults_within_an_outcome_have_percentages_of_their_own() {
    let document = r#"{"rules":[{"name":"r","outcomes":[{"percentage":50,
        "delay":{"fixed_delay":"1s","percentage":{"numerator":200000,"denominator":"MILLION"}},
        "abort":{"http_status":500,"percentage":{"numerator":50000,"denominator":"MILLION"}}}]}]}"#;
    for (draws, expected) in [
        (&[500_000 * MILLION][..], "Continue"),
        (&[499_999 * MILLION, 200_000, 50_000], "Continue"),
        (&[499_999 * MILLION, 199_999, 50_000], "Hold"),
        (&[0, 200_000, 49_999], "Reply"),
    ] {
        let step = format!("{:?}", common::proxy(document, draws).request(0, &common::get(&[])));
        assert!(step.starts_with(expected), "{draws:?}: {step}");
    }
}
