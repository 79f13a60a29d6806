//! What is wrong with the input, and what its author should know about the document.

use super::mapping::{Fate, Table};
use super::place::{Node, Place};
use brownout_core::decode::diagnostic::{Code, Diagnostic, Severity};
use brownout_core::decode::json::Json;
use brownout_core::decode::{closest, integer, listed};
use std::collections::BTreeSet;

/// Collects everything, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Findings {
    /// Whether what cannot be imported is left out, instead of being a mistake.
    partial: bool,
    /// The mistakes, in the order in which they are found.
    pub mistakes: Vec<(Place, Diagnostic)>,
    /// The notes, in the order in which they are found.
    pub notes: Vec<(Place, String)>,
    /// How much has been left out because no document can say it.
    left_out: usize,
}

impl Findings {
    /// None so far. With `partial`, what cannot be imported is left out with a note.
    pub fn new(partial: bool) -> Self {
        Self { partial, ..Self::default() }
    }

    /// Whether the input is good so far.
    pub fn is_good(&self) -> bool {
        self.mistakes.is_empty()
    }

    /// How much was mistaken or left out so far: what is built meanwhile is whole if this stays the same.
    pub fn losses(&self) -> usize {
        self.mistakes.len() + self.left_out
    }

    /// Something that the author should know.
    pub fn note(&mut self, place: &Place, text: impl Into<String>) {
        let note = (place.clone(), text.into());
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// A mistake of the input: the tool that the input is for would refuse it too.
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

    /// The way out of the mistake told last.
    pub fn help(&mut self, help: impl Into<String>) {
        if let Some((_, last)) = self.mistakes.last_mut() {
            last.help = Some(help.into());
        }
    }

    /// Something good that no document can say: a mistake, or with [`Self::partial`] a note that it is left out.
    pub fn refuse(&mut self, place: &Place, what: &str, why: &str) {
        if self.partial {
            self.left_out += 1;
            self.note(place, format!("left out: {what}; {why}"));
            return;
        }
        self.wrong(place, Code::NotSupported, what, "");
        self.help(format!("{why}; `--partial` imports the rest"));
    }

    /// A value of the wrong type.
    pub fn wrong_type(&mut self, node: &Node<'_>, what: &str, expected: &str) {
        let label = format!("found {}, expected {expected}", node.json);
        self.wrong(&node.place, Code::WrongType, format!("invalid {what}"), label);
    }

    /// The fields of a message that are to be taken. Unknown ones and those given twice are mistakes, those that the
    /// table does not let through are told.
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

    /// The same of fields that stand elsewhere than in an object, and that may belong to any of these messages.
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

    /// The elements of a list.
    pub fn list<'a>(&mut self, node: &Node<'a>) -> Vec<Node<'a>> {
        if !matches!(node.json, Json::Array(_)) {
            self.wrong_type(node, "value", "a list");
        }
        node.elements()
    }

    /// The names and values of a map.
    pub fn map<'a>(&mut self, node: &Node<'a>) -> Vec<(&'a str, Node<'a>)> {
        if !matches!(node.json, Json::Object(_)) {
            self.wrong_type(node, "value", "an object");
        }
        node.entries()
    }

    /// A string.
    pub fn text<'a>(&mut self, node: &Node<'a>) -> Option<&'a str> {
        let text = node.text();
        if text.is_none() {
            self.wrong_type(node, "value", "a string");
        }
        text
    }

    /// A string, or a number as the text of it.
    pub fn text_or_number(&mut self, node: &Node<'_>) -> Option<String> {
        if let Json::Number(number) = node.json {
            return Some(number.to_string());
        }
        self.text(node).map(str::to_owned)
    }

    /// A boolean.
    pub fn flag(&mut self, node: &Node<'_>) -> Option<bool> {
        if let Json::Bool(flag) = node.json {
            return Some(*flag);
        }
        self.wrong_type(node, "value", "`true` or `false`");
        None
    }

    /// A whole number between 0 and `most`. Protobuf's JSON allows it as a string.
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
