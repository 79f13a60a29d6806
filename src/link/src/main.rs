//! `brownout-link LINKED MODULE`: the last step of building the module.

use brownout_link::{OFFERED, finish};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(linked), Some(module), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        eprintln!("usage: brownout-link LINKED MODULE");
        return ExitCode::from(2);
    };
    let read = std::fs::read(&linked).map_err(|error| format!("`{linked}` cannot be read: {error}"));
    let written = read.and_then(|bytes| finish(&bytes, &OFFERED)).and_then(|bytes| {
        std::fs::write(&module, bytes).map_err(|error| format!("`{module}` cannot be written: {error}"))
    });
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("brownout-link: {message}");
            ExitCode::FAILURE
        }
    }
}
