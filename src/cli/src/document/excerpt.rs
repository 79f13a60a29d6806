//! A text inside a file, perhaps as a string with escapes or as an indented block, and the place of each of its bytes in
//! that file: a document in a manifest is read on its own, and its mistakes are shown in the manifest.

use std::ops::Range;

/// A text, and the places of its bytes in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    text: String,
    /// The source range of each byte's character, and the place of the end. `None` for the file itself.
    places: Option<Vec<Range<usize>>>,
}

impl Excerpt {
    /// Creates an excerpt of the whole file.
    pub fn whole(text: &str) -> Self {
        Self { text: text.into(), places: None }
    }

    /// Creates an excerpt for the string literal at `span`. One that cannot be aligned byte by byte is placed as a whole.
    pub fn string(&self, span: Range<usize>, value: &str) -> Self {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let places = match align(raw, value) {
            Some(places) => places
                .into_iter()
                .map(|inner| self.in_file(span.start + inner.start..span.start + inner.end))
                .collect(),
            None => vec![self.in_file(span.start..span.start + 1); value.len() + 1],
        };
        Self { text: value.into(), places: Some(places) }
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Maps a range in this text to the file.
    pub fn in_file(&self, span: Range<usize>) -> Range<usize> {
        let Some(places) = &self.places else { return span };
        let place = |byte: usize| places.get(byte).or(places.last()).cloned().unwrap_or_default();
        let first = place(span.start);
        if span.is_empty() {
            return first.start..first.start;
        }
        // Use the end of the last character, not the start of the next: there may be indentation between them.
        first.start..place(span.end - 1).end.max(first.start)
    }
}

/// Returns the range in a JSON or YAML literal of each byte's character, and the end; `None` if literal and value do not
/// match. White space, which YAML folds and trims, is placed by its neighbours.
fn align(literal: &str, value: &str) -> Option<Vec<Range<usize>>> {
    let mut literal = Literal::new(literal);
    let mut places = Vec::with_capacity(value.len() + 1);
    for character in value.chars() {
        let start = literal.next(character)?;
        places.extend((0..character.len_utf8()).map(|_| start..literal.at));
    }
    places.push(literal.at..literal.at);
    Some(places)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Double,
    Single,
    Plain,
}

struct Literal<'a> {
    text: &'a str,
    at: usize,
    style: Style,
}

impl<'a> Literal<'a> {
    fn new(text: &'a str) -> Self {
        let mut at = 0;
        // Anchors and tags.
        while text[at..].starts_with(['&', '!']) {
            let rest = &text[at..];
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            at += word + (rest[word..].len() - rest[word..].trim_start().len());
        }
        let style = match text[at..].chars().next() {
            Some('"') => Style::Double,
            Some('\'') => Style::Single,
            Some('|' | '>') => {
                at += text[at..].find('\n').map_or(text.len() - at, |newline| newline + 1);
                return Self { text, at, style: Style::Plain };
            }
            _ => return Self { text, at, style: Style::Plain },
        };
        Self { text, at: at + 1, style }
    }

    /// Advances past the next character, which must be `wanted`, and returns its place.
    fn next(&mut self, wanted: char) -> Option<usize> {
        if wanted.is_whitespace() {
            return Some(self.blank(wanted));
        }
        loop {
            let start = self.at;
            let (found, length) = self.peek()?;
            if found == Some(wanted) {
                self.at += length;
                return Some(start);
            }
            // YAML folds this white space away.
            if !found.is_none_or(char::is_whitespace) {
                return None;
            }
            self.at += length;
        }
    }

    fn blank(&mut self, wanted: char) -> usize {
        let start = self.at;
        if let Some((found, length)) = self.peek()
            && (found == Some(wanted) || found.is_none_or(char::is_whitespace))
        {
            self.at += length;
        }
        start
    }

    /// Returns the next character and the length of its source; no character for a line continuation.
    fn peek(&self) -> Option<(Option<char>, usize)> {
        let rest = self.text.get(self.at..)?;
        let first = rest.chars().next()?;
        match (self.style, first) {
            (Style::Double, '\\') => escape(&rest[1..]).map(|(found, length)| (found, length + 1)),
            (Style::Single, '\'') if rest.starts_with("''") => Some((Some('\''), 2)),
            _ => Some((Some(first), first.len_utf8())),
        }
    }
}

