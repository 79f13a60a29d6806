//! Mistakes in a document, as a person or a program reads them.

mod github;
mod json;
mod text;

pub use github::github;
pub use json::{FileReport, diagnostic, json};
pub use text::text;
