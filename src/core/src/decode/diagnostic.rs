//! Diagnostics: what is wrong with a document, in terms that let its author fix it.

use crate::decode::path::Path;
use alloc::string::String;
use core::fmt;

/// The severity of a diagnostic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The document is refused.
    Error,
    /// The document is valid, but probably not what its author wants.
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

macro_rules! codes {
    ($($(#[$doc:meta])+ $Code:ident $name:literal;)+) => {
        /// The code of a mistake or a warning. Its name stays the same from release to release. `docs/codes.md` has an
        /// example of each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])+ $Code,)+
        }

        impl Code {
            pub const ALL: &'static [Self] = &[$(Self::$Code),+];

            /// Returns the name, as it is printed and documented.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$Code => $name,)+ }
            }
        }
    };
}

codes! {
    /// The text is not JSON.
    Syntax "syntax";
    /// The document was sent as a protobuf message other than a `StringValue`.
    SentAsStruct "sent-as-struct";
    /// The document is longer than the limit.
    TooLong "too-long";
    /// A field that does not exist.
    UnknownField "unknown-field";
    /// A field that is planned but not supported by this release.
    NotSupported "not-supported";
    /// The same field twice in one object.
    DuplicateField "duplicate-field";
    /// A required field is missing.
    MissingField "missing-field";
    /// A value of the wrong JSON type.
    WrongType "wrong-type";
    /// A value of the right type that is not an allowed value.
    InvalidValue "invalid-value";
    /// A number or size outside its limits.
    OutOfRange "out-of-range";
    /// Mutually exclusive fields, or none where one is required.
    Conflict "conflict";
    /// There are more mistakes than are reported.
    TooMany "too-many";
    /// A name that another rule already has.
    DuplicateName "duplicate-name";
    /// A manifest without a document in it.
    NoDocument "no-document";
    /// A manifest that does not let requests pass when the module fails.
    FailClosed "fail-closed";
    /// A filter behind the router, which ends the chain.
    FilterAfterRouter "filter-after-router";
    /// A plugin for a workload that also applies to the workload's own outbound calls.
    BothDirections "both-directions";
    /// A module file in a place where requests fail if the file is missing.
    ModuleFile "module-file";
    /// Route rules that nothing reads.
    PerRouteOff "per-route-off";
    /// A rule after one that takes every request that it matches.
    UnreachableRule "unreachable-rule";
    /// A percentage of 0, or a limit of 0.
    NeverFires "never-fires";
    /// A condition that no request can meet.
    NeverMatches "never-matches";
    /// An inverted header matcher, which a missing header does not match.
    InvertedMissing "inverted-missing";
    /// The same condition twice in a list.
    Repeated "repeated";
    /// A gRPC status for requests that are not, or might not be, gRPC.
    GrpcStatusWithoutGrpc "grpc-status-without-grpc";
    /// An HTTP status for requests that are gRPC.
    HttpStatusForGrpc "http-status-for-grpc";
    /// A rule whose end time has passed.
    Expired "expired";
    /// A rule without an end time, in a document for production.
    NoEnd "no-end";
    /// A rule's limit that is above the document's.
    LimitWithoutEffect "limit-without-effect";
    /// A limit on the share of requests that is below the rule's percentage.
    LimitBelowShare "limit-below-share";
    /// A delay longer than most callers wait.
    LongDelay "long-delay";
    /// A hang without a limit on the number of hanging requests.
    UnlimitedHang "unlimited-hang";
    /// A rule that affects every request.
    Everything "everything";
    /// A rule's mode that goes further than the document's.
    ModeWithoutEffect "mode-without-effect";
    /// A reply header that reports the outcome of the call.
    ReservedHeader "reserved-header";
    /// Reply headers that are too long for clients to accept.
    HeadersTooLong "headers-too-long";
    /// A body for a status that does not allow one.
    BodyNeverSent "body-never-sent";
    /// A gRPC message that is longer than the limit, and is sent truncated.
    GrpcMessageCut "grpc-message-cut";
    /// A `sample` that chooses everything.
    SampleOfAll "sample-of-all";
}

/// A position in the text; line and column start at 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    /// The column, in bytes.
    pub column: usize,
}

/// A mistake or a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    pub severity: Severity,
    pub code: Code,
    /// The path in the document.
    pub path: Path,
    /// The position in the text, for mistakes that leave no value to point at.
    pub position: Option<Position>,
    /// A few words on what is wrong: ``invalid percentage``.
    pub message: String,
    /// The details: what was found there and what was expected. May be empty.
    pub label: String,
    /// A hint on how to fix it, if there is one.
    pub help: Option<String>,
}

impl fmt::Display for Diagnostic {
    /// Formats it as one line, as in Envoy's log: path, message, label, help.
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