/// Parses what follows a backslash in a double-quoted string: JSON's escapes, and YAML's additional ones.
fn escape(text: &str) -> Option<(Option<char>, usize)> {
    let kind = text.chars().next()?;
    let simple = |character| Some((Some(character), 1));
    match kind {
        'n' => simple('\n'),
        't' | '\t' => simple('\t'),
        'r' => simple('\r'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{c}'),
        'v' => simple('\u{b}'),
        'a' => simple('\u{7}'),
        'e' => simple('\u{1b}'),
        '0' => simple('\0'),
        'N' => simple('\u{85}'),
        '_' => simple('\u{a0}'),
        '\n' => Some((None, 1)),
        '\r' => Some((None, if text.starts_with("\r\n") { 2 } else { 1 })),
        'x' => coded(text, 2),
        'U' => coded(text, 8),
        'u' => {
            let high = hexadecimal(text.get(1..5)?)?;
            if !(0xd800..0xdc00).contains(&high) {
                return coded(text, 4);
            }
            let low = hexadecimal(text.get(5..)?.strip_prefix("\\u")?.get(..4)?)?;
            let code = 0x1_0000 + ((high - 0xd800) << 10) + low.checked_sub(0xdc00)?;
            Some((Some(char::from_u32(code)?), 11))
        }
        other => Some((Some(other), other.len_utf8())),
    }
}

fn coded(text: &str, digits: usize) -> Option<(Option<char>, usize)> {
    let code = hexadecimal(text.get(1..=digits)?)?;
    Some((Some(char::from_u32(code)?), digits + 1))
}

fn hexadecimal(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::Excerpt;
    use crate::document::yaml;
    use brownout_core::decode::json::Json;

    /// Finds a word of a YAML string in the file: returns what the file has there, and where.
    fn shown(file: &str, word: &str) -> (String, usize) {
        let value = yaml::read(file).expect("YAML").expect("a document");
        let Json::String(text) = value.json else { panic!("a string") };
        let excerpt = Excerpt::whole(file).string(value.places.span(), &text);
        let start = text.find(word).expect("the word");
        let span = excerpt.in_file(start..start + word.len());
        (file[span.clone()].to_owned(), span.start)
    }

    #[test]
    fn a_word_is_found_in_every_style_of_yaml() {
        let files = [
            ("|\n  {\n    \"a\": 1\n  }\n", "\"a\""),
            ("|- # text\n  {\n    \"a\": 1\n  }\n", "1"),
            (">\n  {\"a\":\n  12}\n", "12"),
            ("'it''s {\"a\": 1}'", "\"a\""),
            ("x \"a\" 1,\n  b 2", "b"),
            ("\"caf\u{e9} b\"", "b"),
            ("&x |\n  ab\n  cd\n", "cd"),
        ];
        for (file, word) in files {
            let last = file.rfind(word).expect("the word");
            assert_eq!(shown(file, word), (word.to_owned(), last), "{file}");
        }
    }

    #[test]
    fn an_escape_is_one_character() {
        assert_eq!(shown("\"{\\\"a\\\": 1}\"", "\"a\""), ("\\\"a\\\"".into(), 2));
        assert_eq!(shown("\"\\u00e9\\x41 x\"", "x").1, 12);
        assert_eq!(shown("\"a \\\n   b\"", "b").1, 8);
    }

    #[test]
    fn a_pair_of_surrogates_in_json_is_one_character() {
        let file = "\"\\ud83d\\ude00 x\"";
        let excerpt = Excerpt::whole(file).string(0..file.len(), "\u{1f600} x");
        assert_eq!(excerpt.in_file(5..6), 14..15);
    }

    #[test]
    fn a_string_that_cannot_be_followed_is_placed_as_a_whole() {
        let excerpt = Excerpt::whole("\"abc\"").string(0..5, "xyz");
        assert_eq!(excerpt.in_file(1..2), 0..1);
    }
}
