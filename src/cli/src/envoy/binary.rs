//! One Envoy binary: its version, and whether it can run the module.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The oldest Envoy whose Wasm host the module is built for.
const OLDEST: [u32; 2] = [1, 36];
const PROBE: &str = include_str!("probe.yaml");

/// An Envoy that can run the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    pub path: PathBuf,
    /// The version number, such as `1.40.0`.
    pub version: String,
}

/// Why an executable is not an Envoy that can run the module.
#[derive(Debug, thiserror::Error)]
pub enum Unsuitable {
    #[error("cannot run `{path}`: {source}")]
    Run { path: PathBuf, source: io::Error },
    /// It does not answer `--version` as Envoy does.
    #[error("`{path}` is not Envoy: `--version` does not print Envoy's version")]
    NotEnvoy { path: PathBuf },
    /// It is older than 1.36.
    #[error("`{path}` is Envoy {version}, and the module needs 1.36 or newer")]
    TooOld { path: PathBuf, version: String },
    /// It is built without a Wasm runtime, or without V8.
    #[error("`{path}` (Envoy {version}) is built without V8 and cannot run Wasm modules")]
    NoV8 { path: PathBuf, version: String },
}

impl Executable {
    /// Checks the version of an executable and that it can load a tiny Wasm module. Takes about a tenth of a second.
    ///
    /// # Errors
    /// When a requirement is not met.
    pub fn inspect(path: &Path) -> Result<Self, Unsuitable> {
        let version = version(path)?;
        if number(&version).is_none_or(|number| number < OLDEST) {
            return Err(Unsuitable::TooOld { path: path.into(), version });
        }
        if !runs_wasm(path)? {
            return Err(Unsuitable::NoV8 { path: path.into(), version });
        }
        Ok(Self { path: path.into(), version })
    }
}

/// Returns the version that the executable reports.
pub(super) fn version(path: &Path) -> Result<String, Unsuitable> {
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Unsuitable::Run { path: path.into(), source })?;
    parse(&String::from_utf8_lossy(&output.stdout)).ok_or_else(|| Unsuitable::NotEnvoy { path: path.into() })
}

/// Parses the version from what Envoy prints: `envoy  version: <commit>/<version>/<tree>/<build>/<TLS library>`.
fn parse(output: &str) -> Option<String> {
    let (_, build) = output.split_once("version: ")?;
    let version = build.split('/').nth(1)?;
    number(version)?;
    Some(version.to_owned())
}

fn number(version: &str) -> Option<[u32; 2]> {
    let mut parts = version.split('.');
    Some([parts.next()?.parse().ok()?, parts.next()?.parse().ok()?])
}

fn runs_wasm(path: &Path) -> Result<bool, Unsuitable> {
    let status = Command::new(path)
        .args(["--mode", "validate", "--log-level", "off", "--config-yaml", PROBE])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|source| Unsuitable::Run { path: path.into(), source })?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::{number, parse};

    #[test]
    fn the_version_is_the_second_part_of_what_envoy_prints() {
        let printed = "\n/opt/envoy  version: 9e5580933739775e8bce/1.40.0/Clean/RELEASE/BoringSSL\n\n";
        assert_eq!(parse(printed), Some("1.40.0".to_owned()));
    }

    #[test]
    fn a_development_build_has_a_number_too() {
        assert_eq!(number("1.41.0-dev"), Some([1, 41]));
    }

    #[test]
    fn what_other_programs_print_is_no_version() {
        assert_eq!(parse("curl 8.5.0 (x86_64-pc-linux-gnu)"), None);
        assert_eq!(parse("tool version: abc/def/ghi"), None);
    }
}
