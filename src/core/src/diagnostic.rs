//! What is wrong with a document, said so that its author can mend it.

use crate::path::Path;
use alloc::string::String;
use core::fmt;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document is legal, and probably not what its author wants.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// The kind of a mistake, under a name that stays the same from release to release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The text is not JSON.
    Syntax,
    /// The document came as another protobuf message than a `StringValue`.
    SentAsStruct,
    /// The document is longer than the limit.
    TooLong,
    /// A field that no document has.
    UnknownField,
    /// A field that the contract has and this release does not.
    NotSupported,
    /// The same field twice in one object.
    DuplicateField,
    /// A field that has to be there is not.
    MissingField,
    /// A value of the wrong JSON type.
    WrongType,
    /// A value of the right type that is not one of those possible.
    InvalidValue,
    /// A number or size outside its limits.
    OutOfRange,
    /// Fields that exclude each other, or none where one is needed.
    Conflict,
    /// There are more mistakes than are told.
    TooMany,
    /// A name that another rule has already.
    DuplicateName,
}

impl Code {
    /// The name, in the form in which it is printed and documented.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Syntax => "syntax",
            Self::SentAsStruct => "sent-as-struct",
            Self::TooLong => "too-long",
            Self::UnknownField => "unknown-field",
            Self::NotSupported => "not-supported",
            Self::DuplicateField => "duplicate-field",
            Self::MissingField => "missing-field",
            Self::WrongType => "wrong-type",
            Self::InvalidValue => "invalid-value",
            Self::OutOfRange => "out-of-range",
            Self::Conflict => "conflict",
            Self::TooMany => "too-many",
            Self::DuplicateName => "duplicate-name",
        }
    }
}

/// A place in the text, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in bytes.
    pub column: usize,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Which kind of mistake it is.
    pub code: Code,
    /// Where it stands.
    pub path: Path,
    /// Where it stands in the text, for mistakes that leave no value to point to.
    pub position: Option<Position>,
    /// What is wrong, in a few words: ``invalid percentage``.
    pub message: String,
    /// What was found and what was expected there. May be empty.
    pub label: String,
    /// The way out, where there is one.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    /// One line, as it stands in Envoy's log: path, message, label, help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)?;
        if !self.label.is_empty() {
            write!(f, ": {}", self.label)?;
        }
        if let Some(Position { line, column }) = self.position {
            write!(f, " (line {line}, column {column})")?;
        }
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}
