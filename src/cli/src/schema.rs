//! `brownout schema`: the JSON Schema of the document.

use crate::terminal::{Done, print};

/// Print the JSON Schema of the document, for editors
///
/// The schema (2020-12) is generated from the types that read documents, so it matches the release that prints it.
/// Editors use it to complete and explain fields; `brownout check` finds more mistakes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  brownout schema > brownout.schema.json")]
pub struct Arguments {}

/// Prints the JSON schema of documents.
pub fn run(_: &Arguments) -> Done {
    print(format_args!("{:#}\n", brownout_core::document::json_schema::schema()));
    Ok(())
}
