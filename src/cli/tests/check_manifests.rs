//! `brownout check` on manifests that carry a document: every mistake on its line of the manifest.

mod support;

use serde_json::{Value, json};
use std::fs;
use support::{Said, brownout, say};

fn check(name: &str, manifest: &str) -> Said {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), manifest).expect("written");
    let mut command = brownout(&["check", name]);
    command.current_dir(folder.path());
    say(command, b"")
}

/// Code, line and column of all that is said about a manifest, and the path.
fn found(name: &str, manifest: &str) -> Vec<(String, u64, u64, String)> {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join(name), manifest).expect("written");
    let mut command = brownout(&["check", "--format", "json", name]);
    command.current_dir(folder.path());
    let said: Value = serde_json::from_str(&say(command, b"").stdout).expect("JSON");
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let number = |value: &Value| value.as_u64().expect("a number");
    let all = said["files"][0]["diagnostics"].as_array().expect("a list");
    all.iter()
        .map(|one| (text(&one["code"]), number(&one["line"]), number(&one["column"]), text(&one["path"])))
        .collect()
}

fn one(code: &str, line: u64, column: u64, path: &str) -> Vec<(String, u64, u64, String)> {
    vec![(code.into(), line, column, path.into())]
}

/// A plugin of Envoy's as YAML, indented by two, with this behind `value:`.
fn envoy(value: &str) -> String {
    let head = "\
resources:
- name: brownout
  typed_config:
    \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
    config:
      failure_policy: FAIL_OPEN
      configuration:
        \"@type\": type.googleapis.com/google.protobuf.StringValue
        value:";
    format!("{head} {value}\n")
}

const WASM_PLUGIN: &str = "\
apiVersion: extensions.istio.io/v1alpha1
kind: WasmPlugin
metadata: {name: faults, namespace: demo}
spec:
  url: oci://registry.example/brownout:1
  failStrategy: FAIL_OPEN
  match: [{mode: SERVER}]
  pluginConfig:
    rules:
    - name: slow
      percentage: 120
      delay: {fixed_delay: 2s}
";

#[test]
fn a_mistake_in_an_object_of_a_manifest_is_shown_on_its_line() {
    let expected = "error: invalid percentage
  --> plugin.yaml:11:19   rules[0].percentage
   |
11 |       percentage: 120
   |                   ^^^ `120` is more than 100

plugin.yaml: 1 mistake
";
    let said = check("plugin.yaml", WASM_PLUGIN);
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), expected));
}

#[test]
fn a_good_manifest_is_said_to_be_good_with_the_number_of_its_documents() {
    let good = WASM_PLUGIN.replace("120", "12");
    let several = format!("{good}---\n{good}---\napiVersion: v1\nkind: Service\nmetadata: {{name: x}}\n");
    let said = check("plugins.yaml", &several);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), "plugins.yaml: good, 2 documents, 2 rules\n"));
}

#[test]
fn a_mistake_in_a_string_is_shown_on_its_line_in_every_style_of_yaml() {
    let block = envoy("|\n          {\n            \"rules\": [],\n            \"mood\": 1\n          }");
    assert_eq!(found("a.yaml", &block), one("unknown-field", 12, 13, "mood"));
    let folded = envoy(">-\n          {\"rules\": [],\n          \"mood\": 1}");
    assert_eq!(found("a.yaml", &folded), one("unknown-field", 11, 11, "mood"));
    let single = envoy("'{\"experiment\": {\"id\": \"it''s\"}, \"mood\": 1}'");
    assert_eq!(found("a.yaml", &single), one("unknown-field", 9, 49, "mood"));
    let double = envoy(r#""{\"rules\": [], \"mood\": 1}""#);
    assert_eq!(found("a.yaml", &double), one("unknown-field", 9, 33, "mood"));
}

#[test]
fn a_mistake_in_the_syntax_of_a_string_is_shown_where_it_is() {
    let block = envoy("|\n          {\n            \"rules\": [1,]\n          }");
    assert_eq!(found("a.yaml", &block), one("syntax", 11, 25, ""));
}

#[test]
fn a_mistake_in_a_string_of_json_is_shown_where_it_is() {
    let manifest = "{\"typed_config\": {\n\
        \"@type\": \"type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\",\n\
        \"config\": {\"name\": \"brownout\", \"failurePolicy\": \"FAIL_OPEN\", \"configuration\": {\n\
        \"@type\": \"type.googleapis.com/google.protobuf.StringValue\",\n\
        \"value\": \"{\\\"rules\\\": [], \\\"mood\\\": 1}\"}}}}\n";
    assert_eq!(found("a.json", manifest), one("unknown-field", 5, 27, "mood"));
}

#[test]
fn a_string_in_a_string_is_followed_to_the_line_of_the_file() {
    let manifest = "\
apiVersion: kuma.io/v1alpha1
kind: MeshProxyPatch
metadata: {name: fault}
spec:
  default:
    appendModifications:
    - httpFilter:
        operation: AddBefore
        value: |
          name: brownout
          typedConfig:
            '@type': type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
            config:
              failurePolicy: FAIL_OPEN
              configuration:
                '@type': type.googleapis.com/google.protobuf.StringValue
                value: |
                  {
                    \"mood\": 1
                  }
";
    assert_eq!(found("patch.yaml", manifest), one("unknown-field", 19, 21, "mood"));
}

#[test]
fn every_kind_of_manifest_is_looked_into() {
    let wrong = "{mood: 1}";
    let traffic_extension = format!(
        "apiVersion: extensions.istio.io/v1alpha1\nkind: TrafficExtension\nmetadata: {{name: brownout}}\nspec:\n  \
         match: [{{mode: SERVER}}]\n  wasm:\n    failStrategy: FAIL_OPEN\n    pluginConfig: {wrong}\n"
    );
    assert_eq!(found("a.yaml", &traffic_extension), one("unknown-field", 8, 20, "mood"));
    let extension_policy = format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nmetadata: {{name: a}}\nspec:\n  \
         wasm:\n  - name: brownout\n    failOpen: true\n    config: {wrong}\n"
    );
    assert_eq!(found("a.yaml", &extension_policy), one("unknown-field", 8, 14, "mood"));
    let config_map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  faults.yaml: |\n    \
         rules: []\n    mood: 1\n";
    assert_eq!(found("a.yaml", config_map), one("unknown-field", 7, 5, "mood"));
    let route = "resources:\n- virtual_hosts:\n  - name: a\n    routes:\n    - metadata:\n        \
         filter_metadata:\n          brownout: {json: '{\"rules\": [], \"mode\": \"off\"}'}\n";
    assert_eq!(found("a.yaml", route), one("unknown-field", 7, 43, "mode"));
}

