//! `import::istio` as a library: Istio's verdicts on faults, and which requests a document then means.

#[path = "import/request.rs"]
mod request;

use brownout_cli::document::DocumentFile;
use brownout_cli::import::istio::IstioChoices;
use brownout_cli::import::{self, Imported, Rejected};
use request::Request;
use serde_json::{Value, json};

fn with_fault(fault: &str) -> Result<Imported, Rejected> {
    let manifest = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: reviews, namespace: shop}";
    import::istio(&format!("{manifest}\nspec:\n  hosts: [reviews]\n  http:\n  - fault: {fault}\n"))
}

fn rule(fault: &str) -> Value {
    match with_fault(fault) {
        Ok(imported) => imported.document["rules"][0].clone(),
        Err(rejected) => panic!("{fault}\n{rejected}"),
    }
}

fn refusal(fault: &str) -> String {
    match with_fault(fault) {
        Ok(imported) => panic!("{fault}\nis imported:\n{}", imported.text),
        Err(rejected) => rejected.to_string(),
    }
}

fn notes(fault: &str) -> Vec<String> {
    with_fault(fault).expect("it is good").notes.into_iter().map(|note| note.text).collect()
}

/// Istio's translation: a delay of 50 % is 500,000 in a million.
#[test]
fn translate_a_delay() {
    let rule = rule("{delay: {fixedDelay: 3s, percentage: {value: 50}}}");
    assert_eq!(rule["delay"], json!({ "fixed_delay": "3s", "percentage": 50 }));
    assert_eq!(rule["abort"], Value::Null);
}

/// Istio's translation: `DEADLINE_EXCEEDED` is 4.
#[test]
fn translate_a_grpc_abort() {
    let rule = rule("{abort: {grpcStatus: DEADLINE_EXCEEDED, percentage: {value: 50}}}");
    assert_eq!(rule["abort"], json!({ "grpc_status": "DEADLINE_EXCEEDED", "percentage": 50 }));
}

/// Istio's translation: both at once, drawn independently.
#[test]
fn translate_both() {
    let rule = rule(
        "{abort: {grpcStatus: DEADLINE_EXCEEDED, percentage: {value: 5}}, delay: {fixedDelay: 3s, percentage: {value: 50}}}",
    );
    assert_eq!(rule["percentage"], json!(100));
    assert_eq!(rule["abort"], json!({ "grpc_status": "DEADLINE_EXCEEDED", "percentage": 5 }));
    assert_eq!(rule["delay"], json!({ "fixed_delay": "3s", "percentage": 50 }));
}

#[test]
fn validate_an_abort() {
    let delay = "delay: {fixedDelay: 3s, percentage: {value: 50}}";
    assert_eq!(rule(&format!("{{{delay}, abort: null}}"))["abort"], Value::Null, "nil");
    let abort = |fields: &str| rule(&format!("{{abort: {{{fields}}}}}"))["abort"].clone();
    assert_eq!(
        abort("httpStatus: 200, percentage: {value: 20}"),
        json!({ "http_status": 200, "percentage": 20 })
    );
    assert_eq!(abort("httpStatus: 200"), json!({ "http_status": 200, "percentage": 0 }), "no percentage");
    assert_eq!(
        abort("httpStatus: 200, percentage: {value: 0.001}"),
        json!({ "http_status": 200, "percentage": 0.001 })
    );
    assert_eq!(
        abort("grpcStatus: DEADLINE_EXCEEDED, percentage: {value: 20}")["grpc_status"],
        "DEADLINE_EXCEEDED"
    );
    for (fields, reason) in [
        ("httpStatus: 9000, percentage: {value: 100}", "found `9000`, expected 200 to 599"),
        ("httpStatus: 199, percentage: {value: 100}", "found `199`, expected 200 to 599"),
        ("httpStatus: 200, percentage: {value: -10}", "found `-10`, expected 0, or 0.0001 to 100"),
        ("httpStatus: 200, percentage: {value: 100.1}", "found `100.1`, expected 0, or 0.0001 to 100"),
        ("grpcStatus: BAD_STATUS, percentage: {value: 20}", "found `BAD_STATUS`, expected a name"),
        ("grpcStatus: CANCELED, percentage: {value: 20}", "found `CANCELED`, expected a name"),
        ("grpcStatus: UNAVAILABLE, httpStatus: 503", "exclude each other"),
        ("http2Error: CANCEL", "`http2Error` cannot be imported"),
    ] {
        let said = refusal(&format!("{{abort: {{{fields}}}}}"));
        assert!(said.contains(reason), "{fields}\n{said}");
    }
}

