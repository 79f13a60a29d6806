//! The fields of a message of the input, and the parts of a document that are made of them.

use super::built::Built;
use super::findings::Findings;
use super::place::Node;

/// The fields that a table lets through.
#[derive(Debug, Clone, Default)]
pub struct Fields<'a>(Vec<(&'static str, Node<'a>)>);

impl<'a> Fields<'a> {
    /// Wraps the fields of an opened message.
    pub fn new(fields: Vec<(&'static str, Node<'a>)>) -> Self {
        Self(fields)
    }

    /// Returns a field by its name, if it is present.
    pub fn find(&self, name: &str) -> Option<&Node<'a>> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, node)| node)
    }

    /// Converts a field, if it is present.
    pub fn then<'s, T>(&'s self, name: &str, becomes: impl FnOnce(&'s Node<'a>) -> Option<T>) -> Option<T> {
        self.find(name).and_then(becomes)
    }

    /// Leaves out fields that have no effect here, with a note.
    pub fn ignore(&self, names: &[&str], why: &str, findings: &mut Findings) {
        for name in names {
            if let Some(node) = self.find(name) {
                findings.note(&node.place, format!("left out: {why}"));
            }
        }
    }
}

/// Builds an object of the document from these fields, in this order, omitting absent ones.
pub fn object<const N: usize>(fields: [(&str, Option<Built>); N]) -> Option<Built> {
    let given: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    (!given.is_empty()).then(|| Built::object(given))
}
