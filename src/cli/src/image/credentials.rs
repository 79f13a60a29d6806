//! Registry credentials: from the command line, else from Docker's configuration.

use super::arguments::Arguments;
use crate::input;
use docker_credential::{CredentialRetrievalError, DockerCredential, get_credential_from_reader};
use oci_client::secrets::RegistryAuth;
use std::env;
use std::fs::File;
use std::io;
use std::path::PathBuf;

/// Docker's own name for its registry in its configuration.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// The message of Docker's credential helpers if they have no password.
const NOT_FOUND: &str = "credentials not found";

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot read the password from standard input: {0}")]
    Stdin(#[source] io::Error),
    #[error("cannot read `{path}`: {source}")]
    Unreadable { path: PathBuf, source: io::Error },
    #[error(
        "cannot get credentials for `{registry}` from `{path}`: {source}; use `--username` and `--password-stdin`"
    )]
    Docker { registry: String, path: PathBuf, source: CredentialRetrievalError },
    #[error(
        "Docker has an identity token for `{0}`, which is not supported: use `--username` and `--password-stdin`"
    )]
    Token(String),
}

/// The longest password or token, in bytes.
const LONGEST_PASSWORD: u64 = 1024 * 1024;

/// Returns the command line's user with the password from standard input, else Docker's credentials, else none.
pub(super) fn find(arguments: &Arguments, registry: &str) -> Result<RegistryAuth, Error> {
    match &arguments.username {
        Some(username) => given(username),
        None => known_to_docker(registry),
    }
}

fn given(username: &str) -> Result<RegistryAuth, Error> {
    let bytes = input::up_to(io::stdin().lock(), LONGEST_PASSWORD).map_err(Error::Stdin)?;
    let password = String::from_utf8(bytes).map_err(|error| Error::Stdin(io::Error::other(error)))?;
    Ok(RegistryAuth::Basic(username.into(), password.trim_end_matches(['\r', '\n']).into()))
}

fn known_to_docker(registry: &str) -> Result<RegistryAuth, Error> {
    let folder = env::var_os("DOCKER_CONFIG").map(PathBuf::from);
    let folder = folder.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".docker")));
    let Some(path) = folder.map(|folder| folder.join("config.json")) else {
        return Ok(RegistryAuth::Anonymous);
    };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(RegistryAuth::Anonymous),
        Err(source) => return Err(Error::Unreadable { path, source }),
    };
    let name = if matches!(registry, "docker.io" | "index.docker.io") { DOCKER_HUB } else { registry };
    match get_credential_from_reader(file, name) {
        Ok(DockerCredential::UsernamePassword(username, password)) => {
            Ok(RegistryAuth::Basic(username, password))
        }
        Ok(DockerCredential::IdentityToken(_)) => Err(Error::Token(registry.into())),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(RegistryAuth::Anonymous),
        Err(CredentialRetrievalError::HelperFailure { stdout, .. }) if stdout.contains(NOT_FOUND) => {
            Ok(RegistryAuth::Anonymous)
        }
        Err(source) => Err(Error::Docker { registry: registry.into(), path, source }),
    }
}
