//! The lints found so far.

use crate::decode::diagnostic::{Code, Diagnostic, Severity};
use crate::decode::path::{Path, Segment};
use crate::value::timestamp::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;

/// Everything that lints depend on besides the document.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// The current time. Without it, no rule is reported as expired.
    pub now: Option<Timestamp>,
    /// Stricter checks, as for production: every rule needs an end.
    pub strict: bool,
}

/// The lints found so far, and the current path in the document.
pub struct Lints {
    pub context: Context,
    path: Path,
    pub found: Vec<Diagnostic>,
}

impl Lints {
    pub fn new(context: Context) -> Self {
        Self { context, path: Path::default(), found: Vec::new() }
    }

    pub fn within(&mut self, segment: Segment, work: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        work(self);
        self.path.pop();
    }

    pub fn at(&mut self, field: &str, work: impl FnOnce(&mut Self)) {
        self.within(Segment::Field(field.into()), work);
    }

    pub fn say(&mut self, code: Code, message: &str, label: impl Into<String>, help: &str) {
        self.tell(Severity::Warning, code, message, label, help);
    }

    /// Adds an error that the module tolerates, so that documents already in force keep working.
    pub fn refuse(&mut self, code: Code, message: &str, label: impl Into<String>, help: &str) {
        self.tell(Severity::Error, code, message, label, help);
    }

    fn tell(&mut self, severity: Severity, code: Code, message: &str, label: impl Into<String>, help: &str) {
        self.found.push(Diagnostic {
            severity,
            code,
            path: self.path.clone(),
            position: None,
            message: message.into(),
            label: label.into(),
            help: (!help.is_empty()).then(|| help.into()),
        });
    }
}
