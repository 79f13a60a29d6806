//! Regular expressions: RE2's syntax, as in Envoy, on bytes.
//!
//! regex-syntax parses a pattern; the rest is our own. A document's patterns only need to match a whole value, as
//! bytes: without searching, captures and Unicode, the compiler and the machine are some 500 lines. They take 9 KB of
//! the module; regex-syntax's second tree and regex-automata, which a test compares them with, took 125 KB.

mod class;
mod compile;
mod machine;

use super::string::LONGEST_PATTERN;
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Fields, Refused, schema};
use crate::view::effort::Effort;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::RefCell;
use machine::{Scratch, State};
use regex_syntax::ast::parse::ParserBuilder;
use serde::{Serialize, Serializer};

/// The deepest nesting of groups.
const DEEPEST: u32 = 64;

/// A regular expression that must match the whole string, in time linear in the string's length.
#[derive(Debug, Clone)]
pub struct Regex {
    text: String,
    states: Vec<State>,
    scratch: RefCell<Scratch>,
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// The reason why the pattern is invalid.
    pub fn new(text: &str) -> Result<Self, String> {
        let ast = ParserBuilder::new().nest_limit(DEEPEST).build().parse(text);
        // Only the kind: the error itself prints the pattern with a caret, over several lines.
        let ast = ast.map_err(|error| error.kind().to_string())?;
        let states = compile::compile(&ast)?;
        let scratch = RefCell::new(Scratch::new(&states));
        Ok(Self { text: text.into(), states, scratch })
    }

    /// Returns the pattern as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the memory that it takes, in bytes.
    fn memory(&self) -> usize {
        let states = self.states.len();
        self.text.len() + states * size_of::<State>() + Scratch::memory(states)
    }

    /// Returns whether the whole value matches.
    pub fn matches(&self, value: &[u8]) -> bool {
        self.run(value, &mut |_| true)
    }

    /// Returns whether the whole value matches; `false` if the budget runs out.
    pub fn matches_within(&self, value: &[u8], effort: &Effort) -> bool {
        self.run(value, &mut |states| effort.spend(states))
    }

    fn run(&self, value: &[u8], spend: &mut dyn FnMut(usize) -> bool) -> bool {
        match self.scratch.try_borrow_mut() {
            Ok(mut scratch) => machine::run(&self.states, value, &mut scratch, spend),
            Err(_) => machine::run(&self.states, value, &mut Scratch::new(&self.states), spend),
        }
    }
}

impl Decode for Regex {
    const EXPECTED: &'static str = "a regular expression";

    schema!(|_| serde_json::json!({
        "oneOf": [
            { "type": "string" },
            {
                "type": "object",
                "properties": { "regex": { "type": "string" }, "google_re2": { "type": "object" } },
                "required": ["regex"],
            },
        ],
        "examples": ["/api/v[12]/.*"],
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let text = match json {
            Json::Object(_) => {
                let fields = Fields::of(json, decoder, &[&["regex"]], &["google_re2"])?;
                fields.required::<String>("regex", decoder)?
            }
            _ => String::decode(json, decoder)?,
        };
        if text.is_empty() {
            return decoder.refuse_with_help(
                Code::InvalidValue,
                "empty pattern",
                "Envoy refuses it too",
                "write `\"exact\": \"\"` for the empty string, or `.*` for any",
            );
        }
        if text.len() > LONGEST_PATTERN {
            let label = format!("{} bytes, at most {LONGEST_PATTERN} are allowed", text.len());
            return decoder.refuse(Code::OutOfRange, "regular expression too long", label);
        }
        match Self::new(&text) {
            Ok(regex) => decoder.take_memory(regex.memory()).map(|()| regex),
            Err(reason) => decoder.refuse(Code::InvalidValue, "invalid regular expression", reason),
        }
    }
}

impl Serialize for Regex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.text())
    }
}
