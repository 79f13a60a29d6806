//! The text that a document was read from, and the mapping of its mistakes to the file.

use super::excerpt::Excerpt;
use super::places::Places;
use super::{Mistake, json};
use brownout_core::decode::diagnostic::{Code, Diagnostic, Position};
use brownout_core::decode::path::Path;
use std::ops::Range;
use std::rc::Rc;

/// A text, and the places of the document's values in it; without places, it is JSON that has not been parsed yet.
#[derive(Debug, Clone)]
pub struct Body {
    excerpt: Rc<Excerpt>,
    places: Option<Places>,
}

impl Body {
    /// Creates a body from JSON text.
    pub fn of_json(excerpt: Rc<Excerpt>) -> Self {
        Self { excerpt, places: None }
    }

    /// Creates a body from a text whose places are already known.
    pub fn of_value(excerpt: Rc<Excerpt>, places: Places) -> Self {
        Self { excerpt, places: Some(places) }
    }

    /// Returns the mistakes with their places in the file, in the order of the text.
    pub fn place(&self, diagnostics: Vec<Diagnostic>) -> Vec<Mistake> {
        // Only text that is known to be JSON is parsed again for the places: its depth is limited.
        let is_json = diagnostics.iter().all(|diagnostic| diagnostic.position.is_none());
        let read = || is_json.then(|| json::places(self.excerpt.text())).flatten();
        let read = if self.places.is_none() { read() } else { None };
        let places = self.places.as_ref().or(read.as_ref());
        let mut seen: Vec<(Code, Path)> = Vec::new();
        let mut mistakes = Vec::with_capacity(diagnostics.len());
        for diagnostic in diagnostics {
            let key = (diagnostic.code, diagnostic.path.clone());
            let earlier = seen.iter().filter(|other| **other == key).count();
            seen.push(key);
            let span = match (diagnostic.position, places) {
                (Some(position), _) => self.at(position),
                (None, Some(places)) => places.find(&diagnostic.path, diagnostic.code, earlier),
                (None, None) => 0..0,
            };
            let span = self.excerpt.in_file(self.first_line(span));
            mistakes.push(Mistake { diagnostic, span });
        }
        mistakes.sort_by_key(|mistake| mistake.span.start);
        mistakes
    }

    /// Returns the character at a line and a byte column, both from 1.
    fn at(&self, position: Position) -> Range<usize> {
        let source = self.excerpt.text();
        let line: usize =
            source.split_inclusive('\n').take(position.line.saturating_sub(1)).map(str::len).sum();
        let start: usize = position.column.saturating_sub(1) + line;
        let start = (0..=start.min(source.len()))
            .rev()
            .find(|offset| source.is_char_boundary(*offset))
            .unwrap_or_default();
        let width = source[start..].chars().next().filter(|next| *next != '\n').map_or(0, char::len_utf8);
        start..start + width
    }

    /// Cuts a span to its first line, which is enough to find the value.
    fn first_line(&self, span: Range<usize>) -> Range<usize> {
        let text = self.excerpt.text().get(span.clone()).unwrap_or_default();
        let first = text.lines().next().unwrap_or_default().trim_end();
        span.start..span.start + first.len()
    }
}
