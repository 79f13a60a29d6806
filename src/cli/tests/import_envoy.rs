//! `import::envoy` as a library: Envoy's verdicts on configurations, and which requests a document then means.

#[path = "import/request.rs"]
mod request;

use brownout_cli::import;
use request::Request;
use serde_json::{Value, json};

fn rule(text: &str) -> Value {
    let imported = import::envoy(text).unwrap_or_else(|rejected| panic!("{text}\n{rejected}"));
    assert_eq!(imported.document, serde_json::from_str::<Value>(&imported.text).expect("JSON"));
    imported.document["rules"][0].clone()
}

fn refusal(text: &str) -> String {
    match import::envoy(text) {
        Ok(imported) => panic!("{text}\nis imported:\n{}", imported.text),
        Err(rejected) => rejected.to_string(),
    }
}

/// Fault semantics B1.9, each verdict observed on Envoy 1.40.0 (`--mode validate`).
#[test]
fn what_envoy_rejects_is_rejected() {
    let cases = [
        ("abort: {http_status: 199}", "expected 200 to 599"),
        ("abort: {http_status: 600}", "expected 200 to 599"),
        ("abort: {}", "expected one of `http_status`, `grpc_status`, `header_abort`"),
        ("abort: {http_status: 503, grpc_status: 14}", "exclude each other"),
        ("abort: {http_status: 503, response_body: 5}", "expected a string"),
        ("delay: {fixed_delay: 0s}", "greater than zero"),
        ("delay: {fixed_delay: -1s}", "expected seconds"),
        ("delay: {fixed_delay: 250ms}", "expected seconds"),
        ("delay: {percentage: {numerator: 1}}", "expected one of `fixed_delay`, `header_delay`"),
        ("delay: {type: FIXED, fixed_delay: 1s}", "unknown field `type`"),
        ("delay: {fixed_delay: 1s, header_delay: {}}", "exclude each other"),
        ("delay: {fixed_delay: 1s, percentage: {numerator: -1}}", "expected a whole number"),
        ("response_rate_limit: {fixed_limit: {limit_kbps: 0}}", "at least 1 KiB/s"),
        (
            "response_rate_limit: {percentage: {numerator: 1}}",
            "expected one of `fixed_limit`, `header_limit`",
        ),
        ("abort: {http_status: 503, percentage: {numerator: 1, denominator: TEN}}", "invalid denominator"),
        ("aborts: {http_status: 503}\ndelay: {fixed_delay: 1s}", "unknown field `aborts`"),
        ("headers: [{name: ''}]", "invalid header name"),
        ("headers: [{exact_match: x}]", "missing field `name`"),
        ("headers: [{name: a, string_match: {}}]", "invalid string matcher"),
        ("headers: [{name: a, string_match: {prefix: ''}}]", "empty pattern"),
        ("headers: [{name: a, string_match: {exact: b, suffix: c}}]", "exclude each other"),
        ("headers: [{name: a, string_match: {safe_regex: {regex: '('}}}]", "invalid regular expression"),
        ("headers: [{name: a, string_match: {safe_regex: {regex: b}, ignore_case: true}}]", "has no effect"),
        ("headers: [{name: a, safe_regex_match: {regex: ''}}]", "empty regular expression"),
        ("headers: 5", "expected an object"),
        ("downstream_nodes: [[a]]", "expected a string"),
        ("delay: {fixed_delay: .5s}", "expected seconds"),
        ("delay: {fixedDelay: 1s, fixed_delay: 1s}", "given twice"),
        ("delay: {fixed_delay: 1s, percentage: {numerator: 4294967296}}", "expected a whole number"),
        ("delay: {fixed_delay: 1s, percentage: {denominator: 7}}", "invalid denominator"),
        ("delay: {fixed_delay: 1s, percentage: 5}", "expected an object"),
        ("max_active_faults: -1", "expected a whole number"),
    ];
    for (text, reason) in cases {
        let said = refusal(text);
        assert!(said.contains(reason), "{text}\n{said}");
    }
}

