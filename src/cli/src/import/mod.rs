//! Imports the faults of other tools as documents.
//!
//! Each importer has a table that lists what every field becomes: exactly the same, something with a note, or a refusal
//! with its reason. The result has passed the core's check; every mistake is shown on its line of the input, together
//! with all others.

mod arguments;
mod body;
mod built;
pub mod chaos_mesh;
pub mod cilium;
mod command;
mod condition;
pub mod datadog;
pub mod envoy;
pub mod envoy_gateway;
mod fields;
mod findings;
mod hold;
pub mod istio;
pub mod kuma;
pub mod litmus;
mod manifest;
pub mod mapping;
mod names;
mod pattern;
mod percentage;
mod place;
mod pods;
mod rule;
mod settle;
mod sources;
pub mod toxiproxy;
mod window;

pub use arguments::Arguments;
pub use command::run;

use crate::document::{DocumentFile, Mistake};
use crate::report;
use brownout_core::value::timestamp::Timestamp;
use std::fmt;

/// The result of an import.
#[derive(Debug, Clone, PartialEq)]
pub struct Imported {
    pub document: serde_json::Value,
    /// The document as text, with its fields in an order that reads well.
    pub text: String,
    /// Notes about it for the author.
    pub notes: Vec<Note>,
}

/// The options for importing from chaos tools.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// True to leave out input that cannot be imported, with a note; false to report a mistake.
    pub partial: bool,
    /// The start of the experiment, which turns durations into points in time.
    pub starting_at: Option<Timestamp>,
    /// True to match the selected pods by the namespace and labels that their proxies report.
    pub select_pods: bool,
}

/// A note about the document for the author of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The file it refers to.
    pub file: String,
    /// The path in the file; empty for the whole file.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
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
    pub files: Vec<(DocumentFile, Vec<Mistake>)>,
    /// The notes found up to then.
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

/// Imports the configuration of Envoy's own fault filter: an `HTTPFault`, an HTTP filter with one, or a whole
/// configuration with any number; YAML or JSON. See [`envoy::import`] for more options.
///
/// # Errors
/// What is wrong with it, or cannot be imported.
pub fn envoy(text: &str) -> Result<Imported, Rejected> {
    envoy::import(DocumentFile::new("<input>", text.as_bytes()), false)
}

/// Imports the faults of Istio's `VirtualService` manifests, as the sidecars of a mesh apply them. See
/// [`istio::import`] for more options.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn istio(text: &str) -> Result<Imported, Rejected> {
    istio::import(input(text), &istio::IstioChoices::default())
}

/// Imports Chaos Mesh's `HTTPChaos` manifests. See [`chaos_mesh::import`] for more options.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn chaos_mesh(text: &str) -> Result<Imported, Rejected> {
    chaos_mesh::import(input(text), &Choices::default())
}

/// Imports Litmus's `ChaosEngine` manifests. See [`litmus::import`] for more options.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn litmus(text: &str) -> Result<Imported, Rejected> {
    litmus::import(input(text), &Choices::default())
}

/// Imports Cilium's policies with `l7proto: chaos`. See [`cilium::import`] for more options.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn cilium(text: &str) -> Result<Imported, Rejected> {
    cilium::import(input(text), &cilium::CiliumChoices::default())
}

/// Imports what Toxiproxy's API returns for its proxies. See [`toxiproxy::import`] for more options.
///
/// # Errors
/// What is wrong with it, or cannot be imported.
pub fn toxiproxy(text: &str) -> Result<Imported, Rejected> {
    toxiproxy::import(input(text).remove(0), &toxiproxy::ToxiproxyChoices::default())
}

/// Imports Envoy Gateway's `BackendTrafficPolicy` manifests. See [`envoy_gateway::import`] for more options.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn envoy_gateway(text: &str) -> Result<Imported, Rejected> {
    envoy_gateway::import(input(text), false)
}

/// Imports Kuma's `MeshFaultInjection` policies. See [`kuma::import`] for more options.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn kuma(text: &str) -> Result<Imported, Rejected> {
    kuma::import(input(text), false)
}

/// Imports the gRPC part of Datadog's `Disruption` manifests. See [`datadog::import`] for more options.
///
/// # Errors
/// The mistakes in them, and what cannot be imported.
pub fn datadog(text: &str) -> Result<Imported, Rejected> {
    datadog::import(input(text), &Choices::default())
}

fn input(text: &str) -> Vec<DocumentFile> {
    vec![DocumentFile::new("<input>", text.as_bytes())]
}
