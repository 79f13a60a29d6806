//! Mistakes in the input, and notes about the document for its author.

use super::mapping::{Fate, Table};
use super::place::{Node, Place};
use brownout_core::decode::diagnostic::{Code, Diagnostic, Severity};
use brownout_core::decode::json::Json;
use brownout_core::decode::{closest, integer, listed};
use std::collections::BTreeSet;

/// Collects all findings, so that they are reported together.
#[derive(Debug, Default)]
pub struct Findings {
    /// True to leave out input that no document can express; false to report a mistake.
    partial: bool,
    /// The mistakes, in the order in which they are found.
    pub mistakes: Vec<(Place, Diagnostic)>,
    /// The notes, in the order in which they are found.
    pub notes: Vec<(Place, String)>,
    /// The number of things left out because no document can express them.
    left_out: usize,
}

impl Findings {
    /// Creates an empty list. With `partial`, what cannot be imported is left out with a note.
    pub fn new(partial: bool) -> Self {
        Self { partial, ..Self::default() }
    }

    /// Returns whether the input has no mistakes so far.
    pub fn is_good(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// Returns the number of mistakes and omissions so far: a value is complete if building it does not change this.
    pub fn losses(&self) -> usize {
        self.mistakes.len() + self.left_out
    }

    /// Adds a note for the author.
    pub fn note(&mut self, place: &Place, text: impl Into<String>) {
        let note = (place.clone(), text.into());
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Adds a mistake in the input, which the tool that it was written for would reject too.
    pub fn wrong(&mut self, place: &Place, code: Code, message: impl Into<String>, label: impl Into<String>) {
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code,
            path: place.path.clone(),
            position: None,
            message: message.into(),
            label: label.into(),
            help: None,
        };
        self.mistakes.push((place.clone(), diagnostic));
    }

    /// Adds help to the last mistake.
    pub fn help(&mut self, help: impl Into<String>) {
        if let Some((_, last)) = self.mistakes.last_mut() {
            last.help = Some(help.into());
        }
    }

    /// Reports valid input that no document can express: as a mistake, or with [`Self::partial`] as a note.
    pub fn refuse(&mut self, place: &Place, what: &str, why: &str) {
        if self.partial {
            self.left_out += 1;
            self.note(place, format!("left out: {what}; {why}"));
            return;
        }
        self.wrong(place, Code::NotSupported, what, "");
        self.help(format!("{why}; `--partial` imports the rest"));
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type(&mut self, node: &Node<'_>, what: &str, expected: &str) {
        let label = format!("found {}, expected {expected}", node.json);
        self.wrong(&node.place, Code::WrongType, format!("invalid {what}"), label);
    }

    /// Returns the fields of a message that can be imported. Unknown and duplicate fields are mistakes; fields that the
    /// table does not import are reported.
    pub fn open<'a>(
        &mut self,
        node: &Node<'a>,
        table: &Table,
        message: &str,
    ) -> Option<Vec<(&'static str, Node<'a>)>> {
        if !matches!(node.json, Json::Object(_)) {
            self.wrong_type(node, "value", "an object");
            return None;
        }
        Some(self.take(node.entries(), table, &[message]))
    }

    /// Like [`Self::open`], for fields that are not in an object and may belong to any of these messages.
    pub fn take<'a>(
        &mut self,
        entries: Vec<(&'a str, Node<'a>)>,
        table: &Table,
        messages: &[&str],
    ) -> Vec<(&'static str, Node<'a>)> {
        let known: Vec<_> = messages.iter().flat_map(|message| table.fields_of(message)).collect();
        let mut taken = Vec::new();
        let mut seen = BTreeSet::new();
        for (spelled, inner) in entries {
            if spelled == "@type" {
                continue;
            }
            let name = table.key(spelled);
            if !seen.insert(name.clone()) {
                self.wrong(&inner.place, Code::DuplicateField, format!("field `{spelled}` given twice"), "");
                continue;
            }
            let Some((known, mapping)) = known.iter().find(|(known, _)| *known == name) else {
                let names: Vec<String> = known.iter().map(|(name, _)| table.spelled(name)).collect();
                self.unknown(&inner, spelled, &names);
                continue;
            };
            if *inner.json == Json::Null {
                continue;
            }
            match mapping.fate {
                Fate::Exact | Fate::Noted => taken.push((*known, inner)),
                Fate::Left => self.note(&inner.place, format!("left out: {}", mapping.text)),
                Fate::Refused => {
                    self.refuse(&inner.place, &format!("`{spelled}` cannot be imported"), mapping.text)
                }
            }
        }
        taken
    }

    fn unknown(&mut self, node: &Node<'_>, spelled: &str, names: &[String]) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let label = format!("expected {}", listed(&names));
        self.wrong(&node.place, Code::UnknownField, format!("unknown field `{spelled}`"), label);
        if let Some(close) = closest(spelled, &names) {
            self.help(format!("did you mean `{close}`?"));
        }
    }

    /// Returns the elements of a list.
    pub fn list<'a>(&mut self, node: &Node<'a>) -> Vec<Node<'a>> {
        if !matches!(node.json, Json::Array(_)) {
            self.wrong_type(node, "value", "a list");
        }
        node.elements()
    }

    /// Returns the names and values of a map.
    pub fn map<'a>(&mut self, node: &Node<'a>) -> Vec<(&'a str, Node<'a>)> {
        if !matches!(node.json, Json::Object(_)) {
            self.wrong_type(node, "value", "an object");
        }
        node.entries()
    }

    /// Reads a string; a value of another type is a mistake.
    pub fn text<'a>(&mut self, node: &Node<'a>) -> Option<&'a str> {
        let text = node.text();
        if text.is_none() {
            self.wrong_type(node, "value", "a string");
        }
        text
    }

    /// Reads a string, or a number as a string.
    pub fn text_or_number(&mut self, node: &Node<'_>) -> Option<String> {
        if let Json::Number(number) = node.json {
            return Some(number.to_string());
        }
        self.text(node).map(str::to_owned)
    }

    /// Reads a boolean; a value of another type is a mistake.
    pub fn flag(&mut self, node: &Node<'_>) -> Option<bool> {
        if let Json::Bool(flag) = node.json {
            return Some(*flag);
        }
        self.wrong_type(node, "value", "`true` or `false`");
        None
    }

    /// Reads a whole number from 0 to `most`. Protobuf's JSON also allows it as a string.
    pub fn unsigned(&mut self, node: &Node<'_>, most: u64) -> Option<u64> {
        let number = match node.json {
            Json::String(text) => text.parse().ok(),
            Json::Number(number) => {
                number.as_u64().or_else(|| integer(node.json).and_then(|n| u64::try_from(n).ok()))
            }
            _ => None,
        };
        let number = number.filter(|number| *number <= most);
        if number.is_none() {
            self.wrong_type(node, "number", &format!("a whole number from 0 to {most}"));
        }
        number
    }
}
