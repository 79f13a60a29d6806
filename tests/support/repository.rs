//! Paths in this repository, and the seed of generated cases.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The root of the checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests lie in the checkout")
}

/// The module that the suites load into Envoy: `BROWNOUT_MODULE`, else `dist/brownout.wasm`.
///
/// # Panics
/// When it has not been built.
pub fn module() -> PathBuf {
    let path = std::env::var_os("BROWNOUT_MODULE")
        .map_or_else(|| root().join("dist/brownout.wasm"), |given| root().join(given));
    assert!(path.is_file(), "no module at {}: run `make wasm`", path.display());
    path
}

/// The directory of the scenario files.
pub fn scenarios() -> PathBuf {
    root().join("tests/scenarios")
}

/// Returns the path of a program on PATH, or one that `scripts/debian` unpacks from a Debian package.
///
/// # Panics
/// When it is neither on PATH nor available as a package.
pub fn debian(package: &str, program: &str) -> PathBuf {
    let found =
        Command::new(root().join("scripts/debian")).args([package, program]).output().expect("a shell");
    let reason = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "no {program}: run `scripts/debian {package} {program}`: {reason}");
    String::from_utf8(found.stdout).expect("a path in UTF-8").trim().into()
}

/// Returns the seed of what is generated: `BROWNOUT_SEED`, or one made from the commit's hash, so that each commit tries
/// other cases and a failure can be repeated. Without git, it is 0.
///
/// # Panics
/// When `BROWNOUT_SEED` is not a number.
pub fn seed() -> u64 {
    if let Ok(seed) = std::env::var("BROWNOUT_SEED") {
        return seed.parse().expect("BROWNOUT_SEED is a number");
    }
    let git = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(root()).output();
    let hash = git.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    hash.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or(0)
}
