//! `brownout render`: what it prints for every target, what it warns of, and what it refuses.
//!
//! The expected output is in `render/`; `BROWNOUT_BLESS=1` rewrites it.

mod support;

use brownout_cli::document::DocumentFile;
use std::fs;
use std::path::{Path, PathBuf};
use support::{Said, brownout, say};

const IMAGE: &str = "--image registry.example/brownout:0.2.0";
const DIGEST: &str = "--digest sha256:0123456789012345678901234567890123456789012345678901234567890123";

/// Each file, and the arguments that produce it.
const FILES: [(&str, &str); 28] = [
    ("envoy/bootstrap", "envoy faults.yaml --listen 0.0.0.0:10000 --upstream reviews:8080"),
    ("envoy/filter", "envoy faults.yaml --part filter --module-path /opt/brownout.wasm"),
    ("envoy/bootstrap-per-route", "envoy faults.yaml --per-route"),
    ("envoy/filter-per-route", "envoy faults.yaml --per-route --part filter"),
    ("envoy/routes", "envoy faults.yaml --per-route --part routes"),
    ("envoy/bootstrap-gated", "envoy gate.yaml --gate --upstream reviews:8080"),
    ("envoy/bootstrap-prefix", "envoy faults.yaml --prefix /reviews --prefix /ratings"),
    ("envoy/routes-prefix", "envoy faults.yaml --per-route --part routes --prefix /reviews"),
    ("envoy/filter-gated", "envoy gate.yaml --gate --part filter"),
    (
        "istio/wasmplugin",
        "istio-wasmplugin faults.yaml --namespace demo --workload app=reviews --workload version=v1 --port 8080 --port 9090 IMAGE DIGEST --pull-secret registry",
    ),
    (
        "istio/wasmplugin-mesh",
        "istio-wasmplugin faults.yaml --namespace istio-system --side outbound IMAGE DIGEST",
    ),
    (
        "istio/trafficextension-service",
        "istio-trafficextension faults.yaml --side waypoint --service reviews IMAGE DIGEST",
    ),
    (
        "istio/trafficextension-gateway",
        "istio-trafficextension faults.yaml --side gateway --gateway front IMAGE --name faults",
    ),
    (
        "istio/envoyfilter-inbound",
        "istio-envoyfilter faults.yaml --namespace demo --workload app=reviews --port 8080",
    ),
    (
        "istio/envoyfilter-outbound",
        "istio-envoyfilter faults.yaml --namespace demo --workload app=page --side outbound --service reviews IMAGE DIGEST",
    ),
    (
        "istio/envoyfilter-routes",
        "istio-envoyfilter faults.yaml --namespace demo --workload app=page --side outbound --service reviews --port 8080 --per-route --route canary --route default",
    ),
    (
        "istio/envoyfilter-only",
        "istio-envoyfilter faults.yaml --namespace demo --workload app=page --side outbound --service reviews --port 8080 --per-route --route canary --only",
    ),
    (
        "istio/envoyfilter-waypoint",
        "istio-envoyfilter faults.yaml --namespace demo --side waypoint --gateway waypoint",
    ),
    (
        "istio/envoyfilter-gated",
        "istio-envoyfilter gate.yaml --namespace demo --workload app=reviews --port 8080 --gate",
    ),
    (
        "cilium/ciliumenvoyconfig",
        "cilium faults.yaml --namespace demo --service reviews --port 8080 --prefix /ratings --prefix /reviews",
    ),
    (
        "cilium/clusterwide",
        "cilium faults.yaml --namespace demo --service reviews --port 8080 --clusterwide --node chaos=true",
    ),
    (
        "others/envoy-gateway",
        "envoy-gateway faults.yaml --namespace demo --route reviews IMAGE DIGEST --pull-secret registry",
    ),
    ("others/kuma", "kuma faults.yaml --workload app=reviews --side outbound"),
    ("envoy/bootstrap-upstream", "envoy upstream.yaml --listen 127.0.0.1:10000 --upstream reviews:8080"),
    ("envoy/filter-upstream", "envoy upstream.yaml --part filter --module-path /opt/brownout.wasm"),
    (
        "istio/envoyfilter-upstream",
        "istio-envoyfilter upstream.yaml --namespace demo --workload app=page --side outbound --service reviews --port 8080",
    ),
    ("cilium/upstream", "cilium upstream.yaml --namespace demo --service reviews --port 8080"),
    (
        "others/kuma-upstream",
        "kuma upstream.yaml --workload app=page --side outbound --cluster demo_reviews__kuma_8080",
    ),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/render")
}

