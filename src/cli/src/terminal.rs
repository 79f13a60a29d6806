//! Output and exit codes of the commands: data goes to standard output, everything else to standard error.

use crate::document::{DocumentFile, Mistake};
use crate::report;
use std::fmt::Display;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// Why a command failed. By then, it has printed the reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// A document is wrong, or a check has failed.
    Failed,
    /// Wrong usage, or something cannot be read, written or started.
    Unusable,
    /// Another exit code, for a reason specific to the command.
    With(u8),
}

/// The outcome of a command.
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

/// Returns the exit code of a command.
pub fn exit_code(done: Done) -> ExitCode {
    done.map_or_else(ExitCode::from, |()| ExitCode::SUCCESS)
}

/// Escapes control characters: a terminal would obey them, wherever they come from. Keeps line feeds and tabs.
pub fn harmless(text: &str) -> String {
    let escaped = |character: char| match character.is_control() && !matches!(character, '\n' | '\t') {
        true => character.escape_debug().to_string(),
        false => character.to_string(),
    };
    text.chars().map(escaped).collect()
}

/// Formats an error as all commands print it.
pub fn as_error(error: impl Display) -> String {
    format!("error: {}", harmless(&error.to_string()))
}

/// Prints an error.
pub fn complain(error: impl Display) {
    anstream::eprintln!("{}", as_error(error));
}

/// Prints a line that is not data.
pub fn say(line: impl Display) {
    anstream::eprintln!("{line}");
}

/// Prints something that the user should probably change.
pub fn warn(warning: impl Display) {
    say(format_args!("warning: {}", harmless(&warning.to_string())));
}

/// Prints something that the user should know.
pub fn note(note: impl Display) {
    say(format_args!("note: {}", harmless(&note.to_string())));
}

/// Prints the mistakes and warnings of a file, with their source lines.
pub fn show(file: &DocumentFile, mistakes: &[Mistake]) {
    anstream::eprint!("{}", report::text(file, mistakes));
}

/// Prints an error that keeps the command from doing its work.
pub fn unusable(error: impl Display) -> Ended {
    complain(error);
    Ended::Unusable
}

/// Prints what is wrong with the input, or which check has failed.
pub fn failed(error: impl Display) -> Ended {
    complain(error);
    Ended::Failed
}

/// Ends the process at once, as a shell reports a process that a signal has killed.
pub fn leave(signal: i32) -> ! {
    std::process::exit(128 + signal)
}

/// Opens a file, or prints why it cannot be read.
///
/// # Errors
/// When the file cannot be read.
pub fn open(path: &Path) -> Result<DocumentFile, Ended> {
    DocumentFile::open(path).map_err(|(name, error)| unusable(format_args!("cannot read `{name}`: {error}")))
}

/// Prints the mistakes of a file.
pub fn mistaken(file: &DocumentFile, mistakes: &[Mistake]) -> Ended {
    show(file, mistakes);
    say(format_args!("{}: {}", file.name(), counted(mistakes.len(), "mistake")));
    Ended::Failed
}

/// Prints data. Ignores errors, since the reader may close the pipe early, as `head` does.
pub fn print(text: impl Display) {
    let _ = write!(anstream::stdout(), "{text}");
}

/// Formats a count: `1 rule`, `3 rules`.
pub fn counted(number: impl TryInto<u64>, singular: &str) -> String {
    brownout_core::words::counted(number.try_into().unwrap_or(u64::MAX), singular)
}