#[test]
fn validate_a_delay() {
    let abort = "abort: {httpStatus: 503, percentage: {value: 50}}";
    assert_eq!(rule(&format!("{{{abort}, delay: null}}"))["delay"], Value::Null, "nil");
    let delay = |fields: &str| rule(&format!("{{delay: {{{fields}}}}}"))["delay"].clone();
    assert_eq!(
        delay("fixedDelay: 3s, percentage: {value: 20}"),
        json!({ "fixed_delay": "3s", "percentage": 20 })
    );
    assert_eq!(
        delay("fixedDelay: 3s, percentage: {value: 0.001}"),
        json!({ "fixed_delay": "3s", "percentage": 0.001 })
    );
    assert_eq!(
        delay("fixedDelay: 1m1ms, percent: 20"),
        json!({ "fixed_delay": "60.001s", "percentage": 20 })
    );
    let both = "fixedDelay: 3s, percent: 20, percentage: {value: 30}";
    assert_eq!(delay(both), json!({ "fixed_delay": "3s", "percentage": 30 }), "`percent` only counts alone");
    assert_eq!(delay("fixedDelay: 3s, percentage: {}"), json!({ "fixed_delay": "3s", "percentage": 0 }));
    for (fields, reason) in [
        ("fixedDelay: 3s, percentage: {value: 101}", "found `101`, expected 0, or 0.0001 to 100"),
        ("fixedDelay: 3s, percentage: {value: -10}", "found `-10`, expected 0, or 0.0001 to 100"),
        ("fixedDelay: 3s42ns, percentage: {value: 20}", "expected whole milliseconds"),
        ("fixedDelay: 999us, percentage: {value: 20}", "expected whole milliseconds"),
        ("fixedDelay: 0s, percentage: {value: 20}", "expected whole milliseconds"),
        ("fixedDelay: 61m, percentage: {value: 20}", "more than one hour"),
        ("fixedDelay: 3s, percent: 101", "expected a whole number from 0 to 100"),
        ("percentage: {value: 20}", "missing field `fixedDelay`"),
        ("exponentialDelay: 3s, percentage: {value: 20}", "`exponentialDelay` cannot be imported"),
    ] {
        let said = refusal(&format!("{{delay: {{{fields}}}}}"));
        assert!(said.contains(reason), "{fields}\n{said}");
    }
}

#[test]
fn status_600_which_istio_takes_and_envoy_rejects_is_refused_with_that_sentence() {
    let said = refusal("{abort: {httpStatus: 600, percentage: {value: 100}}}");
    assert!(said.contains("Istio accepts 600, but Envoy then rejects the whole configuration"), "{said}");
}

#[test]
fn a_fault_with_neither_is_a_mistake_and_an_abort_without_a_status_a_note() {
    assert!(refusal("{}").contains("expected `delay` or `abort`"));
    let said = notes("{abort: {percentage: {value: 5}}, delay: {fixedDelay: 1s, percentage: {value: 100}}}");
    assert_eq!(said, ["left out: an abort without a status: Istio warns about it and does nothing"]);
    assert!(refusal("{abort: {percentage: {value: 5}}}").contains("no fault to import"));
}

#[test]
fn percentages_are_cut_by_istios_own_arithmetic_and_a_note_says_so() {
    for (value, becomes, noted) in [
        ("33.33335", json!(33.3333), 1),
        ("0.0003", json!(0.0002), 1),
        ("0.0001", json!(0.0001), 0),
        ("64.1", json!(64.1), 0),
    ] {
        let fault = format!("{{delay: {{fixedDelay: 1s, percentage: {{value: {value}}}}}}}");
        assert_eq!(rule(&fault)["delay"]["percentage"], becomes);
        assert_eq!(notes(&fault).len(), noted, "{:?}", notes(&fault));
    }
    assert_eq!(
        notes("{delay: {fixedDelay: 1s}}"),
        ["without a percentage it never fires, as in Istio: the document says 0 %"]
    );
}

fn reviews() -> Value {
    import::istio(include_str!("import/istio/reviews.yaml")).expect("it is good").document
}

#[test]
fn a_request_suffers_the_fault_of_the_first_entry_that_matches_it() {
    let document = reviews();
    let rule = |request: &Request| request.rule(&document);
    let ask = |path: &str| Request::new("reviews.shop:9080", path);
    let jason = |path: &str| ask(path).header("end-user", "jason");
    assert_eq!(rule(&jason("/Reviews/1")).as_deref(), Some("reviews-jason"));
    assert_eq!(rule(&ask("/x?test=1").header(":method", "POST")).as_deref(), Some("reviews-jason"));
    assert_eq!(rule(&ask("/x?test=1")).as_deref(), Some("reviews-http-2"));
    assert_eq!(rule(&jason("/other")).as_deref(), Some("reviews-http-2"));
    assert_eq!(rule(&jason("/healthz")), None, "an entry before takes it");
    assert_eq!(rule(&ask("/healthz?test=1").header(":method", "POST")), None);
}

