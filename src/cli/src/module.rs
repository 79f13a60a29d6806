//! The Wasm module: the one that the user names, the built-in one, or one that was built here.

use crate::input;
use std::env;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The path of the module that `make wasm` builds.
const BUILT: &str = "dist/brownout.wasm";
/// The last bytes of a command with a built-in module, after the module and its length: see `brownout_link::embed`.
const MARK: &[u8; 8] = b"BROWNOUT";
/// The first bytes of every WebAssembly module.
const MAGIC: &[u8] = b"\0asm";

/// Why there is no module.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The one that the user named cannot be read.
    #[error(
        "cannot read the module `{}`: {source}; remove `--module` and `BROWNOUT_MODULE` to use the built-in module",
        .path.display()
    )]
    Unreadable { path: PathBuf, source: io::Error },
    /// The file that the user named is not a module.
    #[error(
        "`{}` is not a Wasm module; remove `--module` and `BROWNOUT_MODULE` to use the built-in module",
        .0.display()
    )]
    NotWasm(PathBuf),
    #[error(
        "this command has no built-in module, and there is no `{BUILT}` here: run `make build`, or set `--module` or \
         `BROWNOUT_MODULE` to a module"
    )]
    Nowhere,
}

/// The bytes of a module.
#[derive(Debug)]
pub struct Module {
    /// The path that the module was read from, or `built-in`.
    pub origin: String,
    pub bytes: Vec<u8>,
}

/// Returns the module that the user named, else the built-in one, else the one that `make wasm` built here.
///
/// # Errors
/// When there is none; the message says what to do.
pub fn find(named: Option<&Path>) -> Result<Module, Error> {
    if let Some(path) = named {
        return read(path);
    }
    let inside =
        env::current_exe().and_then(File::open).ok().and_then(|command| inside(command).ok().flatten());
    match inside {
        Some(bytes) => Ok(Module { origin: "built-in".into(), bytes }),
        None if Path::new(BUILT).is_file() => read(Path::new(BUILT)),
        None => Err(Error::Nowhere),
    }
}

fn read(path: &Path) -> Result<Module, Error> {
    let bytes = input::file(path).map_err(|source| Error::Unreadable { path: path.into(), source })?;
    if !bytes.starts_with(MAGIC) {
        return Err(Error::NotWasm(path.into()));
    }
    Ok(Module { origin: path.display().to_string(), bytes })
}

/// Returns the module at the end of an executable, if it has one.
fn inside(mut command: impl Read + Seek) -> io::Result<Option<Vec<u8>>> {
    let mut end = [0; 16];
    let tail = command.seek(SeekFrom::End(-16))?;
    command.read_exact(&mut end)?;
    let (length, mark) = end.split_at(8);
    let length = length.try_into().map_or(0, u64::from_le_bytes);
    if mark != MARK || length > tail {
        return Ok(None);
    }
    command.seek(SeekFrom::Start(tail - length))?;
    let mut bytes = Vec::new();
    command.take(length).read_to_end(&mut bytes)?;
    Ok(bytes.starts_with(MAGIC).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::inside;
    use std::io::Cursor;

    fn found(command: &[u8]) -> Option<Vec<u8>> {
        inside(Cursor::new(command)).ok().flatten()
    }

    #[test]
    fn the_module_is_found_at_the_end_of_the_command() {
        assert_eq!(found(b"\x7fELF...\0asm!\x05\0\0\0\0\0\0\0BROWNOUT").as_deref(), Some(&b"\0asm!"[..]));
    }

    #[test]
    fn a_command_without_one_or_with_a_wrong_length_has_none() {
        assert_eq!(found(b"\x7fELF"), None);
        assert_eq!(found(b"\x7fELF................"), None);
        assert_eq!(found(b"\x7fELF\0asm!\xff\0\0\0\0\0\0\0BROWNOUT"), None);
        assert_eq!(found(b"\x7fELF\0asm!\x04\0\0\0\0\0\0\0BROWNOUT"), None);
    }
}
