//! `brownout schema`: the JSON Schema of the document.

use crate::terminal::{Done, print};

/// Print the JSON Schema of the document, for editors
///
/// The schema (2020-12) comes from the types that read documents, so that it fits the release that prints it. An editor
/// completes and explains fields by it; `brownout check` knows more.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  brownout schema > brownout.schema.json")]
pub struct Arguments {}

/// Runs it.
pub fn run(_: &Arguments) -> Done {
    print(format_args!("{:#}\n", brownout_core::document::json_schema::schema()));
    Ok(())
}
