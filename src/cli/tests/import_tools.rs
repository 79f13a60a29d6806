//! `brownout import` of chaos tools and meshes as a black box: the inputs in `import/` and what is said about each.

#[path = "import/golden.rs"]
mod golden;
mod support;

use golden::{golden, run};

const START: &str = "--starting-at=2026-11-23T06:00:00Z";

#[test]
fn requests_of_chaos_mesh_are_changed_and_held() {
    golden("chaos-mesh", "request", &["request.yaml"]);
}

#[test]
fn a_start_and_chosen_pods_are_written_into_the_rules() {
    golden("chaos-mesh", "chosen", &["request.yaml", START, "--select-pods"]);
}

#[test]
fn responses_of_chaos_mesh_are_matched_and_changed() {
    golden("chaos-mesh", "response", &["response.yaml", "--select-pods"]);
}

#[test]
fn objects_for_other_pods_are_refused_unless_the_rules_choose() {
    golden("chaos-mesh", "other_pods", &["response.yaml"]);
}

#[test]
fn objects_of_chaos_mesh_for_the_same_requests_become_one_rule() {
    golden("chaos-mesh", "joined", &["joined.yaml"]);
}

#[test]
fn a_schedule_is_a_pulse_and_a_workflow_has_its_places_in_time() {
    golden("chaos-mesh", "wrapped", &["wrapped.yaml", START]);
}

#[test]
fn without_a_start_a_later_step_of_a_workflow_is_refused() {
    let said = run("chaos-mesh", &["wrapped.yaml"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.stderr.matches("error: a step that begins later").count(), 2, "{}", said.stderr);
    let partial = run("chaos-mesh", &["wrapped.yaml", "--partial"]);
    assert_eq!(partial.code, Some(0), "{}", partial.stderr);
}

#[test]
fn all_mistakes_of_chaos_mesh_are_shown_on_their_lines() {
    golden("chaos-mesh", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn the_public_examples_of_cilium_draw_twice_for_responses() {
    golden("cilium", "public_examples", &["public_examples.yaml"]);
    assert_eq!(
        run("cilium", &["public_examples.yaml", "--faithful"]),
        run("cilium", &["public_examples.yaml"])
    );
}

#[test]
fn as_intended_the_public_examples_of_cilium_draw_once() {
    golden("cilium", "intended", &["public_examples.yaml", "--intended", "--cilium-headers"]);
    assert_eq!(run("cilium", &["public_examples.yaml", "--intended", "--faithful"]).code, Some(2));
}

#[test]
fn every_key_of_cilium_becomes_what_the_table_says() {
    golden("cilium", "every_field", &["every_field.yaml", "--cilium-headers"]);
}

#[test]
fn all_mistakes_of_cilium_are_shown_on_their_lines() {
    golden("cilium", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn a_list_of_statuses_of_litmus_becomes_outcomes() {
    golden("litmus", "status_code", &["status_code.yaml", START]);
    golden("litmus", "any_status", &["any_status.yaml"]);
}

#[test]
fn experiments_of_litmus_follow_each_other() {
    golden("litmus", "every_experiment", &["every_experiment.yaml", START]);
}

#[test]
fn all_mistakes_of_litmus_are_shown_on_their_lines() {
    golden("litmus", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn each_toxic_draws_for_itself() {
    golden("toxiproxy", "proxies", &["proxies.json"]);
}

#[test]
fn toxics_are_read_without_a_proxy() {
    golden("toxiproxy", "toxics", &["toxics.yaml"]);
}

#[test]
fn all_mistakes_of_toxics_are_shown_on_their_lines() {
    golden("toxiproxy", "refused", &["refused.yaml"]);
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
fn what_stands_last_in_a_policy_of_kuma_comes_first() {
    golden("kuma", "every_field", &["every_field.yaml"]);
}

#[test]
fn all_mistakes_of_kuma_are_shown_on_their_lines() {
    golden("kuma", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn alterations_of_datadog_exclude_each_other() {
    golden("datadog", "grpc", &["grpc.yaml", START]);
}

#[test]
fn all_mistakes_of_datadog_are_shown_on_their_lines() {
    golden("datadog", "mistakes", &["mistakes.yaml"]);
}

#[test]
fn a_start_that_is_no_time_is_wrong_usage() {
    let said = run("litmus", &["any_status.yaml", "--starting-at", "tomorrow"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.stderr.contains("expected a time such as `2026-11-22T13:00:00Z` (RFC 3339)"),
        "{}",
        said.stderr
    );
}
