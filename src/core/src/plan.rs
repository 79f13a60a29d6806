//! A checked document, ready to decide with.

use crate::diagnostic::Diagnostic;
use crate::json::Json;
use alloc::vec::Vec;

/// A document that has passed every check.
#[derive(Debug, Clone, Default)]
pub struct Plan {}

impl Plan {
    /// Reads a document from JSON text. Nothing at all, blanks and `{}` are the document that does nothing.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_json(text: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        let _ = text;
        Ok(Self {})
    }

    /// Reads a document that somebody else has parsed already (from YAML, or out of a manifest).
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_value(document: &Json) -> Result<Self, Vec<Diagnostic>> {
        let _ = document;
        Ok(Self {})
    }
}