#[test]
fn what_envoy_takes_and_no_module_can_do_is_refused_in_plain_words() {
    let cases = [
        ("abort: {grpc_status: 999}", "a Wasm module can send 0 to 16"),
        ("delay: {fixed_delay: 3601s}", "a delay of more than an hour"),
        ("headers: [{name: a, string_match: {custom: {name: mine}}}]", "it needs an extension of Envoy's"),
        ("headers: [{name: a, range_match: {start: 5, end: 5}}]", "empty range"),
        ("headers: [{name: a b}]", "invalid header name"),
    ];
    for (text, reason) in cases {
        let said = refusal(text);
        assert!(said.contains(reason), "{text}\n{said}");
    }
}

#[test]
fn what_envoy_takes_is_taken() {
    let abort = |fields: &str| rule(&format!("abort: {{{fields}}}"))["abort"].clone();
    assert_eq!(abort("http_status: 200"), json!({ "http_status": 200, "percentage": 0 }));
    assert_eq!(abort("http_status: '503'"), json!({ "http_status": 503, "percentage": 0 }));
    assert_eq!(abort("http_status: 503.0"), json!({ "http_status": 503, "percentage": 0 }));
    assert_eq!(abort("http_status: 503, response_body: ''"), json!({ "http_status": 503, "percentage": 0 }));
    assert_eq!(abort("grpc_status: 0"), json!({ "grpc_status": 0, "percentage": 0 }));
    let wide = "http_status: 503, percentage: {numerator: '5', denominator: 2}";
    assert_eq!(abort(wide), json!({ "http_status": 503, "percentage": 0.0005 }));
    assert_eq!(abort("http_status: 503, percentage: {}"), json!({ "http_status": 503, "percentage": 0 }));
    let lower = "http_status: 503, percentage: {numerator: 5, denominator: hundred}";
    assert_eq!(abort(lower), json!({ "http_status": 503, "percentage": 5 }));
    let loose =
        rule("headers: {name: a, present_match: 'true', invert_match: false}\nabort: {http_status: 503}");
    assert_eq!(loose["match"], json!({ "headers": [{ "name": "a", "present_match": true }] }));
    let limited = |most: &str| {
        rule(&format!("max_active_faults: {most}\nabort: {{http_status: 503}}"))["limits"].clone()
    };
    assert_eq!(limited("0"), json!({ "max_active_faults": 0 }));
    assert_eq!(limited("'3'"), json!({ "max_active_faults": 3 }));
    assert_eq!(limited("{value: 3}"), json!({ "max_active_faults": 3 }));
    for nothing in ["{}", "", "upstream_cluster: ''", "abort: null", "delay: {fixed_delay: 0.0005s}"] {
        let imported = import::envoy(nothing);
        match nothing {
            "" => assert!(imported.is_err(), "there is nothing at all"),
            _ => assert_eq!(imported.expect(nothing).document, json!({ "rules": [], "exclude": [] })),
        }
    }
}

#[test]
fn a_percentage_above_its_denominator_is_all_with_each_of_the_three() {
    for denominator in ["HUNDRED", "TEN_THOUSAND", "MILLION"] {
        let text = format!(
            "abort: {{http_status: 503, percentage: {{numerator: 1000001, denominator: {denominator}}}}}"
        );
        let imported = import::envoy(&text).expect("it is taken");
        assert_eq!(imported.document["rules"][0]["abort"]["percentage"], json!(100), "{denominator}");
        assert_eq!(imported.notes.len(), 1, "{:?}", imported.notes);
    }
}

#[test]
fn one_downstream_node_is_one_more_header() {
    let text = "downstream_nodes: ['']\nheaders: [{name: x-a}]\nabort: {http_status: 503}";
    let expected = json!({
        "headers": [
            { "name": "x-envoy-downstream-service-node", "string_match": { "exact": "" } },
        ],
        "all": [{ "headers": [{ "name": "x-a" }] }],
    });
    assert_eq!(rule(text)["match"], expected);
}

#[test]
fn of_a_listener_each_request_suffers_what_is_most_specific_for_it() {
    let document = import::envoy(include_str!("import/envoy/listener.yaml")).expect("it is good").document;
    let on = |route: &str, cluster: &str| {
        let request = Request::new("shop", "/").property("virtual_host", "shop");
        request.property("route", route).property("cluster", cluster)
    };
    let rule = |request: &Request| request.rule(&document);
    assert_eq!(rule(&on("Pay", "pay").header("x-a", "1")).as_deref(), Some("pay"));
    assert_eq!(
        rule(&on("Pay", "pay")),
        None,
        "the filter's own fault is replaced, even where the route's does not match"
    );
    assert_eq!(rule(&on("health", "pay")), None, "an empty fault on a route turns it off");
    assert_eq!(rule(&on("split", "a")).as_deref(), Some("split-a"));
    assert_eq!(rule(&on("split", "b")).as_deref(), Some("fault"));
    assert_eq!(rule(&Request::new("shop", "/")).as_deref(), Some("fault"), "without a route, too");
}