fn render(line: &str) -> Said {
    let line = line.replace("IMAGE", IMAGE).replace("DIGEST", DIGEST);
    let arguments: Vec<&str> = ["render"].into_iter().chain(line.split(' ')).collect();
    let mut command = brownout(&arguments);
    command.current_dir(folder());
    say(command, b"")
}

#[test]
fn every_target_prints_what_is_expected() {
    let bless = std::env::var_os("BROWNOUT_BLESS").is_some();
    for (name, line) in FILES {
        let said = render(line);
        assert_eq!(said.code, Some(0), "{name}: {}", said.stderr);
        for (ending, text) in [("yaml", said.stdout), ("stderr", said.stderr)] {
            let path = folder().join(format!("{name}.{ending}"));
            if bless && text.is_empty() {
                fs::remove_file(&path).ok();
            } else if bless {
                fs::write(&path, &text).expect("a writable folder");
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(text, expected, "{}: BROWNOUT_BLESS=1 writes it anew", path.display());
        }
    }
}

/// Control planes spell fields in camel case, and so may a document.
#[test]
fn a_document_in_camel_case_becomes_manifests_that_carry_the_same_rules() {
    let snake = fs::read_to_string(folder().join("camel.yaml")).expect("a document");
    let rules = DocumentFile::new("camel.yaml", snake.as_bytes())
        .check()
        .expect("a good document")
        .plan
        .rules()
        .len();
    for line in [
        "envoy camel.yaml --per-route --part routes",
        "envoy camel.yaml --per-route --part filter",
        "istio-envoyfilter camel.yaml --namespace demo --workload app=page --side outbound --service reviews --port 8080 --per-route",
        "istio-envoyfilter camel.yaml --namespace demo --workload app=reviews --port 8080",
        "cilium camel.yaml --namespace demo --service reviews --port 8080",
        "kuma camel.yaml --workload app=reviews --side outbound",
    ] {
        let said = render(line);
        assert_eq!(said.code, Some(0), "{line}: {}", said.stderr);
        let checked = say(brownout(&["check", "-"]), said.stdout.as_bytes());
        assert_eq!(checked.code, Some(0), "{line}: {}\n{}", checked.stderr, said.stdout);
        let file = DocumentFile::new("manifest.yaml", said.stdout.as_bytes());
        let carried = brownout_cli::manifest::carried(&file).expect("a manifest").expect("one of ours");
        let most = carried
            .documents
            .iter()
            .filter_map(|document| document.read().ok())
            .map(|read| read.rules())
            .max();
        let only_the_filter = line.ends_with("--part filter");
        assert_eq!(most, Some(if only_the_filter { 0 } else { rules }), "{line}\n{}", said.stdout);
    }
}

#[test]
fn nothing_stands_there_that_is_not_rendered() {
    for folder in ["envoy", "istio", "cilium", "others"].map(|name| folder().join(name)) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_known = FILES.iter().any(|(name, _)| path.with_extension("").ends_with(name));
            assert!(is_known, "{} has no line in this test", path.display());
        }
    }
}

fn refused(line: &str) -> String {
    let Said { code, stdout, stderr } = render(line);
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    stderr.strip_prefix("error: ").expect("an error").trim_end().into()
}

fn refused_gate(document: &str) -> String {
    let Said { code, stdout, stderr } =
        say(brownout(&["render", "envoy", "-", "--gate"]), document.as_bytes());
    assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
    stderr.strip_prefix("error: ").expect("an error").trim_end().into()
}

