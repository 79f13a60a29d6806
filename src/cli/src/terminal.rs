//! How the commands speak and end: data goes to standard output, all else to standard error.

use crate::document::{DocumentFile, Mistake};
use crate::report;
use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Why a command does not end well. By then, it has said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A document is wrong, or a check has failed.
    Failed,
    /// Wrong usage, or something cannot be read, written or started.
    Unusable,
    /// For a reason that only this command has.
    With(u8),
}

/// How a command ends: well, or not.
pub type Done = Result<(), Ended>;

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Failed => 1,
            Ended::Unusable => 2,
            Ended::With(code) => code,
        })
    }
}

/// The exit code of a command.
pub fn exit_code(done: Done) -> ExitCode {
    done.map_or_else(ExitCode::from, |()| ExitCode::SUCCESS)
}

/// Says that the command cannot do what it is asked for.
pub fn unusable(error: impl Display) -> Ended {
    anstream::eprintln!("error: {error}");
    Ended::Unusable
}

/// Opens a file, or says why it cannot be read.
///
/// # Errors
/// It cannot be read.
pub fn open(path: &Path) -> Result<DocumentFile, Ended> {
    DocumentFile::open(path).map_err(|(name, error)| unusable(format_args!("cannot read `{name}`: {error}")))
}

/// Says what is wrong with a file.
pub fn mistaken(file: &DocumentFile, mistakes: &[Mistake]) -> Ended {
    anstream::eprint!("{}", report::text(file, mistakes));
    anstream::eprintln!("{}: {}", file.name(), counted(mistakes.len(), "mistake"));
    Ended::Failed
}

/// Prints data. Whoever reads it may go away in the middle, as `head` does.
pub fn print(text: impl Display) {
    let _ = write!(anstream::stdout(), "{text}");
}

/// `1 rule`, `3 rules`.
pub fn counted(number: impl TryInto<u64>, singular: &str) -> String {
    brownout_core::words::counted(number.try_into().unwrap_or(u64::MAX), singular)
}
