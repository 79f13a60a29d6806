//! Where the module is.

use std::env;
use std::path::{Path, PathBuf};

const FILE: &str = "brownout.wasm";

/// There is no module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The one that the user named is not there.
    #[error("no module at `{}`: build it with `make wasm`, or name another with `--module` or `BROWNOUT_MODULE`", .0.display())]
    Named(PathBuf),
    /// None is in the usual places.
    #[error(
        "no module: neither `{FILE}` beside this command nor `dist/{FILE}` here; build it with `make wasm`, or name it \
         with `--module` or `BROWNOUT_MODULE`"
    )]
    Nowhere,
}

/// The module: the one named; else beside this executable; else in `dist` of the current folder. Absolute, since Envoy
/// gets to read it.
///
/// # Errors
/// When there is none; says how to build it.
pub fn find(named: Option<&Path>) -> Result<PathBuf, Error> {
    if let Some(path) = named {
        return existing(path).ok_or_else(|| Error::Named(path.into()));
    }
    let executable = env::current_exe().ok();
    let beside = executable.as_deref().and_then(Path::parent).map(|folder| folder.join(FILE));
    let built = Path::new("dist").join(FILE);
    beside.as_deref().and_then(existing).or_else(|| existing(&built)).ok_or(Error::Nowhere)
}

fn existing(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|path| path.is_file())
}