#[test]
fn a_gate_that_would_keep_out_what_a_rule_matches_is_refused() {
    let rule = |fields: &str| {
        format!(
            r#"{{"rules": [{{"name": "a", "match": {{"headers": [{{"name": "x-a"}}]}}, "percentage": 1, "reset": {{}}}}, {{"name": "slow", {fields} "percentage": 1, "abort": {{"http_status": 503}}}}]}}"#
        )
    };
    let needs_nothing = "rule `slow` requires nothing that Envoy's matcher can check: give its `match` a required header, a cookie, `path`, `authority`, `methods` or `grpc`, or leave `--gate` out";
    assert_eq!(
        refused_gate(&rule("")),
        "rule `slow` has no `match` and takes every request: give it one, or leave `--gate` out"
    );
    for one in [
        r#""match": {"route": {"exact": "a"}},"#,
        r#""match": {"headers": [{"name": "x-b", "present_match": false}]},"#,
        r#""match": {"any": [{"headers": [{"name": "x-b"}]}, {"direction": "inbound"}]},"#,
    ] {
        assert_eq!(refused_gate(&rule(one)), needs_nothing, "{one}");
    }
    let off = rule(r#""mode": "off","#);
    assert_eq!(say(brownout(&["render", "envoy", "-", "--gate"]), off.as_bytes()).code, Some(0), "{off}");
    let nothing = "no rule is live, so `--gate` would let nothing in: leave it out";
    assert_eq!(refused_gate("{}"), nothing);
    assert_eq!(refused_gate(&rule("").replacen('{', r#"{"mode": "off", "#, 1)), nothing);
}

#[test]
fn a_gate_is_refused_where_there_is_no_place_for_it() {
    let per_route = "rules of routes change without the gate, and may match any request: leave out either `--gate` or `per_route`";
    assert_eq!(refused("envoy gate.yaml --gate --per-route"), per_route);
    assert_eq!(refused("istio-envoyfilter gate.yaml --gate --per-route --port 80"), per_route);
    assert_eq!(refused_gate(r#"{"per_route": true}"#), per_route);
    for place in [r#""limits": {"max_percentage": 5},"#, ""] {
        let rule = r#"{"name": "a", "match": {"headers": [{"name": "x-a"}]}, "limits": {"maxPercentage": 1}, "percentage": 1, "reset": {}}"#;
        assert_eq!(
            refused_gate(&format!(r#"{{{place} "rules": [{rule}]}}"#)),
            "`max_percentage` counts requests that no rule matches, and `--gate` keeps those from the module: leave one of them out"
        );
    }
    assert_eq!(
        refused("envoy upstream.yaml --gate"),
        "`--gate` is for listeners, and the document's `placement` is `upstream`: leave one of them out"
    );
    assert_eq!(
        refused("istio-envoyfilter gate.yaml --gate IMAGE DIGEST"),
        "the agent does not fetch the image of a filter that is behind a gate: use `--module-path`, or leave `--gate` out"
    );
    assert_eq!(
        refused("cilium gate.yaml --gate --service reviews --port 8080"),
        "Cilium's Envoy is built without the composite filter, which a gate needs: leave `--gate` out"
    );
    assert_eq!(
        refused("envoy-gateway gate.yaml --gate --route reviews IMAGE"),
        "Envoy Gateway cannot configure Envoy's own filters, which a gate needs: leave `--gate` out"
    );
    assert_eq!(
        refused("kuma gate.yaml --gate"),
        "a gate works only with the targets `envoy` and `istio-envoyfilter`: leave `--gate` out"
    );
    for target in ["istio-wasmplugin", "istio-trafficextension"] {
        assert_eq!(
            refused(&format!("{target} gate.yaml --gate --workload app=reviews IMAGE")),
            "this resource cannot configure Envoy's own filters, which a gate needs; `istio-envoyfilter` can: leave `--gate` out"
        );
    }
}

#[test]
fn a_gate_that_asks_much_says_so() {
    let rule = |number: usize| {
        format!(
            "- {{ name: r{number}, match: {{ headers: [{{ name: x-{number} }}] }}, percentage: 1, reset: {{}} }}\n"
        )
    };
    let asked = |rules: usize| {
        let document = format!("rules:\n{}", (0..rules).map(rule).collect::<String>());
        let said = say(brownout(&["render", "envoy", "-", "--gate"]), document.as_bytes());
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        said.stderr
    };
    assert_eq!(asked(16), "");
    assert_eq!(
        asked(17),
        "warning: the gate checks up to 17 conditions for every request, one after another; without `--gate`, the module finds its rules with an index, which is probably faster\n"
    );
}

#[test]
fn what_would_silently_do_nothing_is_refused() {
    assert_eq!(
        refused("istio-wasmplugin faults.yaml --side waypoint --gateway waypoint --port 8080 IMAGE"),
        "a waypoint's filters never match a `--port`: name the `--service` instead"
    );
    assert_eq!(
        refused("istio-envoyfilter faults.yaml --side waypoint --workload app=reviews"),
        "a waypoint cannot be selected by labels: name it with `--gateway`, or a `--service` behind it"
    );
    assert_eq!(
        refused("istio-wasmplugin faults.yaml --service reviews IMAGE"),
        "only a waypoint can select a `--service`: choose pods with `--workload`, or use `--side waypoint`"
    );
    assert_eq!(
        refused(
            "istio-envoyfilter faults.yaml --workload app=page --side outbound --service reviews --per-route"
        ),
        "`--per-route` needs the `--port` of the routes"
    );
    assert_eq!(
        refused("istio-wasmplugin faults.yaml --workload app=reviews"),
        "give the module's image with `--image`"
    );
    assert_eq!(
        refused("istio-trafficextension faults.yaml --workload app=reviews --module-path /a.wasm"),
        "with this resource, if the module's file is missing, the proxy answers 500 to every request, whatever `failStrategy` says: use `--image`, or `istio-envoyfilter`, which lets requests pass then"
    );
    assert_eq!(
        refused("istio-envoyfilter faults.yaml --workload app=reviews IMAGE"),
        "an EnvoyFilter needs the `--digest` of its `--image`: Envoy accepts no remote module without one"
    );
    assert_eq!(
        refused("envoy faults.yaml --part routes"),
        "without `--per-route`, the routes are in the bootstrap"
    );
    assert_eq!(refused("envoy faults.yaml --prefix /"), "`--prefix /` matches every request: leave it out");
    assert_eq!(
        refused("envoy upstream.yaml --prefix /reviews"),
        "a route can bypass the module only in a listener, but the document's `placement` is `upstream`: leave `--prefix` out"
    );
    assert_eq!(
        refused("istio-envoyfilter faults.yaml --workload app=page --port 8080 --per-route --only"),
        "an inbound listener has a single route for each port, so `--only` would exclude nothing: leave it out"
    );
    assert_eq!(
        refused(
            "istio-envoyfilter upstream.yaml --side outbound --service reviews --port 8080 --per-route --only"
        ),
        "a route can bypass the module only in a listener, but the document's `placement` is `upstream`: leave `--only` out"
    );
    assert_eq!(refused("envoy-gateway faults.yaml IMAGE"), "give a target with `--route` or `--gateway`");
}

#[test]
fn a_placement_that_the_target_does_not_have_is_refused() {
    let listeners = "this resource puts filters only into listeners, but the document's `placement` is `upstream`: use `istio-envoyfilter`";
    assert_eq!(refused("istio-wasmplugin upstream.yaml --workload app=page IMAGE"), listeners);
    assert_eq!(refused("istio-trafficextension upstream.yaml --workload app=page IMAGE"), listeners);
    assert_eq!(
        refused("envoy-gateway upstream.yaml --route reviews IMAGE"),
        "Envoy Gateway puts the module only into listeners, but the document's `placement` is `upstream`: leave `placement` out, or use another target"
    );
    assert_eq!(
        refused("istio-envoyfilter upstream.yaml --workload app=page --service reviews --port 8080"),
        "the document's `placement` is `upstream`, which is the caller's side: use `--side outbound` or `--side gateway`"
    );
    assert_eq!(
        refused("istio-envoyfilter upstream.yaml --workload app=page --side outbound --service reviews"),
        "the document's `placement` is `upstream`: name the `--service` that is called, and its `--port`"
    );
    assert_eq!(
        refused("kuma upstream.yaml --workload app=page --side outbound"),
        "the document's `placement` is `upstream`: name the `--cluster` that is called; `kumactl inspect dataplane --type=clusters` shows them"
    );
    assert_eq!(
        refused("kuma upstream.yaml --workload app=page --cluster reviews"),
        "the document's `placement` is `upstream`, which is the caller's side: use `--side outbound`"
    );
    assert_eq!(
        refused("kuma faults.yaml --workload app=page --side outbound --cluster reviews"),
        "`--cluster` is for the `placement` `upstream`, which the document does not have: add it, or leave `--cluster` out"
    );
}

#[test]
fn a_wrong_document_is_refused_as_check_refuses_it() {
    let document = br#"{"rules": [{"name": "a", "abort": {"http_status": 99}}]}"#;
    let checked = say(brownout(&["check", "-"]), document);
    assert_eq!(checked.code, Some(1));
    for target in ["envoy", "kuma"] {
        assert_eq!(say(brownout(&["render", target, "-"]), document), checked, "{target}");
    }
}

#[test]
fn an_empty_document_is_rendered_as_one_that_does_nothing() {
    let said = say(
        brownout(&["render", "istio-wasmplugin", "-", "--workload", "a=b", "--image", "r.example/b:1"]),
        b"",
    );
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.ends_with("  pluginConfig: {}\n"), "{}", said.stdout);
}

#[test]
fn a_plugin_is_named_after_its_resource_and_gets_a_vm_of_its_own_if_asked() {
    for (line, name) in [
        ("envoy faults.yaml --part filter --name exp", "exp"),
        ("istio-envoyfilter faults.yaml --namespace demo --workload app=a --port 80 --name exp", "demo.exp"),
        ("kuma faults.yaml --namespace demo --name exp", "exp"),
    ] {
        let [shared, own] = [render(line).stdout, render(&format!("{line} --own-vm")).stdout];
        assert!(shared.contains(&format!("  name: {name}\n")), "{shared}");
        assert!(!shared.contains("vm_id"), "{shared}");
        assert!(own.contains(&format!("  vm_id: {name}\n")), "{own}");
    }
    let line = format!("istio-wasmplugin faults.yaml --namespace demo --workload app=a {IMAGE} --own-vm");
    assert!(refused(&line).contains("--own-vm"));
}
