//! Warnings about what is legal in a document but probably not what its author wants. Not part of the Wasm module.
//!
//! Each lint is a [`Diagnostic`] with [`Severity::Warning`] and a code of its own; `docs/codes.md` has an example of each.
//! A lint must almost never be wrong: what is merely unusual is not reported.

mod cover;
mod fault;
mod matching;
mod order;
mod rule;

use crate::decode::diagnostic::{Code, Diagnostic, Severity};
use crate::decode::path::{Path, Segment};
use crate::document::mode::Mode;
use crate::document::rule::Rule;
use crate::limit::Limits;
use crate::plan::Plan;
use crate::value::timestamp::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use order::Order;

/// Everything that lints depend on besides the document.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context {
    /// The current time. Without it, no rule is reported as expired.
    pub now: Option<Timestamp>,
    /// Stricter checks, as for production: every rule needs an end.
    pub strict: bool,
}

/// Returns the lints for a document, in document order.
pub fn plan(plan: &Plan, context: Context) -> Vec<Diagnostic> {
    let mut lints = Lints::new(context);
    let document = plan.document();
    let limits = document.limits.as_ref();
    if let Some(limits) = limits {
        lints.at("limits", |lints| rule::limits(limits, lints));
    }
    lints.at("exclude", |lints| {
        for (index, predicate) in document.exclude.iter().flatten().enumerate() {
            lints.within(Segment::Index(index), |lints| matching::predicate(predicate, lints));
        }
    });
    lints.rules(plan.rules(), plan.mode(), limits);
    lints.found
}

/// Returns the lints for the rules of a route. The document that sets their mode and limits is not known here.
pub fn route(rules: &[Rule], context: Context) -> Vec<Diagnostic> {
    let mut lints = Lints::new(context);
    lints.rules(rules, Mode::Inject, None);
    lints.found
}

/// The lints found so far, and the current path in the document.
struct Lints {
    context: Context,
    path: Path,
    found: Vec<Diagnostic>,
}

impl Lints {
    fn new(context: Context) -> Self {
        Self { context, path: Path::default(), found: Vec::new() }
    }

    fn rules(&mut self, rules: &[Rule], mode: Mode, limits: Option<&Limits>) {
        let mut order = Order::new(mode);
        self.at("rules", |lints| {
            for (index, rule) in rules.iter().enumerate() {
                lints.within(Segment::Index(index), |lints| {
                    rule::rule(rule, mode, limits, lints);
                    order.next(index, rule, lints);
                });
            }
        });
    }

    fn within(&mut self, segment: Segment, work: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        work(self);
        self.path.pop();
    }

    fn at(&mut self, field: &str, work: impl FnOnce(&mut Self)) {
        self.within(Segment::Field(field.into()), work);
    }

    fn say(&mut self, code: Code, message: &str, label: impl Into<String>, help: &str) {
        self.tell(Severity::Warning, code, message, label, help);
    }

    /// Adds an error that the module tolerates, so that documents already in force keep working.
    fn refuse(&mut self, code: Code, message: &str, label: impl Into<String>, help: &str) {
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
