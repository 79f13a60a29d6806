//! The document that `explain` or `simulate` reads from a file: the file itself, or one in a manifest.

use super::{Carried, Manifest, Role, carried};
use crate::document::DocumentFile;
use crate::terminal::{Ended, complain, counted, failed, mistaken, open, say};
use brownout_core::Plan;
use brownout_core::decode::diagnostic::Code;
use brownout_core::document::{Document, RouteDocument};
use brownout_core::plan::route;
use std::path::PathBuf;

/// The arguments that choose the one document to read.
#[derive(Debug, clap::Args)]
pub struct One {
    /// The document, or a manifest that contains one; `-` is standard input.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which of several documents in a manifest to use, counted from 1.
    #[arg(long, value_name = "N")]
    document: Option<usize>,
}

impl One {
    /// Returns the file and the plan of its document, or the exit code after printing what is wrong.
    ///
    /// # Errors
    /// 1 if the document is wrong; 2 if the file cannot be read, or if it is unclear which document is meant.
    pub fn open(&self) -> Result<(DocumentFile, Plan), Ended> {
        let file = open(&self.file)?;
        let plan = match carried(&file) {
            Ok(Some(manifest)) => self.of(&file, &manifest)?,
            Err(mistake) if mistake.diagnostic.code == Code::NoDocument => {
                return Err(mistaken(&file, &[*mistake]));
            }
            // For a text that is neither JSON nor YAML, the document's own reader gives a better message.
            Ok(None) | Err(_) => file.check().map_err(|mistakes| mistaken(&file, &mistakes))?.plan,
        };
        Ok((file, plan))
    }

    fn of(&self, file: &DocumentFile, manifest: &Manifest) -> Result<Plan, Ended> {
        let chosen = match self.document {
            Some(number) => number.checked_sub(1).and_then(|index| manifest.documents.get(index)),
            None => the_only_one(&manifest.documents),
        };
        let Some(chosen) = chosen else { return Err(unclear(file.name(), &manifest.documents)) };
        chosen.read().map_err(|diagnostics| mistaken(file, &chosen.body.place(diagnostics)))?;
        let json = match plugin_of(chosen, &manifest.documents) {
            Some(plugin) => {
                let read = Plan::from_json(plugin.json.as_bytes());
                let read = read.map_err(|diagnostics| mistaken(file, &plugin.body.place(diagnostics)))?;
                whole(chosen, &read)
            }
            None => chosen.json.clone(),
        };
        Plan::from_json(json.as_bytes())
            .map_err(|diagnostics| mistaken(file, &chosen.body.place(diagnostics)))
    }
}

/// Returns the document if the choice is unambiguous: the only one, or the only one with rules. The same text in
/// several places counts as one document.
fn the_only_one(documents: &[Carried]) -> Option<&Carried> {
    let all: Vec<&Carried> = documents.iter().collect();
    let with_rules: Vec<&Carried> = documents.iter().filter(|document| has_rules(document)).collect();
    [all, with_rules].into_iter().find_map(|some| {
        let first = *some.first()?;
        some.iter().all(|document| document.json == first.json).then_some(first)
    })
}

/// Returns whether a document has rules. One that cannot be read counts as having some.
fn has_rules(document: &Carried) -> bool {
    document.read().map_or(true, |read| read.rules() > 0)
}

/// Returns the listener's document for the rules of a route, if there is just one.
fn plugin_of<'a>(chosen: &Carried, documents: &'a [Carried]) -> Option<&'a Carried> {
    let plugins: Vec<&Carried> = documents.iter().filter(|document| document.role == Role::Plugin).collect();
    let first = *plugins.first()?;
    let is_clear = chosen.role == Role::Route && plugins.iter().all(|plugin| plugin.json == first.json);
    is_clear.then_some(first)
}

/// Returns the document that the module follows: a route's rules with the settings of the listener's document.
fn whole(chosen: &Carried, plugin: &Plan) -> String {
    let Ok(RouteDocument { rules }) = route::read(chosen.json.as_bytes()) else { return chosen.json.clone() };
    let whole = Document { rules: Some(rules), per_route: None, ..plugin.document().clone() };
    serde_json::to_string(&whole).unwrap_or_else(|_| chosen.json.clone())
}

fn unclear(name: &str, documents: &[Carried]) -> Ended {
    if documents.is_empty() {
        return failed(format_args!(
            "{name} contains no document; run `brownout check` to see what is wrong"
        ));
    }
    complain(format_args!("{name} contains several documents; choose one with --document:"));
    for (index, document) in documents.iter().enumerate() {
        let rules = match document.read() {
            Ok(read) => counted(read.rules(), "rule"),
            Err(_) => "with mistakes".to_owned(),
        };
        let manifest = if document.manifest.is_empty() { "" } else { &format!("{}: ", document.manifest) };
        say(format_args!("  {}: {manifest}{} ({rules})", index + 1, document.path));
    }
    Ended::Unusable
}
