//! `brownout import`: what other tools inject faults with, as a document.

use super::{Imported, Note, Rejected, envoy, istio};
use crate::document::Document;
use crate::document::text::Text;
use crate::report;
use brownout_core::json::Json;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Turn another tool's faults into a document.
///
/// The document goes to standard output, and what is worth knowing about it to standard error. What becomes of each
/// field stands in docs/import.md.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, clap::Subcommand)]
enum Kind {
    /// Import from Envoy's own fault filter, `envoy.filters.http.fault`.
    ///
    /// The input is an HTTPFault message, an HTTP filter with one, or a bootstrap, listener or route configuration with
    /// any number of them; YAML or JSON.
    #[command(
        after_help = "Example:\n  brownout import envoy bootstrap.yaml > faults.json && brownout check faults.json"
    )]
    Envoy {
        /// The configuration; `-` is standard input.
        file: PathBuf,
        #[command(flatten)]
        common: Common,
    },
    /// Import the faults of Istio's VirtualServices.
    ///
    /// The input is any number of manifests, YAML or JSON; those of other kinds are skipped.
    #[command(
        after_help = "Example:\n  brownout import istio reviews.yaml > faults.json && brownout check faults.json"
    )]
    Istio {
        /// Manifests; `-` is standard input.
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Whose proxy the document is for: `mesh` stands for all sidecars, other names for gateways.
        #[arg(long, value_name = "NAME", default_value = istio::MESH)]
        gateway: String,
        /// The namespace of manifests that do not say theirs.
        #[arg(long, value_name = "NAME", default_value = "default")]
        namespace: String,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Leave out what cannot be imported, with a note, instead of failing.
    #[arg(long)]
    partial: bool,
    /// How to say it: `text`, or `json` for one object with document, notes and mistakes on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Runs it: 0 when there is a document, 1 when the input is wrong or refused, 2 when it cannot be read.
pub fn run(arguments: &Arguments) -> ExitCode {
    let (result, format) = match &arguments.kind {
        Kind::Envoy { file, common } => {
            let result = open(std::slice::from_ref(file))
                .map(|mut files| envoy::import(files.remove(0), common.partial));
            (result, common.format)
        }
        Kind::Istio { files, gateway, namespace, common } => {
            let choices = istio::Choices {
                gateway: gateway.clone(),
                namespace: namespace.clone(),
                partial: common.partial,
            };
            (open(files).map(|files| istio::import(files, &choices)), common.format)
        }
    };
    let Some(result) = result else { return ExitCode::from(2) };
    match format {
        Format::Text => say(&result),
        Format::Json => anstream::print!("{}", as_json(&result)),
    }
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

/// The files, unless one cannot be read.
fn open(paths: &[PathBuf]) -> Option<Vec<Document>> {
    let mut files = Vec::new();
    for path in paths {
        match Document::open(path) {
            Ok(file) => files.push(file),
            Err((name, error)) => anstream::eprintln!("error: cannot read `{name}`: {error}"),
        }
    }
    (files.len() == paths.len()).then_some(files)
}

fn say(result: &Result<Imported, Rejected>) {
    let (Ok(Imported { notes, .. }) | Err(Rejected { notes, .. })) = result;
    notes.iter().for_each(|note| anstream::eprintln!("{note}\n"));
    match result {
        Ok(Imported { text, .. }) => anstream::print!("{text}"),
        Err(Rejected { files, .. }) => {
            for (file, mistakes) in files {
                anstream::eprint!("{}", report::text(file, mistakes));
                let plural = if mistakes.len() == 1 { "" } else { "s" };
                anstream::eprintln!("{}: {} mistake{plural}", file.name(), mistakes.len());
            }
        }
    }
}

fn as_json(result: &Result<Imported, Rejected>) -> String {
    let (document, notes, diagnostics) = match result {
        Ok(Imported { text, notes, .. }) => {
            (Json::parse(text.as_bytes()).unwrap_or(Json::Null), notes, Vec::new())
        }
        Err(Rejected { files, notes }) => {
            let all =
                files.iter().flat_map(|(file, mistakes)| mistakes.iter().map(move |mistake| (file, mistake)));
            (
                Json::Null,
                notes,
                all.map(|(file, mistake)| named(file, report::diagnostic(file, mistake))).collect(),
            )
        }
    };
    let field = |name: &str, value: Value| (name.to_owned(), parsed(&value));
    let whole = Json::Object(vec![
        ("document".to_owned(), document),
        field("notes", notes.iter().map(note).collect()),
        field("diagnostics", Value::Array(diagnostics)),
    ]);
    serde_json::to_string_pretty(&Text(&whole)).unwrap_or_default() + "\n"
}

fn named(file: &Document, mut diagnostic: Value) -> Value {
    diagnostic["file"] = file.name().into();
    diagnostic
}

fn note(note: &Note) -> Value {
    let Note { file, path, line, column, text } = note;
    json!({ "file": file, "path": path, "line": line, "column": column, "message": text })
}

fn parsed(value: &Value) -> Json {
    Json::parse(value.to_string().as_bytes()).unwrap_or(Json::Null)
}
