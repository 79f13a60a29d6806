//! `brownout explain` as a black box: the documents and requests in `explain/`, and what is said about each.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use support::{Said, brownout, say};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain")
}

fn explain(arguments: &[&str]) -> Said {
    let mut command = brownout(&["explain"]);
    command.args(arguments).current_dir(folder());
    say(command, b"")
}

/// Compares with `NAME.out`, and that nothing but the answer is wider than a terminal. `BROWNOUT_BLESS=1` writes it
/// anew.
fn golden(name: &str, arguments: &[&str]) {
    let said = explain(arguments);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{name}");
    let path = folder().join(name).with_extension("out");
    if std::env::var_os("BROWNOUT_BLESS").is_some() {
        fs::write(&path, &said.stdout).expect("written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(said.stdout, expected, "{name}: not as in {}", path.display());
    if !arguments.contains(&"json") {
        let wide: Vec<&str> = said.stdout.lines().filter(|line| line.chars().count() > 80).collect();
        // A line without a blank cannot be broken.
        let breakable = |line: &&str| line.trim().trim_start_matches(['✓', '✗', '-']).trim().contains(' ');
        assert_eq!(wide.into_iter().filter(breakable).collect::<Vec<_>>(), Vec::<&str>::new(), "{name}");
    }
}

/// The time of requests without one of their own.
const AT: [&str; 2] = ["--at", "2026-11-22T12:00:00Z"];

fn at<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    arguments.iter().chain(&AT).copied().collect()
}

#[test]
fn a_document_is_told_rule_by_rule() {
    golden("shop", &["shop.yaml"]);
}

#[test]
fn every_way_of_choosing_and_every_distribution_has_its_words() {
    golden("samples", &["samples.yaml"]);
}

#[test]
fn every_fault_has_its_words() {
    golden("faults", &["faults.yaml"]);
}

#[test]
fn every_condition_has_its_words() {
    golden("matchers", &["matchers.yaml"]);
}

#[test]
fn a_document_that_does_nothing_says_so() {
    golden("nothing", &["nothing.json"]);
}

#[test]
fn a_request_is_told_which_rule_takes_it_and_why_the_others_do_not() {
    let request = ["shop.yaml", "--request", "http://shop/checkout", "-X", "POST", "-H", "x-user-id: carol"];
    golden("request", &at(&[request.as_slice(), &["--age", "5m"]].concat()));
}

#[test]
fn the_first_condition_that_fails_is_shown_with_what_the_request_has() {
    let url = "http://WWW.Shop.Example:8080/api/v1/carts?x=1";
    let start = ["matchers.yaml", "--request", url, "-H", "x-api-version: 3", "-H", "cookie: session=1"];
    let node = ["--node-id", "sidecar~1", "--node-namespace", "shop", "--node-label", "app=cart"];
    golden("unknown_fact", &at(&[start.as_slice(), &node].concat()));
    let facts = [
        "-H",
        "user-agent: curl/8",
        "--direction",
        "outbound",
        "--route",
        "api",
        "--virtual-host",
        "shop",
        "--cluster",
        "carts",
        "--source-ip",
        "::ffff:10.1.2.3",
        "--principal",
        "spiffe://cluster.local/ns/shop/sa/cart",
        "-H",
        "x-a: 1",
        "-H",
        "x-c: 1",
    ];
    golden("all_hold", &at(&[start.as_slice(), &node, &facts].concat()));
}

#[test]
fn a_curl_command_line_is_a_request() {
    let line =
        "curl -X POST 'http://shop/shop.v1.Payments/Pay' -H 'content-type: application/grpc' -H 'x-skip: 1'";
    golden("curl", &at(&["shop.yaml", "--route", "to-pay", "--curl", line]));
}

#[test]
fn of_a_har_file_each_request_gets_a_line_and_one_the_whole_story() {
    golden("har", &["shop.yaml", "--har", "shop.har"]);
    golden("har_one", &["shop.yaml", "--har", "shop.har", "--number", "3"]);
}

#[test]
fn access_logs_of_three_formats_are_read() {
    golden("envoy_log", &["shop.yaml", "--access-log", "envoy.log"]);
    golden("istio_log", &["matchers.yaml", "--access-log", "istio.log"]);
    golden("json_lines", &at(&["shop.yaml", "--access-log", "lines.log"]));
}

#[test]
fn what_a_request_asks_for_itself_is_told() {
    let request = [
        "headers.yaml",
        "--request",
        "/shop",
        "-H",
        "x-envoy-fault-delay-request: 300",
        "-H",
        "x-envoy-fault-delay-request-percentage: 10",
    ];
    golden("asked_for", &at(&request));
}

#[test]
fn the_rules_of_a_route_take_the_place_of_the_documents() {
    let request = ["per_route.yaml", "--request", "/", "--route-document"];
    golden("of_route", &at(&[request.as_slice(), &["route.json"]].concat()));
    golden("of_route_wrong", &at(&[request.as_slice(), &["route_wrong.json"]].concat()));
}

#[test]
fn counts_keys_and_pulses_are_told_for_a_request() {
    let request = [
        "samples.yaml",
        "--request",
        "http://h/?user=1",
        "-H",
        "cookie: session=abc",
        "--source-ip",
        "192.0.2.1",
    ];
    golden("chosen", &at(&request));
    golden("excluded", &at(&["samples.yaml", "--request", "/health/live"]));
}

#[test]
fn programs_get_json() {
    golden("document_json", &["shop.yaml", "--format", "json"]);
    let request = ["shop.yaml", "--request", "http://shop/checkout", "-X", "PUT", "-H", "x-user-id: alice"];
    golden("request_json", &at(&[request.as_slice(), &["--format", "json"]].concat()));
}

#[test]
fn what_is_wrong_with_requests_is_told_with_its_place() {
    for (arguments, expected) in [
        (["--har", "missing.har"], "cannot read `missing.har`: No such file or directory (os error 2)"),
        (["--har", "wrong.har"], "wrong.har:1:53: not a HAR file: missing field `method`"),
        (
            ["--har", "wrong_url.har"],
            "wrong_url.har: log.entries[0]: request.url: `ftp` is not an HTTP scheme: expected `http` or `https`",
        ),
        (
            ["--har", "envoy.log"],
            "envoy.log:1:5: not a HAR file: invalid type: integer `2026`, expected an object with `entries`",
        ),
        (
            ["--access-log", "wrong_format.log"],
            "wrong_format.log:2: 3 fields: expected JSON, Envoy's default format (13 fields) or Istio's (22)",
        ),
        (["--access-log", "wrong_line.log"], "wrong_line.log:2: no path: expected the field `path`"),
        (
            ["--access-log", "wrong_json.log"],
            "wrong_json.log:1: not a JSON object: EOF while parsing a value at line 1 column 23",
        ),
        (["--access-log", "empty.log"], "empty.log: contains no requests"),
        (["--curl", "curl -v"], "--curl: no URL"),
        (["--request", "http:///x"], "--request: `http:///x` has no host"),
    ] {
        let said = explain(&[["shop.yaml"].as_slice(), &arguments].concat());
        assert_eq!(said.code, Some(2), "{arguments:?}");
        assert_eq!(
            (said.stdout.as_str(), said.stderr),
            ("", format!("error: {expected}\n")),
            "{arguments:?}"
        );
    }
}

#[test]
fn the_exit_code_tells_a_wrong_document_from_wrong_usage() {
    let wrong = explain(&["route_wrong.json"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(1), ""));
    assert!(wrong.stderr.starts_with("error: missing field `percentage`\n"), "{}", wrong.stderr);
    assert!(wrong.stderr.ends_with("route_wrong.json: 1 mistake\n"), "{}", wrong.stderr);
    assert_eq!(explain(&["missing.yaml"]).code, Some(2));
    assert_eq!(explain(&["shop.yaml", "-X", "GET"]).code, Some(2));
    assert_eq!(explain(&["shop.yaml", "--har", "a", "--curl", "b"]).code, Some(2));
    assert_eq!(explain(&["shop.yaml", "--request", "/", "--at", "noon"]).code, Some(2));
    let beyond = explain(&["shop.yaml", "--har", "shop.har", "--number", "4"]);
    assert_eq!((beyond.code, beyond.stderr.as_str()), (Some(2), "error: --number 4: there are 3 requests\n"));
}

/// Returns what is said, but for the file's name.
fn told(file: &Path) -> String {
    let said = explain(&[file.to_str().expect("UTF-8")]);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{}", file.display());
    said.stdout.split_once('\n').expect("a first line").1.to_owned()
}

#[test]
fn a_manifest_is_told_as_the_document_that_it_was_made_of() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut manifests = 0;
    for folder in ["istio", "cilium"] {
        let document = told(&root.join(folder).join("faults.json"));
        for entry in fs::read_dir(root.join(folder)).expect("a folder") {
            let path = entry.expect("a file").path();
            if path.extension().is_some_and(|ending| ending == "yaml") {
                assert_eq!(told(&path), document, "{}", path.display());
                manifests += 1;
            }
        }
    }
    assert!(manifests >= 6, "{manifests} manifests");
}

