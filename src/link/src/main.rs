//! The last build steps: `brownout-link module LINKED MODULE` and `brownout-link command COMMAND MODULE WHOLE`.

use brownout_link::{OFFERED, embed, finish};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: brownout-link module LINKED MODULE
       brownout-link command COMMAND MODULE WHOLE";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["module", linked, module] => {
            read(linked).and_then(|linked| write(module, finish(&linked, &OFFERED)?))
        }
        ["command", command, module, whole] => command_with(command, module, whole),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("brownout-link: {message}");
            ExitCode::FAILURE
        }
    }
}

fn command_with(command: &str, module: &str, whole: &str) -> Result<(), String> {
    let bytes = embed(read(command)?, &read(module)?)?;
    // A command that is running cannot be written to, but another file can take its place.
    let new = format!("{whole}.new");
    write(&new, bytes)?;
    fs::set_permissions(&new, Permissions::from_mode(0o755))
        .and_then(|()| fs::rename(&new, whole))
        .map_err(|error| format!("cannot write `{whole}`: {error}"))
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read `{path}`: {error}"))
}

fn write(path: impl AsRef<Path>, bytes: Vec<u8>) -> Result<(), String> {
    let path = path.as_ref();
    fs::write(path, bytes).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
}
