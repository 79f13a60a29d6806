//! What is wrong with a document, said so that its author can mend it.

use crate::decode::path::Path;
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

macro_rules! codes {
    ($($(#[$doc:meta])+ $Code:ident $name:literal;)+) => {
        /// The kind of a mistake, or of a legal thing that is probably wrong, under a name that stays the same from release
        /// to release. `docs/codes.md` has an example of each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $($(#[$doc])+ $Code,)+
        }

        impl Code {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$Code),+];

            /// The name, in the form in which it is printed and documented.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$Code => $name,)+ }
            }
        }
    };
}

codes! {
    /// The text is not JSON.
    Syntax "syntax";
    /// The document came as another protobuf message than a `StringValue`.
    SentAsStruct "sent-as-struct";
    /// The document is longer than the limit.
    TooLong "too-long";
    /// A field that no document has.
    UnknownField "unknown-field";
    /// A field that the contract has and this release does not.
    NotSupported "not-supported";
    /// The same field twice in one object.
    DuplicateField "duplicate-field";
    /// A field that has to be there is not.
    MissingField "missing-field";
    /// A value of the wrong JSON type.
    WrongType "wrong-type";
    /// A value of the right type that is not one of those possible.
    InvalidValue "invalid-value";
    /// A number or size outside its limits.
    OutOfRange "out-of-range";
    /// Fields that exclude each other, or none where one is needed.
    Conflict "conflict";
    /// There are more mistakes than are told.
    TooMany "too-many";
    /// A name that another rule has already.
    DuplicateName "duplicate-name";
    /// A manifest without a document in it.
    NoDocument "no-document";
    /// A manifest that does not let requests pass when the module fails.
    FailClosed "fail-closed";
    /// A filter behind the router, which ends the chain.
    FilterAfterRouter "filter-after-router";
    /// A plugin for a workload that stands before its own calls, too.
    BothDirections "both-directions";
    /// A module's file where nothing lets requests pass if it is missing.
    ModuleFile "module-file";
    /// Rules of routes that nothing reads.
    PerRouteOff "per-route-off";
    /// A rule behind one that takes every request that it is about.
    UnreachableRule "unreachable-rule";
    /// A percentage of 0, or a limit of 0.
    NeverFires "never-fires";
    /// A condition that no request fulfils.
    NeverMatches "never-matches";
    /// An inverted header matcher that a missing header does not fulfil.
    InvertedMissing "inverted-missing";
    /// The same condition twice in a list.
    Repeated "repeated";
    /// A gRPC status where requests are not gRPC, or may not be.
    GrpcStatusWithoutGrpc "grpc-status-without-grpc";
    /// An HTTP status for requests that are gRPC.
    HttpStatusForGrpc "http-status-for-grpc";
    /// A rule whose end is past.
    Expired "expired";
    /// A rule without an end, in a document for production.
    NoEnd "no-end";
    /// A rule's limit above the document's.
    LimitWithoutEffect "limit-without-effect";
    /// A limit on the share of requests below what a rule asks.
    LimitBelowShare "limit-below-share";
    /// A delay longer than what callers mostly wait for.
    LongDelay "long-delay";
    /// A hang without a limit on how many.
    UnlimitedHang "unlimited-hang";
    /// A rule that does something to every request.
    Everything "everything";
    /// A rule's mode that goes further than the document's.
    ModeWithoutEffect "mode-without-effect";
    /// A header of a reply that says how it went.
    ReservedHeader "reserved-header";
    /// Headers of a reply that no client takes.
    HeadersTooLong "headers-too-long";
    /// A body for a status that has none.
    BodyNeverSent "body-never-sent";
    /// A gRPC message that is longer than what is sent of it.
    GrpcMessageCut "grpc-message-cut";
    /// A `sample` that chooses everything.
    SampleOfAll "sample-of-all";
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
