//! `brownout import` of chaos tools and meshes as a black box: the inputs in `import/` and what is said about each.

#[path = "import/golden.rs"]
mod golden;
mod support;

use golden::{golden, run};

#[test]
fn all_mistakes_of_litmus_are_shown_on_their_lines() {
    golden("litmus", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn of_several_proxies_one_is_to_be_chosen() {
    golden("toxiproxy", "two", &["two.json"]);
    golden("toxiproxy", "one_of_two", &["two.json", "--proxy", "b"]);
}

#[test]
fn a_policy_of_a_route_counts_instead_of_its_gateways() {
    golden("envoy-gateway", "policies", &["policies.yaml"]);
}

#[test]
fn all_mistakes_of_envoy_gateway_are_shown_on_their_lines() {
    golden("envoy-gateway", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn all_mistakes_of_kuma_are_shown_on_their_lines() {
    golden("kuma", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn all_mistakes_of_datadog_are_shown_on_their_lines() {
    golden("datadog", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn a_start_that_is_no_time_is_wrong_usage() {
    let said = run("litmus", &["any_status.yaml", "--starting-at", "tomorrow"]);
    assert_eq!(said.code, Some(2));
    assert!(said.stderr.contains("expected a time such as 2026-11-22T13:00:00Z"), "{}", said.stderr);
}