/// A plugin with one rule of its name.
fn plugin(name: &str) -> String {
    format!(
        "apiVersion: extensions.istio.io/v1alpha1\nkind: WasmPlugin\nmetadata: {{ name: {name} }}\nspec:\n  \
         url: oci://registry.example/brownout:0.2.0\n  failStrategy: FAIL_OPEN\n  match: [{{ mode: SERVER }}]\n  \
         pluginConfig:\n    rules: [{{ name: {name}, percentage: 100, abort: {{ http_status: 503 }} }}]\n"
    )
}

#[test]
fn of_several_documents_one_is_chosen() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("two.yaml");
    fs::write(&path, format!("{}---\n{}", plugin("one"), plugin("two"))).expect("written");
    let path = path.to_str().expect("UTF-8");
    let choice = format!(
        "error: {path} contains several documents; choose one with --document:\n  \
         1: WasmPlugin one: spec.pluginConfig (1 rule)\n  2: WasmPlugin two: spec.pluginConfig (1 rule)\n"
    );
    for arguments in [&[path][..], &[path, "--document", "3"]] {
        let said = explain(arguments);
        assert_eq!((said.code, said.stderr), (Some(2), choice.clone()), "{arguments:?}");
    }
    let said = explain(&[path, "--document", "2"]);
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("1. two\n"), "{}", said.stdout);
}

