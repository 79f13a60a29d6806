//! `scripts/release`: what a release consists of, and that it is the same twice.

mod support;

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::module;
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

/// Makes a release, and gives all its files by name.
fn release() -> BTreeMap<String, Vec<u8>> {
    module();
    let folder: TempDir = tempfile::tempdir().expect("a temporary directory");
    let mut script = Command::new(root().join("scripts/release"));
    script.arg(folder.path()).env("BROWNOUT", env!("CARGO_BIN_EXE_brownout"));
    let output = script.output().expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.path().to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder.path()).expect("below it").display().to_string();
                files.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    files
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn a_release_is_whole_names_no_path_of_the_machine_and_is_the_same_twice() {
    let files = release();
    assert_eq!(release(), files);

    for name in [
        "brownout.wasm",
        "brownout.cdx.json",
        "digests.json",
        "image/oci-layout",
        "manifests/istio/wasmplugin.yaml",
        "manifests/cilium/ciliumenvoyconfig.yaml",
        "manifests/envoy/bootstrap.yaml",
        "manifests/envoy/xds/brownout.yaml",
        "manifests/envoy/prometheus/alerts.yaml",
        "manifests/envoy/grafana/brownout.json",
    ] {
        assert!(files.contains_key(name), "no {name} among {:?}", files.keys());
    }
    assert_eq!(files["brownout.wasm"], fs::read(module()).expect("the module"));

    let sums = String::from_utf8(files["SHA256SUMS"].clone()).expect("text");
    let others = files.iter().filter(|(name, _)| *name != "SHA256SUMS");
    let expected: String = others.map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect();
    assert_eq!(sums, expected);

    let digests = json(&files["digests.json"]);
    assert_eq!(digests["module"], format!("sha256:{}", sha256(&files["brownout.wasm"])));
    let index = json(&files["image/index.json"]);
    let images: BTreeMap<_, _> = index["manifests"].as_array().expect("images").iter().map(named).collect();
    assert_eq!(images, BTreeMap::from([("artifact", &digests["artifact"]), ("compat", &digests["compat"])]));

    let root = root().display().to_string();
    for (name, bytes) in &files {
        let found = bytes.windows(root.len()).any(|window| window == root.as_bytes());
        assert!(!found, "{name} names {root}");
    }
}

fn named(image: &Value) -> (&str, &Value) {
    let name = &image["annotations"]["org.opencontainers.image.ref.name"];
    (name.as_str().expect("a name"), &image["digest"])
}

#[test]
fn the_bill_of_materials_names_what_the_module_is_built_from() {
    let bill = json(&release()["brownout.cdx.json"]);
    assert_eq!((&bill["bomFormat"], &bill["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    let about = &bill["metadata"]["component"];
    assert_eq!(
        (&about["name"], &about["version"]),
        (&"brownout-filter".into(), &env!("CARGO_PKG_VERSION").into())
    );
    let components = bill["components"].as_array().expect("components");
    for component in components {
        let licences = component["licenses"].as_array();
        assert!(
            component["version"].is_string() && licences.is_some_and(|some| !some.is_empty()),
            "{component}"
        );
    }
    let names: BTreeSet<_> =
        components.iter().map(|part| part["name"].as_str().expect("a name").to_owned()).collect();
    // Those that cargo links into the module must all be there; the bill has the tools of the build too.
    let tree =
        ["tree", "-p", "brownout-filter", "--target", "wasm32-wasip1", "-e", "normal", "--prefix", "none"];
    let tree = Command::new(env!("CARGO")).args(tree).current_dir(root()).output().expect("cargo");
    let tree = String::from_utf8(tree.stdout).expect("text");
    let linked: BTreeSet<_> =
        tree.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect();
    let missing: Vec<_> =
        linked.iter().filter(|name| *name != "brownout-filter" && !names.contains(*name)).collect();
    assert!(linked.len() > 10 && missing.is_empty(), "{missing:?}");
}