#[test]
fn a_service_is_meant_by_all_its_names_and_by_the_shortest_only_in_its_own_namespace() {
    let document = reviews();
    let in_namespace = |authority: &str, namespace: &str| {
        Request::new(authority, "/").property("namespace", namespace).rule(&document).is_some()
    };
    for name in ["reviews.shop", "reviews.shop.svc", "Reviews.shop.svc.cluster.local:80"] {
        assert!(in_namespace(name, "other"), "{name}");
    }
    assert!(in_namespace("reviews", "shop"));
    assert!(!in_namespace("reviews", "other"), "there it is another service");
    assert!(!in_namespace("reviews.other", "shop"));
    assert!(!in_namespace("reviewsxshop", "shop"), "dots are dots");
}

#[test]
fn only_outbound_traffic_is_meant_as_in_istio() {
    let inbound = Request::new("reviews.shop", "/").property("direction", 1_u64.to_le_bytes());
    assert_eq!(inbound.rule(&reviews()), None);
}

#[test]
fn every_kind_of_condition_means_what_it_means_in_istio() {
    let document = import::istio(include_str!("import/istio/every_field.yaml")).expect("it is good").document;
    let headers = |request: Request| {
        let request = request.header("x-exact", "a").header("x-prefix", "ab").header("x-regex", "aaa");
        request.header("x-there", "").header("x-any", "")
    };
    let good = headers(
        Request::new("api.x.example.com", "/v1/a?debug").header(":method", "PUT").header(":scheme", "https"),
    )
    .property("cluster", "outbound|80||shop.default.svc.cluster.local")
    .property("namespace", "default")
    .property("label/app", "cart");
    // The block also asks for another namespace than the manifest is exported to: no proxy can fulfil both.
    assert_eq!(good.rule(&document).as_deref(), Some("wide-http-4"));
    let mesh = |authority: &str, path: &str| {
        Request::new(authority, path).property("namespace", "other").rule(&document)
    };
    assert_eq!(
        mesh("x.example.com", "/mesh").as_deref(),
        Some("wide-api"),
        "its labels do not count beside gateways"
    );
    assert_eq!(mesh("x.example.com", "/gateway").as_deref(), Some("wide-http-4"));
    assert_eq!(mesh("x.example.com", "/old"), None, "a redirect");
    assert_eq!(mesh("x.example.com", "/none"), None, "its abort has no status");
    assert_eq!(mesh("api.example.com", "/mesh"), None, "a more specific host has a service of its own");
    assert_eq!(mesh("example.org", "/mesh"), None);
    let elsewhere = Request::new("x.example.com", "/mesh").property("namespace", "third");
    assert_eq!(elsewhere.rule(&document), None, "it is not exported there");
}

fn in_entry(entry: &str, choices: &IstioChoices) -> Result<Imported, Rejected> {
    let text = format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{name: a, namespace: shop}}, \
         spec: {{hosts: [a.example.com], gateways: [mesh, public], http: [{entry}]}}}}"
    );
    import::istio::import(vec![DocumentFile::new("a.yaml", text.as_bytes())], choices)
}

const ABORT: &str = "fault: {abort: {httpStatus: 503, percentage: {value: 100}}}";

#[test]
fn without_headers_is_the_inversion_of_headers_and_a_missing_one_counts_as_empty() {
    let entry = format!("{{match: [{{withoutHeaders: {{x-a: {{exact: b}}, x-c: {{}}}}}}], {ABORT}}}");
    let document = in_entry(&entry, &IstioChoices::default()).expect("it is good").document;
    let ask = || Request::new("a.example.com", "/");
    let matches = |request: Request| request.rule(&document).is_some();
    assert!(matches(ask()));
    assert!(matches(ask().header("x-a", "c")));
    assert!(!matches(ask().header("x-a", "b")));
    assert!(!matches(ask().header("x-c", "")));
}