#[test]
fn mistakes_in_a_manifest_stand_on_its_own_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.yaml");
    fs::write(&path, plugin("one").replace("percentage: 100", "percentage: 120")).expect("written");
    let path = path.to_str().expect("UTF-8");
    let said = explain(&[path]);
    assert_eq!(said.code, Some(1));
    let start = format!("error: invalid percentage\n --> {path}:9:38   rules[0].percentage\n");
    assert!(said.stderr.starts_with(&start), "{}", said.stderr);
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let mut command = brownout(&["explain", "shop.yaml"]);
    command.current_dir(folder()).env("CLICOLOR_FORCE", "1");
    let coloured = say(command, b"").stdout;
    assert!(coloured.contains("\u{1b}[1m2. slow-checkout\u{1b}[0m"), "{coloured}");
    let mut command = brownout(&["explain", "shop.yaml"]);
    command.current_dir(folder()).env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1");
    assert!(!say(command, b"").stdout.contains('\u{1b}'));
}

#[test]
fn what_a_request_brings_cannot_write_to_the_terminal() {
    let said = explain(&at(&["shop.yaml", "--request", "/", "-H", "x-tester: \u{1b}[31mred"]));
    assert!(said.stdout.contains(r"`\u{1b}[31mred`"), "{}", said.stdout);
}

/// The listener's document has settings for the rules of routes, so its mistakes count too.
#[test]
fn a_mistake_in_the_listeners_document_is_told_though_the_routes_is_meant() {
    let camel = "istio-envoyfilter camel.yaml --namespace demo --workload app=page --side outbound --service reviews --port 80";
    let mut render = brownout(&["render"]);
    let renders = folder().join("../render");
    render.args(camel.split(' ')).arg("--per-route").current_dir(renders);
    let manifest = say(render, b"").stdout;
    assert!(manifest.contains("min_requests\": 20"), "{manifest}");
    let explained = |manifest: &str| {
        let path = tempfile::tempdir().expect("a folder").keep().join("manifest.yaml");
        fs::write(&path, manifest).expect("written");
        say(brownout(&["explain", path.to_str().expect("UTF-8"), "--document", "2"]), b"")
    };
    let good = explained(&manifest);
    assert_eq!(good.code, Some(0), "{}", good.stderr);
    assert!(good.stdout.contains("2 rules"), "{}", good.stdout);
    let bad = explained(&manifest.replace("min_requests\": 20", "min_requests\": 0"));
    assert_eq!(bad.code, Some(1), "{}", bad.stdout);
    assert!(bad.stderr.contains("min_requests"), "{}", bad.stderr);
}
