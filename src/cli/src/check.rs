//! `brownout check`: all mistakes of documents, with the lines they stand on.

use crate::document::{Checked, Document, Mistake};
use crate::report::{self, FileReport};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Check documents, JSON or YAML: every mistake, with its line and the way out.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Documents; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How to say it: `text` for people, on standard error; `json` for programs, on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What came of one file.
enum Outcome {
    Good(Document, Box<Checked>),
    Wrong(Document, Vec<Mistake>),
    Unreadable(String, String),
}

/// Runs it: 0 when every document is good, 1 when one is wrong, 2 when one cannot be read.
pub fn run(arguments: &Arguments) -> ExitCode {
    let outcomes: Vec<Outcome> = arguments.files.iter().map(|path| examine(path)).collect();
    match arguments.format {
        Format::Text => outcomes.iter().for_each(say),
        Format::Json => {
            let reports: Vec<FileReport<'_>> = outcomes.iter().map(report).collect();
            anstream::println!("{:#}", report::json(&reports));
        }
    }
    if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unreadable(..))) {
        ExitCode::from(2)
    } else if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Wrong(..))) {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    }
}

fn examine(path: &Path) -> Outcome {
    let document = match Document::open(path) {
        Ok(document) => document,
        Err((name, error)) => return Outcome::Unreadable(name, error.to_string()),
    };
    match document.check() {
        Ok(checked) => Outcome::Good(document, Box::new(checked)),
        Err(mistakes) => Outcome::Wrong(document, mistakes),
    }
}

fn say(outcome: &Outcome) {
    match outcome {
        Outcome::Good(document, checked) => {
            let rules = checked.plan.rules().len();
            let plural = if rules == 1 { "" } else { "s" };
            anstream::eprintln!("{}: good, {rules} rule{plural}", document.name());
        }
        Outcome::Wrong(document, mistakes) => {
            anstream::eprint!("{}", report::text(document, mistakes));
            let plural = if mistakes.len() == 1 { "" } else { "s" };
            anstream::eprintln!("{}: {} mistake{plural}", document.name(), mistakes.len());
        }
        Outcome::Unreadable(name, reason) => anstream::eprintln!("error: cannot read `{name}`: {reason}"),
    }
}

fn report(outcome: &Outcome) -> FileReport<'_> {
    match outcome {
        Outcome::Good(document, _) => FileReport::Read(document, &[]),
        Outcome::Wrong(document, mistakes) => FileReport::Read(document, mistakes),
        Outcome::Unreadable(name, reason) => FileReport::Unreadable(name, reason),
    }
}