const FAULT: &str = "\"@type\": type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";

#[test]
fn the_levels_of_a_route_configuration_replace_each_other() {
    let text = format!(
        "name: local
typed_per_filter_config:
  fault: {{{FAULT}, abort: {{http_status: 501, percentage: {{numerator: 100}}}}}}
virtual_hosts:
- name: Shop
  domains: ['*']
  typedPerFilterConfig:
    fault: {{{FAULT}, abort: {{http_status: 502, percentage: {{numerator: 100}}}}}}
  routes:
  - name: pay
    match: {{prefix: /pay}}
    route: {{cluster: pay}}
    typed_per_filter_config:
      fault: {{\"@type\": type.googleapis.com/xds.type.v3.TypedStruct, type_url: type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault, value: {{abort: {{http_status: 503, percentage: {{numerator: 100}}}}}}}}
  - name: calm
    match: {{prefix: /calm}}
    route: {{cluster: pay}}
    typed_per_filter_config:
      envoy.filters.http.fault: {{\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}
"
    );
    let document = import::envoy(&text).expect("it is good").document;
    let names: Vec<&Value> =
        document["rules"].as_array().expect("rules").iter().map(|rule| &rule["name"]).collect();
    assert_eq!(names, ["pay", "shop", "local"]);
    let on = |host: &str, route: &str| {
        let request = Request::new("shop", "/").property("virtual_host", host).property("route", route);
        request.rule(&document)
    };
    assert_eq!(on("Shop", "pay").as_deref(), Some("pay"));
    assert_eq!(on("Shop", "other").as_deref(), Some("shop"));
    assert_eq!(on("Shop", "calm"), None);
    assert_eq!(on("Other", "pay").as_deref(), Some("local"));
}

#[test]
fn a_fault_that_cannot_be_found_by_a_name_is_refused_and_shown() {
    let text = format!(
        "virtual_hosts: [{{name: a, domains: ['*'], routes: [{{match: {{prefix: /}}, typed_per_filter_config: {{fault: {{{FAULT}}}}}}}]}}]"
    );
    let said = refusal(&text);
    assert!(said.starts_with("error: a fault on a route without a name\n --> <input>:1:"), "{said}");
    assert!(said.contains("virtual_hosts[0].routes[0].typed_per_filter_config.fault"), "{said}");
}

#[test]
fn a_fault_filter_behind_a_matcher_is_refused() {
    let text =
        format!("extension_config: {{name: fault, typed_config: {{{FAULT}, delay: {{fixed_delay: 1s}}}}}}");
    assert!(refusal(&text).starts_with("error: a fault filter behind a matcher\n"));
}

#[test]
fn the_same_filter_in_two_listeners_is_one_rule() {
    let filter = format!("{{name: fault, typed_config: {{{FAULT}, abort: {{http_status: 503}}}}}}");
    let document =
        import::envoy(&format!("http_filters: [{filter}, {filter}]")).expect("it is good").document;
    assert_eq!(document["rules"].as_array().map(Vec::len), Some(1));
    let off = format!(
        "http_filters: [{{name: fault, disabled: true, typed_config: {{{FAULT}, abort: {{http_status: 503}}}}}}]"
    );
    assert_eq!(import::envoy(&off).expect("it is good").document["rules"], json!([]));
}

#[test]
fn a_condition_that_cannot_be_imported_takes_its_fault_with_it() {
    let text = "headers: [{name: a, string_match: {custom: {}}}]\nabort: {http_status: 503}";
    let file = brownout_cli::document::DocumentFile::new("a.yaml", text.as_bytes());
    let imported = import::envoy::import(file, true).expect("it is partial");
    assert_eq!(imported.document, json!({ "rules": [], "exclude": [] }));
    assert!(
        imported.notes.iter().any(|note| note.text.contains("it would hit other requests")),
        "{:?}",
        imported.notes
    );
}
