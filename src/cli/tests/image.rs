//! `brownout image`: what is packed, and that a real registry gives back what was pushed.

mod support;

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::registry::{Pulled, Registry};
use support::{Said, brownout, module, say};
use tempfile::TempDir;

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Runs `brownout image` with the real module, for a user without Docker credentials.
fn image(arguments: &[&str]) -> Command {
    let mut command = brownout(&["image", "--module"]);
    command.arg(module()).args(arguments);
    command.env("DOCKER_CONFIG", "/no/such/folder");
    command
}

fn sha256(bytes: &[u8]) -> String {
    let digits: Vec<String> = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{}", digits.concat())
}

fn wasm() -> Vec<u8> {
    fs::read(module()).expect("a readable module")
}

/// The digests as `--format json` prints them.
fn digests() -> Value {
    let said = say(image(&["--format", "json"]), b"");
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
    serde_json::from_str(&said.stdout).expect("JSON")
}

/// A layout of both forms.
struct Layout(TempDir);

impl Layout {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().to_str().expect("a path in UTF-8");
        let said = say(image(&["--layout", path]), b"");
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        Self(folder)
    }

    fn blob(&self, digest: &str) -> Vec<u8> {
        let name = digest.strip_prefix("sha256:").expect("SHA-256");
        fs::read(self.0.path().join("blobs/sha256").join(name)).expect("the blob is there")
    }

    fn json(&self, digest: &str) -> Value {
        serde_json::from_slice(&self.blob(digest)).expect("JSON")
    }

    fn index(&self) -> Value {
        serde_json::from_slice(&fs::read(self.0.path().join("index.json")).expect("an index")).expect("JSON")
    }

    /// Every file with its content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut folders = vec![self.0.path().to_path_buf()];
        let mut files = BTreeMap::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(self.0.path()).expect("below it").to_path_buf();
                    files.insert(name, fs::read(&path).expect("a file"));
                }
            }
        }
        files
    }
}

/// The part of an archive that Istio's agent reads.
fn only_file(archive: &[u8]) -> (String, Vec<u8>) {
    let mut archive = tar::Archive::new(archive);
    let mut entries = archive.entries().expect("an archive");
    let mut entry = entries.next().expect("a file").expect("a whole file");
    let mut content = Vec::new();
    entry.read_to_end(&mut content).expect("a whole file");
    let name = entry.path().expect("a name").display().to_string();
    assert!(entries.next().is_none(), "one file and no more");
    (name, content)
}

#[test]
fn a_layout_names_both_forms_and_every_blob_bears_its_own_digest() {
    let layout = Layout::new();
    let digests = digests();
    let named = |form: &str| {
        let digest = digests[form].as_str().expect("a digest");
        json!({ "mediaType": MANIFEST, "digest": digest, "size": layout.blob(digest).len(),
            "annotations": { "org.opencontainers.image.ref.name": form } })
    };
    let index = json!({ "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [named("compat"), named("artifact")] });
    assert_eq!(layout.index(), index);
    let files = layout.files();
    assert_eq!(files[Path::new("oci-layout")], br#"{"imageLayoutVersion":"1.0.0"}"#);
    let blobs =
        files.iter().filter_map(|(path, bytes)| Some((path.strip_prefix("blobs/sha256").ok()?, bytes)));
    let blobs: Vec<_> =
        blobs.map(|(name, bytes)| (format!("sha256:{}", name.display()), sha256(bytes))).collect();
    // Two manifests, two configurations, one layer and two.
    assert_eq!(blobs.len(), 7);
    for (name, digest) in blobs {
        assert_eq!(name, digest);
    }
}

#[test]
fn the_last_layer_of_the_compat_form_is_an_archive_with_the_module_as_plugin_wasm() {
    let layout = Layout::new();
    let manifest = layout.json(digests()["compat"].as_str().expect("a digest"));
    let (config, layer) = (&manifest["config"], &manifest["layers"][0]);
    let compressed = layout.blob(layer["digest"].as_str().expect("a digest"));
    assert_eq!(
        manifest,
        json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config["digest"],
                "size": config["size"] },
            "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": layer["digest"],
                "size": compressed.len() }],
            "annotations": { "module.wasm.image/variant": "compat" },
        })
    );
    let mut archive = Vec::new();
    GzDecoder::new(compressed.as_slice()).read_to_end(&mut archive).expect("gzip");
    assert_eq!(only_file(&archive), ("plugin.wasm".to_owned(), wasm()));
    let config = layout.json(config["digest"].as_str().expect("a digest"));
    assert_eq!((&config["os"], &config["architecture"]), (&json!("linux"), &json!("amd64")));
    assert_eq!(config["rootfs"], json!({ "type": "layers", "diff_ids": [sha256(&archive)] }));
}

