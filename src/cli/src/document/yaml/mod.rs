//! Reads YAML 1.2 as a JSON value, with the place of everything in it.

mod scalar;

use super::places::{Field, Places};
use super::text;
use brownout_core::decode::json::Json;
use saphyr_parser::{Event, Parser, Span};
use std::collections::HashMap;
use std::ops::Range;

/// The deepest nesting, as in the JSON parser.
const DEEPEST: usize = 127;
/// The most values that anchors and aliases may copy: a few lines of YAML can expand to billions.
const MOST_COPIES: usize = 200_000;

/// A value and the places in it.
#[derive(Debug, Clone)]
pub struct Value {
    pub json: Json,
    pub places: Places,
    /// The number of values in it, including itself.
    size: usize,
}

impl Value {
    /// Returns the value as JSON text. Duplicate fields are kept.
    pub fn text(&self) -> String {
        text::json(&self.json)
    }
}

/// Why a text is not YAML that a document can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub reason: String,
    /// The byte range of the mistake in the text.
    pub span: Range<usize>,
}

/// Reads the one YAML document in a text; `None` if there is none.
///
/// # Errors
/// The first mistake.
pub fn read(text: &str) -> Result<Option<Value>, Error> {
    Ok(documents(text, false)?.pop())
}

/// Reads all the YAML documents in a text.
///
/// # Errors
/// The first mistake.
pub fn read_all(text: &str) -> Result<Vec<Value>, Error> {
    documents(text, true)
}

fn documents(text: &str, several: bool) -> Result<Vec<Value>, Error> {
    let mut reader = Reader::new(text, several);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| {
            let at = reader.offset(error.marker().index());
            Error { reason: error.info().to_owned(), span: at..at }
        })?;
        reader.take(event, span)?;
    }
    Ok(reader.documents)
}

/// A list or object that is still open.
struct Open {
    start: Range<usize>,
    anchor: usize,
    kind: Collection,
    size: usize,
}

enum Collection {
    List { elements: Vec<Json>, places: Vec<Places> },
    Object { fields: Vec<(String, Json)>, places: Vec<Field>, key: Option<(String, Range<usize>)> },
}

struct Reader<'a> {
    text: &'a str,
    /// Byte offsets of the characters; the parser counts characters.
    offsets: Vec<usize>,
    open: Vec<Open>,
    anchors: HashMap<usize, Value>,
    copies: usize,
    /// True if the text may hold more than one YAML document.
    several: bool,
    documents: Vec<Value>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str, several: bool) -> Self {
        let offsets = text.char_indices().map(|(offset, _)| offset).collect();
        let (open, anchors, documents) = (Vec::new(), HashMap::new(), Vec::new());
        Self { text, offsets, open, anchors, copies: 0, several, documents }
    }

    fn offset(&self, character: usize) -> usize {
        self.offsets.get(character).copied().unwrap_or(self.text.len())
    }

    fn bytes(&self, span: Span) -> Range<usize> {
        self.offset(span.start.index())..self.offset(span.end.index())
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Error> {
        let span = self.bytes(span);
        let fail = |reason: &str, span: Range<usize>| Err(Error { reason: reason.to_owned(), span });
        match event {
            Event::DocumentStart(_) if !self.several && !self.documents.is_empty() => {
                fail("a second document in the same file", span)
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.expects_key() {
                    return self.key(text.into_owned(), span);
                }
                let Some(json) = scalar::resolve(&text, style, tag.as_deref()) else {
                    return fail("unsupported tag", span);
                };
                self.close(anchor, Value { json, places: Places::leaf(span), size: 1 })
            }
            Event::Alias(_) if self.expects_key() => fail("an alias as a field name", span),
            Event::Alias(anchor) => {
                let Some(size) = self.anchors.get(&anchor).map(|value| value.size) else {
                    return fail("an alias to a value that is not complete yet", span);
                };
                self.copying(size, &span)?;
                let value = self.anchors[&anchor].clone();
                self.close(0, value)
            }
            Event::SequenceStart(anchor, _) => {
                self.start(span, anchor, Collection::List { elements: Vec::new(), places: Vec::new() })
            }
            Event::MappingStart(anchor, _) => self.start(
                span,
                anchor,
                Collection::Object { fields: Vec::new(), places: Vec::new(), key: None },
            ),
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            _ => Ok(()),
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.open.last(), Some(Open { kind: Collection::Object { key: None, .. }, .. }))
    }

    fn key(&mut self, name: String, span: Range<usize>) -> Result<(), Error> {
        if let Some(Open { kind: Collection::Object { key, .. }, .. }) = self.open.last_mut() {
            *key = Some((name, span));
        }
        Ok(())
    }

    fn start(&mut self, start: Range<usize>, anchor: usize, kind: Collection) -> Result<(), Error> {
        if self.expects_key() {
            return Err(Error { reason: "a list or object as a field name".into(), span: start });
        }
        if self.open.len() >= DEEPEST {
            return Err(Error { reason: format!("nested more than {DEEPEST} levels deep"), span: start });
        }
        self.open.push(Open { start, anchor, kind, size: 1 });
        Ok(())
    }

    fn end(&mut self, end: Range<usize>) -> Result<(), Error> {
        let Some(Open { start, anchor, kind, size }) = self.open.pop() else { return Ok(()) };
        // With an anchor, the start span includes it; the bracket is its last character.
        let is_flow = matches!(&self.text[end.clone()], "]" | "}");
        let brackets = start.end.saturating_sub(1)..end.end;
        let value = match kind {
            Collection::List { elements, places } => {
                let span = if is_flow { brackets } else { dash(&start) };
                Value { json: Json::Array(elements), places: Places::list(span, places), size }
            }
            Collection::Object { fields, places, .. } => {
                // A block has no bracket to point to, so point to its first field.
                let first = places.first().map(|field| field.key.clone());
                let span = if is_flow { brackets } else { first.unwrap_or(start) };
                Value { json: Json::Object(fields), places: Places::object(span, places), size }
            }
        };
        self.close(anchor, value)
    }

    /// Counts values that are about to be copied, and fails above the limit.
    fn copying(&mut self, values: usize, span: &Range<usize>) -> Result<(), Error> {
        self.copies += values;
        if self.copies > MOST_COPIES {
            let reason = format!("aliases expand to more than {MOST_COPIES} values");
            return Err(Error { reason, span: span.clone() });
        }
        Ok(())
    }

    /// Adds a complete value to the innermost open collection.
    fn close(&mut self, anchor: usize, value: Value) -> Result<(), Error> {
        if anchor != 0 {
            self.copying(value.size, &value.places.span())?;
            self.anchors.insert(anchor, value.clone());
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(value);
            return Ok(());
        };
        open.size += value.size;
        match &mut open.kind {
            Collection::List { elements, places } => {
                elements.push(value.json);
                places.push(value.places);
            }
            Collection::Object { fields, places, key } => {
                if let Some((name, key)) = key.take() {
                    fields.push((name.clone(), value.json));
                    places.push(Field { name, key, value: value.places });
                }
            }
        }
        Ok(())
    }
}

/// Returns the dash before the first element of a block list.
fn dash(start: &Range<usize>) -> Range<usize> {
    start.start..start.start + 1
}
