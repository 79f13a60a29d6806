//! `brownout check`: reports all mistakes in documents, with their lines.

use crate::arguments::now;
use crate::document::{DocumentFile, Mistake};
use crate::manifest::{self, Carried, Read};
use crate::report::{self, FileReport};
use crate::terminal::{Done, Ended, complain, counted, print, say, show};
use brownout_core::Severity;
use brownout_core::decode::diagnostic::Code;
use brownout_core::lint::{self, Context};
use std::path::{Path, PathBuf};

/// Check documents (JSON or YAML) and manifests that contain one, and show each mistake with its line and a fix
///
/// A manifest is a file for Kubernetes, a mesh or Envoy: WasmPlugin, TrafficExtension, EnvoyFilter, CiliumEnvoyConfig,
/// EnvoyExtensionPolicy, MeshProxyPatch, ConfigMap, an Envoy bootstrap, or a file that Envoy watches.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  brownout check faults.yaml
  brownout check --strict manifests/*.yaml
  brownout check --format json - < faults.yaml

Every mistake has a code; docs/codes.md lists them. Exit codes: 0 no mistakes; 1 at least one mistake; 2 a file \
cannot be read.")]
pub struct Arguments {
    /// Documents and manifests; `-` is standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Output format: `text` for people, on standard error; on standard output, `json` for programs or `github` for
    /// GitHub Actions, which shows each mistake on its line of a pull request.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: CheckFormat,
    /// Check as strictly as for production: anything legal but probably wrong is a mistake too.
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CheckFormat {
    Text,
    Json,
    Github,
}

/// The result for one file.
enum FileOutcome {
    Examined(DocumentFile, FileFindings),
    Unreadable(String, String),
}

/// The mistakes and counts of a file.
#[derive(Default)]
struct FileFindings {
    mistakes: Vec<Mistake>,
    /// The number of documents in it, if it is a manifest.
    carried: Option<usize>,
    rules: usize,
}

impl FileFindings {
    fn count(&self, severity: Severity) -> usize {
        self.mistakes.iter().filter(|mistake| mistake.diagnostic.severity == severity).count()
    }

    fn is_good(&self) -> bool {
        self.count(Severity::Error) == 0
    }
}

/// Runs the command: 0 if every document is good, 1 if one is wrong, 2 if one cannot be read.
pub fn run(arguments: &Arguments) -> Done {
    let context = Context { now: Some(now()), strict: arguments.strict };
    let outcomes: Vec<FileOutcome> = arguments.files.iter().map(|path| examine(path, context)).collect();
    match arguments.format {
        CheckFormat::Text => outcomes.iter().for_each(tell),
        CheckFormat::Json => {
            let reports: Vec<FileReport<'_>> = outcomes.iter().map(report).collect();
            print(format_args!("{:#}\n", report::json(&reports)));
        }
        CheckFormat::Github => {
            let reports: Vec<FileReport<'_>> = outcomes.iter().map(report).collect();
            print(report::github(&reports));
            outcomes.iter().for_each(say_summary);
        }
    }
    let is_wrong =
        |outcome: &FileOutcome| matches!(outcome, FileOutcome::Examined(_, found) if !found.is_good());
    if outcomes.iter().any(|outcome| matches!(outcome, FileOutcome::Unreadable(..))) {
        Err(Ended::Unusable)
    } else if outcomes.iter().any(is_wrong) {
        Err(Ended::Failed)
    } else {
        Ok(())
    }
}

fn examine(path: &Path, context: Context) -> FileOutcome {
    let file = match DocumentFile::open(path) {
        Ok(file) => file,
        Err((name, error)) => return FileOutcome::Unreadable(name, error.to_string()),
    };
    let mut findings = match manifest::carried(&file) {
        Ok(Some(manifest)) => carried(manifest.documents, manifest.traps, context),
        // For a text that is neither JSON nor YAML, the document's own reader gives a better message.
        Err(mistake) if mistake.diagnostic.code == Code::NoDocument => {
            FileFindings { mistakes: vec![*mistake], ..FileFindings::default() }
        }
        Ok(None) | Err(_) => alone(&file, context),
    };
    findings.mistakes.sort_by_key(|mistake| mistake.span.start);
    if context.strict {
        findings.mistakes.iter_mut().for_each(|mistake| mistake.diagnostic.severity = Severity::Error);
    }
    FileOutcome::Examined(file, findings)
}

fn alone(file: &DocumentFile, context: Context) -> FileFindings {
    match file.check() {
        Ok(checked) => {
            let mistakes = checked.body.place(lint::plan(&checked.plan, context));
            FileFindings { mistakes, rules: checked.plan.rules().len(), carried: None }
        }
        Err(mistakes) => FileFindings { mistakes, ..FileFindings::default() },
    }
}

fn carried(documents: Vec<Carried>, mut mistakes: Vec<Mistake>, context: Context) -> FileFindings {
    let mut rules = 0;
    for document in &documents {
        let said = match document.read() {
            Ok(read) => {
                rules += read.rules();
                match read {
                    Read::Plugin(plan) => lint::plan(&plan, context),
                    Read::Route(document) => lint::route(document.rules.as_slice(), context),
                }
            }
            Err(diagnostics) => diagnostics,
        };
        mistakes.extend(document.body.place(said));
    }
    FileFindings { mistakes, carried: Some(documents.len()), rules }
}

fn tell(outcome: &FileOutcome) {
    match outcome {
        FileOutcome::Examined(file, found) => {
            show(file, &found.mistakes);
            say_summary(outcome);
        }
        FileOutcome::Unreadable(name, reason) => complain(format_args!("cannot read `{name}`: {reason}")),
    }
}

fn say_summary(outcome: &FileOutcome) {
    if let FileOutcome::Examined(file, found) = outcome {
        say(format_args!("{}: {}", file.name(), summary(found)));
    }
}

fn summary(found: &FileFindings) -> String {
    let (mistakes, warnings) = (found.count(Severity::Error), found.count(Severity::Warning));
    let mut parts = Vec::new();
    match mistakes {
        0 => {
            parts.push("good".to_owned());
            parts.extend(found.carried.map(|documents| counted(documents, "document")));
            parts.push(counted(found.rules, "rule"));
        }
        mistakes => parts.push(counted(mistakes, "mistake")),
    }
    if warnings > 0 {
        parts.push(counted(warnings, "warning"));
    }
    parts.join(", ")
}

fn report(outcome: &FileOutcome) -> FileReport<'_> {
    match outcome {
        FileOutcome::Examined(file, found) => FileReport::Read(file, &found.mistakes),
        FileOutcome::Unreadable(name, reason) => FileReport::Unreadable(name, reason),
    }
}
