//! Pushes images to a registry.

use super::bundle::Image;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use oci_spec::image::MediaType;
use std::error::Error as _;
use std::io;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(60);

#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot start a client: {0}")]
    Client(#[source] io::Error),
    #[error("cannot push to `{reference}`: {}", said(.source))]
    Refused { reference: String, source: Box<OciDistributionError> },
}

/// Pushes an image: first the blobs, then the manifest under its tag.
///
/// # Errors
/// When the registry cannot be reached, rejects our credentials, or refuses something.
pub(super) fn push(
    image: &Image,
    to: &Reference,
    auth: &RegistryAuth,
    plain_http: bool,
) -> Result<(), Error> {
    // The client is built without a crypto provider, so it uses the one installed here. A second call changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Client)?;
    let pushed = runtime.block_on(upload(image, to, auth, plain_http));
    pushed.map_err(|source| Error::Refused { reference: to.to_string(), source: Box::new(source) })
}

async fn upload(
    image: &Image,
    to: &Reference,
    auth: &RegistryAuth,
    plain_http: bool,
) -> Result<(), OciDistributionError> {
    let client = Client::try_from(ClientConfig {
        protocol: if plain_http { ClientProtocol::Http } else { ClientProtocol::Https },
        // The module is a few hundred KiB: one request per blob is enough, and every registry supports it.
        use_monolithic_push: true,
        connect_timeout: Some(CONNECT),
        read_timeout: Some(SILENCE),
        user_agent: concat!("brownout/", env!("CARGO_PKG_VERSION")),
        ..ClientConfig::default()
    })?;
    client.auth(to, auth, RegistryOperation::Push).await?;
    for blob in image.blobs() {
        client.push_blob(to, blob.bytes.clone(), &blob.digest()).await?;
    }
    let kind = MediaType::ImageManifest.to_string().parse().expect("a media type is a header's value");
    client.push_manifest_raw(to, image.manifest().bytes.clone(), kind).await?;
    Ok(())
}

/// Formats the error with its causes, since only the last one says what happened on the network.
fn said(error: &OciDistributionError) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !said.contains(&next) {
            said = format!("{said}: {next}");
        }
        cause = error.source();
    }
    said
}
