//! A module packed as an image, reproducibly: the same module always gives the same bytes.

use flate2::{Compression, GzBuilder};
use oci_spec::image::{
    Arch, ConfigBuilder, Descriptor, HistoryBuilder, ImageConfiguration, ImageConfigurationBuilder,
    ImageManifest, ImageManifestBuilder, MediaType, Os, RootFs, RootFsBuilder, SCHEMA_VERSION, Sha256Digest,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;

/// The file that Istio's agent looks for in an image's last layer.
const FILE: &str = "plugin.wasm";
const EPOCH: &str = "1970-01-01T00:00:00Z";
const CONFIG_LAYER: &str = "application/vnd.module.wasm.config.v1+json";
const CONTENT_LAYER: &str = "application/vnd.module.wasm.content.layer.v1+wasm";
/// The first layer of an artifact, which describes the module as the specification of Wasm artifact images requires.
const DESCRIPTION: &str =
    r#"{"type":"envoy_proxy","abiVersions":["v0-0.2.1"],"config":{"rootIds":["brownout"]}}"#;

/// An image format that Istio's agent and Envoy Gateway accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// An image whose last layer is a tar archive with `plugin.wasm`, as `FROM scratch` and `COPY` would build.
    Compat,
    /// Two layers: a JSON description and the raw module.
    Artifact,
}

impl Form {
    pub const ALL: [Self; 2] = [Self::Compat, Self::Artifact];

    /// Returns the name of the form on the command line and in a layout.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Compat => "compat",
            Self::Artifact => "artifact",
        }
    }
}

/// Bytes that a registry stores under their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    pub bytes: Vec<u8>,
    /// Their SHA-256 in 64 hexadecimal digits.
    pub sha256: String,
}

impl Blob {
    fn new(bytes: Vec<u8>) -> Self {
        let sha256 = sha256(&bytes);
        Self { bytes, sha256 }
    }

    /// Returns the digest as registries write it: `sha256:` and the digits.
    pub fn digest(&self) -> String {
        format!("sha256:{}", self.sha256)
    }

    pub(super) fn described(&self, media_type: MediaType) -> Descriptor {
        let digest: Sha256Digest = self.sha256.parse().expect("a SHA-256 in hexadecimal digits");
        Descriptor::new(media_type, self.bytes.len() as u64, digest)
    }
}

/// An image of the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    form: Form,
    manifest: Blob,
    blobs: Vec<Blob>,
}

impl Image {
    /// Packs a module into an image of this form.
    pub fn new(form: Form, module: &[u8]) -> Self {
        match form {
            Form::Compat => Self::compat(module),
            Form::Artifact => Self::artifact(module),
        }
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// Returns the manifest, whose digest is that of the image.
    pub fn manifest(&self) -> &Blob {
        &self.manifest
    }

    /// Returns the blobs that the manifest refers to: the layers, then the image's configuration.
    pub fn blobs(&self) -> &[Blob] {
        &self.blobs
    }

    fn compat(module: &[u8]) -> Self {
        let archive = archive(module);
        let layer = Blob::new(compressed(&archive));
        let config = Blob::new(json(&configuration(&[&archive])));
        let layers = vec![layer.described(MediaType::ImageLayerGzip)];
        // Only one annotation: the map has a random order, so a second would make the bytes vary.
        let variant = HashMap::from([("module.wasm.image/variant".to_owned(), "compat".to_owned())]);
        let manifest = Blob::new(json(&manifest(&config, layers, Some(variant))));
        Self { form: Form::Compat, manifest, blobs: vec![layer, config] }
    }

    fn artifact(module: &[u8]) -> Self {
        let description = Blob::new(DESCRIPTION.into());
        let content = Blob::new(module.to_vec());
        let config = Blob::new(json(&configuration(&[&description.bytes, module])));
        let layers = vec![
            description.described(MediaType::Other(CONFIG_LAYER.into())),
            content.described(MediaType::Other(CONTENT_LAYER.into())),
        ];
        let manifest = Blob::new(json(&manifest(&config, layers, None)));
        Self { form: Form::Artifact, manifest, blobs: vec![description, content, config] }
    }
}

/// The SHA-256 of bytes in 64 hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn archive(module: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(module.len() as u64);
    header.set_mode(0o644);
    header.set_mtime(0);
    let mut archive = tar::Builder::new(Vec::new());
    let written = archive.append_data(&mut header, FILE, module).and_then(|()| archive.into_inner());
    written.expect("memory takes all that is written")
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    // 255: unknown operating system, so that the bytes do not depend on the build machine.
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    let written = encoder.write_all(bytes).and_then(|()| encoder.finish());
    written.expect("memory takes all that is written")
}

fn configuration(layers: &[&[u8]]) -> ImageConfiguration {
    let digests: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", sha256(layer))).collect();
    let root: RootFs = RootFsBuilder::default().typ("layers").diff_ids(digests).build().expect("all fields");
    let history =
        HistoryBuilder::default().created(EPOCH).created_by("brownout image").build().expect("all fields");
    ImageConfigurationBuilder::default()
        // Istio's agent picks this platform if there are several; the module itself runs anywhere.
        .architecture(Arch::Amd64)
        .os(Os::Linux)
        .config(ConfigBuilder::default().build().expect("all fields"))
        .rootfs(root)
        .history(vec![history; layers.len()])
        .build()
        .expect("all fields")
}

fn manifest(
    config: &Blob,
    layers: Vec<Descriptor>,
    annotations: Option<HashMap<String, String>>,
) -> ImageManifest {
    let mut manifest = ImageManifestBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageManifest)
        .config(config.described(MediaType::ImageConfig))
        .layers(layers)
        .build()
        .expect("all fields");
    manifest.set_annotations(annotations);
    manifest
}

pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_module_gives_the_same_images_on_every_machine_and_day() {
        let digests = Form::ALL.map(|form| Image::new(form, b"\0asm").manifest.digest());
        let compat = "sha256:adb84e9e15a181279ca2f423decad71cf2c6c0e263df8760214100416a812f52";
        let artifact = "sha256:ac7b741e2b6933a62b5eb825a4c8b73cff3c26c247d2f95150cf120491141088";
        assert_eq!(digests, [compat, artifact]);
    }
}
