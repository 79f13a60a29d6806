//! Mistakes in a document, as a person or a program reads them.

mod json;
mod text;

pub use json::{FileReport, diagnostic, json};
pub use text::text;
