//! Mistakes as GitHub Actions workflow commands, which appear on their lines of a pull request
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use super::json::FileReport;
use crate::document::{DocumentFile, Mistake};
use std::fmt::Write;

/// Returns one line per mistake, for all files.
pub fn github(files: &[FileReport<'_>]) -> String {
    let mut lines = String::new();
    for file in files {
        // Writing to a string cannot fail.
        let _ = match file {
            FileReport::Unreadable(name, reason) => {
                writeln!(
                    lines,
                    "::error file={}::{}",
                    property(name),
                    data(&format!("cannot read the file: {reason}"))
                )
            }
            FileReport::Read(document, mistakes) => {
                mistakes.iter().try_for_each(|mistake| writeln!(lines, "{}", line(document, mistake)))
            }
        };
    }
    lines
}

fn line(document: &DocumentFile, mistake: &Mistake) -> String {
    let (line, column) = document.line_and_column(mistake.span.start);
    let diagnostic = &mistake.diagnostic;
    let mut text = diagnostic.message.clone();
    if !diagnostic.path.is_root() {
        text.push_str(&format!(" at {}", diagnostic.path));
    }
    if !diagnostic.label.is_empty() {
        text.push_str(&format!(": {}", diagnostic.label));
    }
    if let Some(help) = &diagnostic.help {
        text.push_str(&format!("\nhelp: {help}"));
    }
    format!(
        "::{} file={},line={line},col={column},title={}::{}",
        diagnostic.severity,
        property(document.name()),
        property(&format!("brownout {}", diagnostic.code.as_str())),
        data(&text)
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::github;
    use crate::document::DocumentFile;
    use crate::report::FileReport;

    #[test]
    fn a_mistake_is_a_command_with_its_place_and_nothing_in_it_ends_the_line() {
        let document = DocumentFile::new(
            "a,b:c.yaml",
            b"rules:\n- name: a\n  percentage: 5%\n  abort: {http_status: 503}\n",
        );
        let mistakes = document.check().expect_err("a mistake");
        let text =
            github(&[FileReport::Read(&document, &mistakes), FileReport::Unreadable("x", "gone\nfor good")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2, "{text}");
        let start = "::error file=a%2Cb%3Ac.yaml,line=3,col=15,title=brownout invalid-value::invalid percentage at \
                     rules[0].percentage: ";
        assert!(lines[0].starts_with(start), "{text}");
        assert!(lines[0].contains("5%25"), "{text}");
        assert_eq!(lines[1], "::error file=x::cannot read the file: gone%0Afor good");
    }
}
