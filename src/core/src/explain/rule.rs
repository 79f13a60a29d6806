//! Describes a rule in plain English.

use super::fault;
use super::matching::requests_of;
use crate::decode::Count;
use crate::document::mode::Mode;
use crate::document::rule::{Action, Outcome, Rule};
use crate::document::sample::{Key, Missing, Sample};
use crate::document::schedule::Schedule;
use crate::limit::Limits;
use crate::value::percent::FractionalPercent;
use crate::value::percent::WHOLE;
use crate::words::{anded, counted, length, percent, quoted};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Display;

/// Describes a rule: which requests and how many, what happens to them, when, within which limits, and in which mode.
/// Destructures every field, so that a new one cannot be forgotten here.
pub fn sentences(rule: &Rule, of_document: Mode) -> Vec<String> {
    let Rule { name: _, mode, matches: _, percentage: _, sample: _, schedule, limits: at_most, action } =
        rule;
    let mut sentences = Vec::new();
    sentences.extend(who(rule));
    match action {
        Action::Faults(faults) => sentences.extend(fault::sentences(faults)),
        Action::Outcomes(list) => sentences.extend(outcomes(list)),
    }
    sentences.extend(schedule.as_ref().and_then(when));
    let clauses = at_most.as_ref().map(limits).unwrap_or_default();
    if !clauses.is_empty() {
        sentences.push(format!("Limits: {}; requests over them pass untouched.", anded(&clauses)));
    }
    match mode {
        Some(Mode::Off) => sentences.push("The rule is switched off (`mode: off`).".into()),
        Some(Mode::Shadow) if of_document == Mode::Inject => {
            sentences.push("It only counts what it would do (`mode: shadow`).".into());
        }
        _ => {}
    }
    sentences
}

fn who(rule: &Rule) -> Vec<String> {
    let requests = requests_of(rule.matches.as_ref());
    let share = rule.percentage;
    if share.is_never() {
        return [format!("Takes none of the {requests}: the percentage is 0.")].into();
    }
    match &rule.sample {
        None if share.is_always() => [format!("Takes all {requests}.")].into(),
        None => {
            [format!("Takes {} of the {requests}, by chance for each.", percent(share.millionths()))].into()
        }
        Some(sample) => by_sample(rule, sample, &requests),
    }
}

fn by_sample(rule: &Rule, sample: &Sample, requests: &str) -> Vec<String> {
    let Sample { by, salt: _, missing, every, first, of } = sample;
    let share = percent(rule.percentage.millionths());
    if let Some(key) = by {
        let missing = match missing.unwrap_or_default() {
            Missing::Skip => "is not taken",
            Missing::Random => "is taken by chance",
        };
        return [
            format!("Takes the {requests}, for {share} of all values of their {}.", key_words(key)),
            format!(
                "A value is always in or always out, in every proxy (salt {}); a request without one {missing}.",
                quoted(rule.salt())
            ),
        ]
        .into();
    }
    let counted = match (every, first, of) {
        (Some(every), _, _) if every.get() == 1 => "each".into(),
        (Some(every), _, _) => format!("the first and then every {}", ordinal(every.get())),
        (None, Some(first), Some(of)) => format!("the first {} of each {}", first.get(), of.get()),
        (None, Some(first), None) => format!("only the first {}", first.get()),
        (None, None, _) => "each".into(),
    };
    let chance =
        if rule.percentage.is_always() { String::new() } else { format!(", and {share} of these by chance") };
    [format!("Takes {counted} of the {requests} since the document arrived{chance}.")].into()
}

fn ordinal(number: u64) -> String {
    let ending = match (number % 10, number % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// Describes the key of a sample: `header `x-user-id``.
pub fn key_words(key: &Key) -> String {
    match key {
        Key::Header(name) => format!("header {}", quoted(name.as_str())),
        Key::Cookie(name) => format!("cookie {}", quoted(name.as_str())),
        Key::QueryParameter(name) => format!("query parameter {}", quoted(name.as_str())),
        Key::SourceIp(_) => "source address".into(),
        Key::Principal(_) => "principal".into(),
        Key::Trace(_) => "trace id".into(),
    }
}

fn outcomes(list: &[Outcome]) -> Vec<String> {
    let each = list.iter().map(|outcome| {
        format!("{} {}", percent(outcome.percentage.millionths()), fault::clause(&outcome.faults))
    });
    let taken: u32 = list.iter().map(|outcome| outcome.percentage.millionths()).sum();
    let mut sentences = Vec::from([format!(
        "Of these, one draw picks at most one of {}:",
        counted(list.len() as u64, "outcome")
    )]);
    sentences.extend(each.map(|text| format!("- {text}")));
    let rest = WHOLE.saturating_sub(taken);
    if rest > 0 {
        sentences.push(format!("- {} pass untouched", percent(rest)));
    }
    sentences
}

fn when(schedule: &Schedule) -> Option<String> {
    let Schedule { not_before, not_after, ramp_up, on, off } = schedule;
    let origin = if not_before.is_some() { "that" } else { "the document has arrived" };
    let mut parts = Vec::new();
    parts.extend(not_before.map(|from| format!("from {from}")));
    parts.extend(not_after.map(|until| format!("until {until}")));
    if let (Some(on), Some(off)) = (on, off) {
        parts.push(format!("for {} at a time with pauses of {}", length(*on), length(*off)));
    }
    parts.extend(ramp_up.map(|ramp| format!("growing from 0 % within {} after {origin}", length(ramp))));
    (!parts.is_empty()).then(|| format!("Live {}.", parts.join(", ")))
}

/// Formats a percentage for a sentence: `12.5 %`.
pub fn share(percentage: FractionalPercent) -> String {
    percent(percentage.millionths())
}

/// Describes each limit as a clause. Destructures every field, so that a new one cannot be forgotten here.
pub fn limits(limits: &Limits) -> Vec<String> {
    let Limits { max_active_faults, max_faults, max_faults_per_second, max_percentage } = limits;
    let mut clauses = Vec::new();
    let mut clause = |limit: &Option<Count>, text: &dyn Fn(&dyn Display) -> String| {
        clauses.extend(limit.map(|Count(most)| text(&most)));
    };
    clause(max_active_faults, &|most| format!("at most {most} held at the same time"));
    clause(max_faults, &|most| format!("at most {most} faults in all"));
    clause(max_faults_per_second, &|most| format!("at most {most} faults a second"));
    clauses.extend(max_percentage.map(|most| format!("at most {most} % of all requests, over 10 seconds")));
    clauses
}
