//! Reports of mistakes in a document, for people and for programs.

mod github;
mod json;
mod text;

pub use github::github;
pub use json::{FileReport, diagnostic, json};
pub use text::text;