#[test]
fn a_document_that_is_not_sent_as_a_string_is_a_mistake_with_the_way_out() {
    let manifest = envoy("{rules: []}").replace("StringValue", "Struct");
    assert_eq!(found("a.yaml", &manifest)[0].0, "sent-as-struct");
    let said = check("a.yaml", &manifest);
    assert!(said.stderr.contains("the module gets the bytes of a `Struct`"), "{}", said.stderr);
    let metadata = "resources: [{metadata: {filter_metadata: {brownout: {rules: []}}}}]\n";
    assert_eq!(found("a.yaml", metadata)[0].0, "missing-field");
}

#[test]
fn what_is_legal_and_wrong_round_a_document_is_a_warning() {
    let closed = WASM_PLUGIN.replace("120", "12").replace("FAIL_OPEN", "FAIL_CLOSE");
    assert_eq!(found("a.yaml", &closed), one("fail-closed", 6, 17, "spec.failStrategy"));
    assert_eq!(check("a.yaml", &closed).code, Some(0), "a warning is no mistake");
    let both = WASM_PLUGIN.replace("120", "12").replace("  match: [{mode: SERVER}]\n", "");
    assert_eq!(found("a.yaml", &both)[0].0, "both-directions");
    let route = "'{\"rules\": []}'\n- metadata: {filter_metadata: {brownout: {json: '{\"rules\": []}'}}}";
    assert_eq!(found("a.yaml", &envoy(route))[0].0, "per-route-off");
}

#[test]
fn a_filter_behind_the_router_is_a_mistake() {
    let manifest = "\
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: a}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    patch:
      operation: ADD
      value: {name: a}
";
    assert_eq!(
        found("a.yaml", manifest),
        one("filter-after-router", 8, 18, "spec.configPatches[0].patch.operation")
    );
    let router = "{name: r, typed_config: {\"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}";
    let chain = format!("http_filters:\n- {router}\n- {{name: late}}\n");
    assert_eq!(found("a.yaml", &chain), one("filter-after-router", 3, 3, "http_filters[1]"));
}

#[test]
fn a_manifest_without_a_document_is_said_to_have_none() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: x}\n";
    let expected = "error: a manifest without a document
 --> service.yaml:1:1
  |
1 | apiVersion: v1
  | ^ no Wasm plugin, and no route metadata under `brownout`

service.yaml: 1 mistake
";
    let said = check("service.yaml", service);
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), expected));
    let other = WASM_PLUGIN.replace("brownout", "coraza").replace("rules:", "directives:");
    let said = check("other.yaml", &other);
    assert!(said.stderr.contains("found only other plugins: `faults`"), "{}", said.stderr);
}

#[test]
fn a_plugin_without_a_configuration_does_nothing_and_is_good() {
    let empty = WASM_PLUGIN.split("  pluginConfig").next().expect("the first part");
    assert_eq!(check("a.yaml", empty).stderr, "a.yaml: good, 1 document, 0 rules\n");
}

#[test]
fn the_manifests_of_the_repository_are_good() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let files = [
        "istio/wasmplugin.yaml",
        "istio/envoyfilter.yaml",
        "cilium/ciliumenvoyconfig.yaml",
        "envoy/xds/brownout.yaml",
    ];
    let mut command = brownout(&["check", "--format", "json"]);
    command.args(files).current_dir(root);
    let said = say(command, b"");
    let said: Value = serde_json::from_str(&said.stdout).expect("JSON");
    for file in said["files"].as_array().expect("a list") {
        assert_eq!(file["diagnostics"], json!([]), "{file}");
    }
}
