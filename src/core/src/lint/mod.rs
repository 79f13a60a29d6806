//! Warnings about what is legal in a document but probably not what its author wants. Not part of the Wasm module.
//!
//! Each lint is a [`Diagnostic`] with the severity `Warning` and a code of its own; `docs/codes.md` has an example of each.
//! A lint must almost never be wrong: what is merely unusual is not reported.

mod cover;
mod fault;
mod lints;
mod matching;
mod order;
mod rule;

use crate::decode::diagnostic::Diagnostic;
use crate::decode::path::Segment;
use crate::document::mode::Mode;
use crate::document::rule::Rule;
use crate::limit::Limits;
use crate::plan::Plan;
use alloc::vec::Vec;
pub use lints::Context;
use lints::Lints;
use order::Order;

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
    self::rules(plan.rules(), plan.mode(), limits, &mut lints);
    lints.found
}

/// Returns the lints for the rules of a route. The document that sets their mode and limits is not known here.
pub fn route(rules: &[Rule], context: Context) -> Vec<Diagnostic> {
    let mut lints = Lints::new(context);
    self::rules(rules, Mode::Inject, None, &mut lints);
    lints.found
}

fn rules(rules: &[Rule], mode: Mode, limits: Option<&Limits>, lints: &mut Lints) {
    let mut order = Order::new(mode);
    lints.at("rules", |lints| {
        for (index, rule) in rules.iter().enumerate() {
            lints.within(Segment::Index(index), |lints| {
                rule::rule(rule, mode, limits, lints);
                order.next(index, rule, lints);
            });
        }
    });
}
