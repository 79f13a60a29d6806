//! The places of a document's values in a text.

use brownout_core::decode::diagnostic::Code;
use brownout_core::decode::path::{Path, Segment};
use brownout_core::decode::snake;
use std::ops::Range;

/// The place of a value, and of the values inside it. All places are in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The part that a message about the value points to.
    span: Range<usize>,
    inner: Inner,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Inner {
    Leaf,
    Elements(Vec<Places>),
    Fields(Vec<Field>),
}

/// The place of a field of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The name, as the text has it.
    pub name: String,
    /// The place of the name.
    pub key: Range<usize>,
    /// The place of the value.
    pub value: Places,
}

impl Places {
    /// Creates the place of a value with nothing inside.
    pub fn leaf(span: Range<usize>) -> Self {
        Self { span, inner: Inner::Leaf }
    }

    /// Creates the places of a list.
    pub fn list(span: Range<usize>, elements: Vec<Self>) -> Self {
        Self { span, inner: Inner::Elements(elements) }
    }

    /// Creates the places of an object: its fields in the order of the text, including duplicates.
    pub fn object(span: Range<usize>, fields: Vec<Field>) -> Self {
        Self { span, inner: Inner::Fields(fields) }
    }

    /// Returns the part that a message about the value points to.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns the place of a field's value.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Inner::Fields(fields) = &self.inner else { return None };
        fields.iter().find(|field| field.name == name).map(|field| &field.value)
    }

    /// Returns the place of a field's name.
    pub fn name(&self, name: &str) -> Option<Range<usize>> {
        let Inner::Fields(fields) = &self.inner else { return None };
        fields.iter().find(|field| field.name == name).map(|field| field.key.clone())
    }

    /// Returns the place of a list element.
    pub fn element(&self, index: usize) -> Option<&Self> {
        let Inner::Elements(elements) = &self.inner else { return None };
        elements.get(index)
    }

    /// Returns the part of the text that a mistake at `path` is about: the field's name if the field should not be
    /// there, else the value; if the path goes deeper than the text, the innermost value that exists. `earlier` is the
    /// number of equal mistakes before this one: a field may be given three times.
    pub fn find(&self, path: &Path, code: Code, earlier: usize) -> Range<usize> {
        let mut here = self;
        for (depth, segment) in path.segments().iter().enumerate() {
            let is_last = depth + 1 == path.segments().len();
            match (&here.inner, segment) {
                (Inner::Elements(elements), Segment::Index(index)) => match elements.get(*index) {
                    Some(element) => here = element,
                    None => break,
                },
                (Inner::Fields(fields), Segment::Field(name)) => {
                    let written: Vec<&Field> = fields.iter().filter(|field| field.name == *name).collect();
                    // Messages about a checked document use the documented field names.
                    let named = match written.is_empty() {
                        true => fields.iter().filter(|field| snake(&field.name) == *name).collect(),
                        false => written,
                    };
                    let Some(first) = named.first() else { break };
                    if is_last && is_about_the_name(code) {
                        // The first of two is the one that counts; the others are the mistakes.
                        let which = if code == Code::DuplicateField { earlier + 1 } else { earlier };
                        return named[which.min(named.len() - 1)].key.clone();
                    }
                    here = &first.value;
                }
                _ => break,
            }
        }
        here.span.clone()
    }
}

fn is_about_the_name(code: Code) -> bool {
    matches!(code, Code::UnknownField | Code::NotSupported | Code::DuplicateField)
}
