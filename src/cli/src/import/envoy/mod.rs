//! Envoy's own fault filter, `envoy.filters.http.fault`.
//!
//! An `HTTPFault` becomes one rule that takes every matching request and draws for each fault independently. In a whole
//! configuration, the most specific `HTTPFault` replaces the others: the rules come in that order, and each skips the
//! requests of earlier ones.

mod fault;
mod find;
mod header;
mod number;
mod scope;
mod table;

pub use table::FIELDS;

use super::built::Built;
use super::condition::Condition;
use super::findings::Findings;
use super::names::Names;
use super::place::Place;
use super::rule::Rule;
use super::settle::finish;
use super::sources::Sources;
use super::{Imported, Rejected};
use crate::document::DocumentFile;
use brownout_core::decode::diagnostic::Code;
use fault::HttpFault;
use find::{Found, find};
use scope::{Level, Scope};

/// Imports a file. With `partial`, leaves out what cannot be imported, with a note, instead of reporting a mistake.
///
/// # Errors
/// What is wrong with it, or cannot be imported.
pub fn import(file: DocumentFile, partial: bool) -> Result<Imported, Rejected> {
    let sources = Sources::read(vec![file])?;
    let mut findings = Findings::new(partial);
    let mut scopes = Vec::new();
    let mut bare = false;
    for node in sources.nodes() {
        match find(&node, &mut findings) {
            Found::Message => {
                bare = true;
                let fault = HttpFault::read(&node, &mut findings);
                scopes.push(Scope { level: Level::Filter, names: scope::ScopeNames::default(), fault });
            }
            Found::Scopes(found) => scopes.extend(found),
        }
    }
    if scopes.is_empty() && findings.is_good() {
        let label = "expected an `HTTPFault`, or configuration with `envoy.filters.http.fault` in it";
        findings.wrong(&Place::default(), Code::MissingField, "no fault filter", label);
    }
    scopes.sort_by_key(|scope| scope.level);
    let scopes = distinct(scopes, &mut findings);
    let rules = rules(&scopes, &mut findings);
    if rules.is_empty() && findings.is_good() {
        let what = if bare { "this `HTTPFault` does" } else { "the fault filters do" };
        findings.note(&Place::default(), format!("{what} nothing; neither does the document"));
    }
    finish(&sources, findings, rules)
}

/// Removes scopes for the same requests. The same filter may be in several listeners.
fn distinct(scopes: Vec<Scope>, findings: &mut Findings) -> Vec<Scope> {
    let mut kept: Vec<Scope> = Vec::new();
    for scope in scopes {
        let same = |other: &&Scope| {
            let (own, its) = (&scope.names, &other.names);
            other.level == scope.level
                && (&own.virtual_host, &own.route, &own.cluster)
                    == (&its.virtual_host, &its.route, &its.cluster)
        };
        match kept.iter().find(same) {
            None => kept.push(scope),
            Some(other) if equal(&other.fault, &scope.fault) => {}
            Some(other) => {
                let what = match scope.level {
                    Level::Filter => "a second fault filter, with another configuration",
                    _ => "a second configuration under the same name",
                };
                let why = format!(
                    "a document is for one listener, and cannot distinguish this from `{}`: import one listener at a time",
                    other.place().path
                );
                findings.refuse(scope.place(), what, &why);
            }
        }
    }
    kept
}

fn equal(a: &HttpFault, b: &HttpFault) -> bool {
    let json = |fault: &HttpFault| {
        let fields =
            fault.fields.iter().map(|(name, value)| (name.clone(), value.json())).collect::<Vec<_>>();
        (fault.condition.clone().built().json(), fields)
    };
    json(a) == json(b)
}

fn rules(scopes: &[Scope], findings: &mut Findings) -> Vec<Built> {
    let mut names = Names::default();
    let live: Vec<&Scope> = scopes.iter().filter(|scope| !scope.fault.is_nothing()).collect();
    for scope in &live {
        if live.len() > 1 && scope.fault.fields.iter().any(|(name, _)| name == "limits") {
            let note = "in Envoy, `max_active_faults` counts the faults of all routes together; here, those of this rule";
            findings.note(scope.place(), note);
        }
    }
    live.iter().map(|scope| rule(scope, scope.condition_among(scopes), &mut names)).collect()
}

fn rule(scope: &Scope, condition: Condition, names: &mut Names) -> Built {
    let rule = Rule::of_all(scope.place(), scope.wanted_name(), condition);
    Rule { fields: scope.fault.fields.clone(), ..rule }.built(names)
}
