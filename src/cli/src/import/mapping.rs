//! What each field of the input becomes. Each importer has one table, which the importer follows and the reference in
//! `docs/import.md` shows.

use brownout_core::decode::snake;
use std::fmt::Write;

/// The outcome of importing a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// The document says the same.
    Exact,
    /// The document differs, or a value may lose precision. A note reports it.
    Noted,
    /// It is left out with a note.
    Left,
    /// It is a mistake, or left out with a note if the import is partial.
    Refused,
}

/// A field and its fate.
#[derive(Debug, Clone, Copy)]
pub struct Mapping {
    /// Its path from the message that it belongs to, in snake case unless the table's spelling is exact; `headers[].name`
    /// for elements of lists.
    pub field: &'static str,
    pub fate: Fate,
    /// For fields that are taken, what they become and how; for others, why, and what to use instead.
    pub text: &'static str,
}

/// Returns a row of a table.
pub const fn row(field: &'static str, fate: Fate, text: &'static str) -> Mapping {
    Mapping { field, fate, text }
}

/// The spelling of field names in one kind of input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// In snake case; camel case is read too.
    Snake,
    /// In camel case; snake case is read too.
    Camel,
    /// Exactly as in the table.
    Exact,
}

/// All fields of one kind of input.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    pub rows: &'static [Mapping],
    pub spelling: Spelling,
}

impl Table {
    /// Returns the fields directly inside a message: for `delay`, `delay.percentage` and so on; for the empty path, the
    /// outermost ones.
    pub fn fields_of<'t>(
        &'t self,
        message: &'t str,
    ) -> impl Iterator<Item = (&'static str, &'static Mapping)> + 't {
        self.rows.iter().filter_map(move |mapping| {
            let inside = match message {
                "" => mapping.field,
                _ => mapping.field.strip_prefix(message)?.strip_prefix('.')?,
            };
            (!inside.contains('.')).then_some((inside.trim_end_matches("[]"), mapping))
        })
    }

    /// Returns a name as this kind of input spells it.
    pub fn spelled(&self, name: &str) -> String {
        if self.spelling == Spelling::Camel { camel(name) } else { name.to_owned() }
    }

    /// Returns the table's spelling of a name in the input.
    pub fn key(&self, spelled: &str) -> String {
        if self.spelling == Spelling::Exact { spelled.to_owned() } else { snake(spelled) }
    }

    /// Returns the table in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::from("| field | | becomes |\n|---|---|---|\n");
        for Mapping { field, fate, text: becomes } in self.rows {
            let (fate, nothing) = match fate {
                Fate::Exact => ("exact", ""),
                Fate::Noted => ("noted", ""),
                Fate::Left => ("noted", "nothing: "),
                Fate::Refused => ("refused", ""),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "| `{}` | {fate} | {nothing}{becomes} |", self.spelled(field));
        }
        text
    }
}

fn camel(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut raise = false;
    for character in name.chars() {
        match character {
            '_' => raise = true,
            _ if raise => {
                text.push(character.to_ascii_uppercase());
                raise = false;
            }
            _ => text.push(character),
        }
    }
    text
}
