//! Images in a folder: the OCI image layout.

use super::Error;
use super::bundle::{Image, json};
use oci_spec::image::{Descriptor, ImageIndexBuilder, MediaType, OciLayoutBuilder, SCHEMA_VERSION};
use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// The annotation by which tools find an image in a layout.
const NAME: &str = "org.opencontainers.image.ref.name";
const MARKER: &str = "oci-layout";

/// Writes the images to a folder that is missing, empty, or already a layout, whose index is then replaced.
///
/// # Errors
/// When the folder holds something else, or cannot be written.
pub(super) fn write(folder: &Path, images: &[Image]) -> Result<(), Error> {
    if !folder.join(MARKER).is_file()
        && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
    {
        return Err(Error::Occupied(folder.into()));
    }
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).map_err(|source| Error::Unwritable { path: blobs.clone(), source })?;
    for blob in images.iter().flat_map(|image| image.blobs().iter().chain([image.manifest()])) {
        put(&blobs.join(&blob.sha256), &blob.bytes)?;
    }
    let index = ImageIndexBuilder::default()
        .schema_version(SCHEMA_VERSION)
        .media_type(MediaType::ImageIndex)
        .manifests(images.iter().map(named).collect::<Vec<_>>())
        .build()
        .expect("all fields");
    put(&folder.join("index.json"), &json(&index))?;
    let marker = OciLayoutBuilder::default().image_layout_version("1.0.0").build().expect("all fields");
    put(&folder.join(MARKER), &json(&marker))
}

fn named(image: &Image) -> Descriptor {
    let mut descriptor = image.manifest().described(MediaType::ImageManifest);
    descriptor.set_annotations(Some(HashMap::from([(NAME.to_owned(), image.form().name().to_owned())])));
    descriptor
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|source| Error::Unwritable { path: path.into(), source })
}
