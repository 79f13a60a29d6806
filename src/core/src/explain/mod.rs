//! Describes a document in plain English, and traces what it does to one request.
//!
//! The sentences are made from the decoded document, and a [`trace::Trace`] calls the same functions as the engine, so
//! the description matches what happens. Nothing in the Wasm module calls this, so the linker drops it.

pub mod fault;
pub mod matching;
pub mod rule;
mod seen;
pub mod trace;

pub use seen::shown;
pub use trace::Trace;

use crate::document::mode::{Mode, Placement};
use crate::document::{Document, Experiment, Report};
use crate::plan::Plan;
use crate::stop::StopWhen;
use crate::words::{anded, counted, length};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use rule::limits;

/// The description of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleSentences {
    pub name: String,
    /// The sentences, in reading order: which requests and how many, what happens, when, within which limits.
    pub sentences: Vec<String>,
}

/// The description of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentences {
    /// Sentences about the experiment, the mode and the order of rules.
    pub first: Vec<String>,
    pub rules: Vec<RuleSentences>,
    /// Sentences about limits, exclusions and other settings for all rules together.
    pub last: Vec<String>,
}

/// Describes a document in plain English.
pub fn document(plan: &Plan) -> Sentences {
    let document = plan.document();
    let rules = plan.rules().iter().map(|rule| RuleSentences {
        name: rule.name.as_str().into(),
        sentences: rule::sentences(rule, plan.mode()),
    });
    Sentences { first: first(document, plan), rules: rules.collect(), last: last(document, plan) }
}

fn first(document: &Document, plan: &Plan) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(experiment) = &document.experiment {
        let Experiment { id, owner, reason } = experiment;
        let id = id.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        let owner = owner.as_ref().map(|owner| format!(" of {owner}")).unwrap_or_default();
        let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        sentences.push(format!("Experiment{id}{owner}{reason}."));
    }
    match plan.mode() {
        Mode::Inject => {}
        Mode::Shadow => {
            sentences
                .push("Nothing is injected: the mode is `shadow`, which only counts what would be.".into());
        }
        Mode::Off => sentences.push("Nothing happens: the mode is `off`.".into()),
    }
    match plan.rules().len() {
        0 => sentences.push("It has no rules and does nothing.".into()),
        1 => {}
        _ => sentences.push(
            "The rules are tried in order, and only the first one that takes a request applies to it.".into(),
        ),
    }
    sentences
}

/// Destructures every field of a document, so that a new one cannot be forgotten here.
fn last(document: &Document, plan: &Plan) -> Vec<String> {
    let Document {
        mode: _,
        experiment: _,
        rules: _,
        exclude,
        limits: all,
        stop_when,
        per_route,
        report,
        placement,
    } = document;
    let mut sentences = Vec::new();
    if let Some(all) = all {
        let parts = limits(all);
        if !parts.is_empty() {
            sentences.push(format!("All rules together: {}.", anded(&parts)));
        }
    }
    sentences.extend(stop_when.as_ref().map(stops));
    if *placement == Some(Placement::Upstream) {
        sentences.push(
            "It runs after the router: it sees each attempt, and an abort replaces the backend's response."
                .into(),
        );
    }
    if *per_route == Some(true) {
        sentences.push(
            "Rules in the metadata of a request's route, or else of its virtual host, replace these for that request."
                .into(),
        );
    }
    match exclude {
        None => sentences.push("Health probes are never touched (the default `exclude`).".into()),
        Some(none) if none.is_empty() => {
            sentences.push("No request is excluded: health probes can be touched too.".into());
        }
        Some(_) => {
            let all: Vec<String> = plan.exclusions().iter().map(matching::requests).collect();
            sentences.push(format!("Never touched: {}.", all.join("; ")));
        }
    }
    if let Some(Report { response_header, filter_state }) = report {
        if *response_header == Some(false) {
            sentences.push("Responses carry no `x-brownout` header.".into());
        }
        if *filter_state == Some(false) {
            sentences.push("Filter state for access logs is not set.".into());
        }
    }
    sentences
}

fn stops(when: &StopWhen) -> String {
    let StopWhen { error_percentage, window, min_requests } = when;
    format!(
        "Injection stops, until another document arrives, once {error_percentage} % of at least {} within {} that \
         got no fault have failed (5xx, an equivalent gRPC error, or a reset).",
        counted(min_requests.0, "request"),
        length(*window)
    )
}