#[test]
fn the_artifact_form_is_a_description_and_the_module_as_it_is() {
    let layout = Layout::new();
    let manifest = layout.json(digests()["artifact"].as_str().expect("a digest"));
    let layers = manifest["layers"].as_array().expect("layers");
    let kinds: Vec<_> = layers.iter().map(|layer| layer["mediaType"].as_str().expect("a kind")).collect();
    let expected =
        ["application/vnd.module.wasm.config.v1+json", "application/vnd.module.wasm.content.layer.v1+wasm"];
    assert_eq!(kinds, expected);
    let digests: Vec<_> = layers.iter().map(|layer| layer["digest"].as_str().expect("a digest")).collect();
    let description = json!({ "type": "envoy_proxy", "abiVersions": ["v0-0.2.1"],
        "config": { "rootIds": ["brownout"] } });
    assert_eq!(layout.json(digests[0]), description);
    assert_eq!(layout.blob(digests[1]), wasm());
}

#[test]
fn packing_twice_gives_the_same_bytes() {
    assert_eq!(Layout::new().files(), Layout::new().files());
}

#[test]
fn the_digests_are_printed_in_text_too() {
    let digests = digests();
    let line = |name: &str| format!("{name:<10}{}\n", digests[name].as_str().expect("a digest"));
    assert_eq!(digests["module"], sha256(&wasm()));
    let said = Said {
        code: Some(0),
        stdout: [line("module"), line("compat"), line("artifact")].concat(),
        stderr: String::new(),
    };
    assert_eq!(say(image(&[]), b""), said);
}

#[test]
fn a_registry_gives_back_what_was_pushed_in_either_form() {
    let registry = Registry::start();
    let layout = Layout::new();
    let digests = digests();
    for form in ["compat", "artifact"] {
        let reference = registry.reference(&format!("faults/brownout:{form}"));
        let said = say(image(&["--push", &reference, "--form", form, "--plain-http"]), b"");
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
        assert!(said.stdout.ends_with(&format!("pushed    {reference} ({form})\n")), "{}", said.stdout);
        let digest = digests[form].as_str().expect("a digest").to_owned();
        let bytes = layout.blob(&digest);
        let expected = Pulled { media_type: MANIFEST.into(), digest, bytes };
        assert_eq!(registry.manifest("faults/brownout", form), expected);
        assert_eq!(registry.manifest("faults/brownout", &expected.digest), expected);
        let manifest = layout.json(&expected.digest);
        let layers = manifest["layers"].as_array().expect("layers");
        for part in layers.iter().chain([&manifest["config"]]) {
            let digest = part["digest"].as_str().expect("a digest");
            assert_eq!(registry.blob("faults/brownout", digest).bytes, layout.blob(digest));
        }
    }
    // What is there already may be pushed again.
    let reference = registry.reference("faults/brownout:compat");
    let said = say(image(&["--push", &reference, "--plain-http"]), b"");
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_registry_that_wants_a_password_gets_it_from_standard_input_or_from_docker() {
    let registry = Registry::with_password();
    let reference = registry.reference("brownout:1");
    let push = ["--push", reference.as_str(), "--plain-http"];
    let user = [push.as_slice(), &["--username", "operator", "--password-stdin"]].concat();

    let nobody = say(image(&push), b"");
    assert_eq!(nobody.code, Some(2));
    assert!(
        nobody.stderr.starts_with(&format!("error: cannot push to `{reference}`: ")),
        "{}",
        nobody.stderr
    );
    let wrong = say(image(&user), b"guess\n");
    assert_eq!(wrong.code, Some(2));
    assert!(!wrong.stderr.contains("guess"), "{}", wrong.stderr);
    let right = say(image(&user), b"secret\n");
    assert_eq!((right.code, right.stderr.as_str()), (Some(0), ""));

    let docker = tempfile::tempdir().expect("a temporary directory");
    // `operator:secret` in base64, as `docker login` leaves it.
    let config = json!({ "auths": { registry.address.to_string(): { "auth": "b3BlcmF0b3I6c2VjcmV0" } } });
    fs::write(docker.path().join("config.json"), config.to_string()).expect("room on the disk");
    let mut known = image(&push);
    known.env("DOCKER_CONFIG", docker.path());
    let said = say(known, b"");
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_registry_that_is_not_there_is_named_with_the_reason() {
    let said = say(image(&["--push", "127.0.0.1:1/brownout:1", "--plain-http"]), b"");
    assert_eq!((said.code, said.stdout.as_str()), (Some(2), ""));
    assert!(said.stderr.starts_with("error: cannot push to `127.0.0.1:1/brownout:1`: "), "{}", said.stderr);
    assert!(said.stderr.contains("Connection refused"), "{}", said.stderr);
}

#[test]
fn what_is_no_module_is_not_packed_and_what_is_no_layout_is_not_written_over() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let text = folder.path().join("module.txt");
    fs::write(&text, "not wasm").expect("room on the disk");
    let mut command = brownout(&["image", "--module"]);
    command.arg(&text);
    let message = format!(
        "error: `{}` is not a Wasm module; remove `--module` and `BROWNOUT_MODULE` to use the built-in module\n",
        text.display()
    );
    assert_eq!(say(command, b""), Said { code: Some(2), stdout: String::new(), stderr: message });

    let path = folder.path().to_str().expect("a path in UTF-8");
    let message = format!(
        "error: `{path}` is not empty and not an OCI layout: choose another folder with `--layout`\n"
    );
    let said = Said { code: Some(2), stdout: String::new(), stderr: message };
    assert_eq!(say(image(&["--layout", path]), b""), said);
}