#[test]
fn a_port_is_told_by_the_cluster_unless_the_destination_has_another() {
    let entry = |route: &str| {
        format!("{{match: [{{port: 80}}], route: [{{destination: {{host: a{route}}}}}], {ABORT}}}")
    };
    let document = in_entry(&entry(""), &IstioChoices::default()).expect("it is good").document;
    let to = |cluster: &str| {
        Request::new("a.example.com", "/").property("cluster", cluster).rule(&document).is_some()
    };
    assert!(to("outbound|80||a.example.com"));
    assert!(!to("outbound|8080||a.example.com"));
    let refused = |entry: &str, choices: &IstioChoices| {
        in_entry(entry, choices).expect_err("it is refused").to_string()
    };
    let numbered = refused(&entry(", port: {number: 8080}"), &IstioChoices::default());
    assert!(numbered.starts_with("error: a condition on the port\n --> a.yaml:1:"), "{numbered}");
    let gateway = IstioChoices { gateway: "public".into(), ..IstioChoices::default() };
    assert!(refused(&entry(""), &gateway).starts_with("error: a condition on the port\n"));
}

#[test]
fn routes_that_lead_nowhere_have_no_faults() {
    for other in ["redirect: {uri: /}", "directResponse: {status: 200}"] {
        let said = in_entry(&format!("{{{other}, {ABORT}}}"), &IstioChoices::default())
            .expect_err("it is wrong")
            .to_string();
        assert!(said.contains("Istio rejects it next to `fault`"), "{said}");
    }
}

#[test]
fn a_delegate_is_refused_and_takes_later_entries_with_it() {
    let entries = format!(
        "{{name: x, {ABORT}, match: [{{uri: {{exact: /x}}}}]}}, {{delegate: {{name: b}}}}, {{name: y, {ABORT}}}"
    );
    let said = in_entry(&entries, &IstioChoices::default()).expect_err("it is refused").to_string();
    assert!(said.starts_with("error: `delegate` cannot be imported\n"), "{said}");
    let partial = IstioChoices { partial: true, ..IstioChoices::default() };
    let document = in_entry(&entries, &partial).expect("the rest is good").document;
    let names: Vec<&Value> =
        document["rules"].as_array().expect("rules").iter().map(|rule| &rule["name"]).collect();
    assert_eq!(names, ["a-x"]);
}

#[test]
fn several_files_make_one_document_with_names_of_their_own() {
    let file = |name: &str| DocumentFile::new(name, include_bytes!("import/istio/reviews.yaml"));
    let imported =
        import::istio::import(vec![file("a.yaml"), file("b.yaml")], &IstioChoices::default()).expect("good");
    let names: Vec<&Value> =
        imported.document["rules"].as_array().expect("rules").iter().map(|rule| &rule["name"]).collect();
    assert_eq!(names, ["reviews-jason", "reviews-http-2", "reviews-jason-2", "reviews-http-2-2"]);
    let twice =
        imported.notes.iter().find(|note| note.text.contains("is for this host too")).expect("a note");
    assert_eq!((twice.file.as_str(), twice.line), ("b.yaml", 5));
}

#[test]
fn a_value_of_the_wrong_type_is_a_mistake_and_never_a_condition_less() {
    let entries = [
        "match: {uri: {exact: /x}}",
        "match: [/x]",
        "match: [{headers: [{name: x}]}]",
        "match: [{withoutHeaders: x}]",
        "match: [{queryParams: []}]",
        "match: [{sourceLabels: [app]}]",
        "match: [{sourceLabels: {app: 1}}]",
        "match: [{sourceNamespace: 1}]",
        "match: [{gateways: mesh}]",
        "match: [{gateways: [mesh, 1]}]",
        "match: [{port: x}]",
        "match: [{uri: /x}]",
        "match: [{uri: {exact: 1}}]",
        "match: [{method: {contains: GET}}]",
        "match: [{ignoreUriCase: 1}]",
    ];
    for entry in entries {
        let said = in_entry(
            &format!("{{{entry}, {ABORT}}}"),
            &IstioChoices { partial: true, ..IstioChoices::default() },
        );
        let said = said.expect_err(entry).to_string();
        assert!(said.contains("expected"), "{entry}\n{said}");
    }
    let spec = |fields: &str| {
        let manifest = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nspec";
        import::istio(&format!("{manifest}: {{{fields}, http: [{{{ABORT}}}]}}")).map(|imported| imported.text)
    };
    for fields in [
        "hosts: a.b",
        "hosts: [1]",
        "hosts: [a.b], gateways: mesh",
        "hosts: [a.b], gateways: [1]",
        "hosts: [a.b], exportTo: .",
    ] {
        let said = spec(fields).expect_err(fields).to_string();
        assert!(said.contains("expected"), "{fields}\n{said}");
    }
    assert!(spec("hosts: [a.b]").is_ok());
}
