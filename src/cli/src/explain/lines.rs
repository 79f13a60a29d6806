//! Text for a terminal of eighty columns.

use crate::terminal;
use std::fmt::Write as _;

/// The width of the output, in columns.
pub const WIDTH: usize = 80;

/// Adds a paragraph, wrapped: its first line after `first`, the others indented as far.
pub fn paragraph(out: &mut String, first: &str, text: &str) {
    let indent = plain_width(first);
    let mut line = first.to_owned();
    let mut width = indent;
    for (place, word) in text.split(' ').enumerate() {
        let needed = plain_width(word);
        if place > 0 && width + 1 + needed > WIDTH {
            let _ = writeln!(out, "{}", line.trim_end());
            line = " ".repeat(indent);
            width = indent;
        } else if place > 0 {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += needed;
    }
    let _ = writeln!(out, "{}", line.trim_end());
}

/// Returns the width in characters, without colour codes.
fn plain_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

/// Escapes all control characters, line feeds too.
pub fn harmless(text: &str) -> String {
    terminal::harmless(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// Green, red, bold and dim; they are stripped if the stream has no colours.
pub fn green(text: &str) -> String {
    format!("\u{1b}[32m{text}\u{1b}[0m")
}

pub fn red(text: &str) -> String {
    format!("\u{1b}[31m{text}\u{1b}[0m")
}

pub fn bold(text: &str) -> String {
    format!("\u{1b}[1m{text}\u{1b}[0m")
}
