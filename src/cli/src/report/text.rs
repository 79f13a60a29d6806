//! Mistakes as text, each with its source line.

use crate::document::{DocumentFile, Mistake};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use brownout_core::Severity;

/// Returns the mistakes of a document as text with colours, each with its line. Streams without colours strip them.
pub fn text(document: &DocumentFile, mistakes: &[Mistake]) -> String {
    mistakes.iter().map(|mistake| one(document, mistake)).collect()
}

fn one(document: &DocumentFile, mistake: &Mistake) -> String {
    let diagnostic = &mistake.diagnostic;
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut annotation = AnnotationKind::Primary.span(mistake.span.clone());
    if !diagnostic.label.is_empty() {
        annotation = annotation.label(diagnostic.label.as_str());
    }
    let snippet = Snippet::source(document.source()).path(document.name()).annotation(annotation);
    let mut report = vec![level.primary_title(diagnostic.message.as_str()).element(snippet)];
    if let Some(help) = &diagnostic.help {
        report.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
    }
    let rendered = Renderer::styled().render(&report);
    let (line, column) = document.line_and_column(mistake.span.start);
    let place = format!("{}:{line}:{column}", document.name());
    // The renderer's location line has no field for the path in the document.
    let rendered = match diagnostic.path.is_root() {
        true => rendered,
        false => rendered.replacen(&place, &format!("{place}   {}", diagnostic.path), 1),
    };
    format!("{rendered}\n\n")
}
