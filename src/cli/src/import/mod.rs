//! Other tools' faults as documents of ours.
//!
//! Each importer has a table that says what becomes of every field: exactly the same, something noted, or a refusal with
//! its reason. What comes out has passed the core's check; what is wrong is shown on the line of the input on which it
//! stands, with all other mistakes.

mod built;
mod command;
mod condition;
pub mod envoy;
mod findings;
pub mod istio;
pub mod mapping;
mod names;
mod percentage;
mod place;
mod settle;
mod sources;

pub use command::{Arguments, run};

use crate::document::{Document, Mistake};
use crate::report;
use std::fmt;

/// What an import gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    /// The document.
    pub document: serde_json::Value,
    /// The document as text, with its fields in an order that reads well.
    pub text: String,
    /// What the author should know about it.
    pub notes: Vec<Note>,
}

/// Something that the author of the input should know about the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The file that it is about.
    pub file: String,
    /// Where it stands in that; empty for the whole of it.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What there is to know.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "note: {}", self.text)?;
        write!(f, " --> {}:{}:{}", self.file, self.line, self.column)?;
        if self.path.is_empty() { Ok(()) } else { write!(f, "   {}", self.path) }
    }
}

/// Why there is no document.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// The files with mistakes, each with all of its own.
    pub files: Vec<(Document, Vec<Mistake>)>,
    /// What was noted all the same.
    pub notes: Vec<Note>,
}

impl fmt::Display for Rejected {
    /// The mistakes with their lines, without colours.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (document, mistakes) in &self.files {
            let text = report::text(document, mistakes);
            write!(f, "{}", anstream::adapter::strip_str(&text))?;
        }
        Ok(())
    }
}

impl std::error::Error for Rejected {}

/// Imports what Envoy's own fault filter is configured with: an `HTTPFault`, an HTTP filter with one, or a whole
/// configuration with any number; YAML or JSON. See [`envoy::import`] for more choice.
///
/// # Errors
/// What is wrong with it, or cannot be imported.
pub fn envoy(text: &str) -> Result<Imported, Rejected> {
    envoy::import(Document::new("<input>", text.as_bytes()), false)
}
/// Imports the faults of Istio's `VirtualService` manifests, as the sidecars of a mesh apply them. See
/// [`istio::import`] for more choice.
///
/// # Errors
/// What is wrong with them, or cannot be imported.
pub fn istio(text: &str) -> Result<Imported, Rejected> {
    istio::import(vec![Document::new("<input>", text.as_bytes())], &istio::Choices::default())
}
