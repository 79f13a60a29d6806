//! Mistakes for programs: one JSON value for all files.

use crate::document::{DocumentFile, Mistake};
use brownout_core::Severity;
use serde_json::{Value, json};

#[derive(Debug)]
pub enum FileReport<'a> {
    /// A readable file and its mistakes, if any.
    Read(&'a DocumentFile, &'a [Mistake]),
    /// An unreadable file and the reason.
    Unreadable(&'a str, &'a str),
}

/// All files: `{"files": [{"file", "ok", "diagnostics": [{"severity", "code", "path", "line", "column", …}]}]}`, or
/// `"error"` instead of `"diagnostics"` for a file that cannot be read. Lines and columns count from 1, columns in
/// characters.
pub fn json(files: &[FileReport<'_>]) -> Value {
    json!({ "files": files.iter().map(file).collect::<Vec<_>>() })
}

fn file(report: &FileReport<'_>) -> Value {
    match report {
        FileReport::Unreadable(name, reason) => json!({ "file": name, "ok": false, "error": reason }),
        FileReport::Read(document, mistakes) => json!({
            "file": document.name(),
            "ok": mistakes.iter().all(|mistake| mistake.diagnostic.severity != Severity::Error),
            "diagnostics": mistakes.iter().map(|mistake| diagnostic(document, mistake)).collect::<Vec<_>>(),
        }),
    }
}

/// Returns one mistake as JSON, as in [`json()`].
pub fn diagnostic(document: &DocumentFile, mistake: &Mistake) -> Value {
    let (line, column) = document.line_and_column(mistake.span.start);
    let diagnostic = &mistake.diagnostic;
    json!({
        "severity": diagnostic.severity.to_string(),
        "code": diagnostic.code.as_str(),
        "path": if diagnostic.path.is_root() { String::new() } else { diagnostic.path.to_string() },
        "line": line,
        "column": column,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "help": diagnostic.help,
    })
}
