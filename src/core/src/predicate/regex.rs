//! Regular expressions: RE2's syntax, as Envoy has it, on bytes.

use super::string::LONGEST_PATTERN;
use crate::decode::{Decode, Decoder, Fields, schema};
use crate::diagnostic::Code;
use crate::json::Json;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use core::cell::RefCell;
use regex_automata::nfa::thompson::pikevm::{Cache, PikeVM};
use regex_automata::nfa::thompson::{self, Compiler, WhichCaptures};
use regex_automata::{Anchored, Input};
use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{self, ClassSetBinaryOp, ClassSetItem, Visitor};
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{Hir, Look};

/// The most states that a regular expression may have once compiled: some 500 characters have so many. Matching takes
/// at most as many steps for each byte of a value. States and not bytes, which the same expression takes fewer of in
/// the module than in the command.
const MOST_STATES: usize = 512;
/// Where compiling stops, in bytes. Far beyond what so many states take.
const LARGEST: usize = 256 * 1024;
const TOO_LARGE: &str = "it is too large once compiled";
/// How deeply groups may be nested.
const DEEPEST: u32 = 64;

/// A regular expression that the whole string has to match.
///
/// Of regex-automata only the PikeVM: it takes time linear in the value, needs no memory but its cache, and keeps the
/// module a third smaller than the engine that chooses among several.
#[derive(Debug, Clone)]
pub struct Regex {
    text: String,
    vm: PikeVM,
    cache: RefCell<Cache>,
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Why it is not one.
    pub fn new(text: &str) -> Result<Self, String> {
        let ast = ParserBuilder::new().nest_limit(DEEPEST).build().parse(text);
        // Not the error itself, which draws the pattern with a caret under it, over several lines.
        let ast = ast.map_err(|error| error.kind().to_string())?;
        ast::visit(&ast, RefuseArithmetic)?;
        let mut translator = TranslatorBuilder::new().unicode(false).utf8(false).build();
        let hir = translator.translate(text, &ast).map_err(|error| error.kind().to_string())?;
        // Anchored as a tree, not as text: in text, a comment in the pattern could swallow the closing anchor.
        let whole = Hir::concat(vec![Hir::look(Look::Start), hir, Hir::look(Look::End)]);
        let limits = thompson::Config::new()
            .nfa_size_limit(Some(LARGEST))
            .which_captures(WhichCaptures::None)
            .utf8(false);
        let nfa = Compiler::new().configure(limits).build_from_hir(&whole).map_err(|error| {
            match error.size_limit() {
                Some(_) => TOO_LARGE.into(),
                None => error.to_string(),
            }
        })?;
        if nfa.states().len() > MOST_STATES {
            return Err(TOO_LARGE.into());
        }
        let vm = PikeVM::new_from_nfa(nfa).map_err(|error| error.to_string())?;
        let cache = RefCell::new(vm.create_cache());
        Ok(Self { text: text.into(), vm, cache })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The bytes that it takes.
    fn memory(&self) -> usize {
        let cache = self.cache.try_borrow().map_or(0, |cache| cache.memory_usage());
        self.text.len() + self.vm.get_nfa().memory_usage() + cache
    }

    /// Whether the whole value matches.
    pub fn matches(&self, value: &[u8]) -> bool {
        let input = Input::new(value).anchored(Anchored::Yes).earliest(true);
        match self.cache.try_borrow_mut() {
            Ok(mut cache) => self.vm.is_match(&mut cache, input),
            Err(_) => self.vm.is_match(&mut self.vm.create_cache(), input),
        }
    }
}

/// regex-syntax knows operations on character classes that RE2 does not: `[a&&b]` is three characters in Envoy, and
/// would be none here. Nobody should have to know that.
struct RefuseArithmetic;

impl Visitor for RefuseArithmetic {
    type Output = ();
    type Err = String;

    fn finish(self) -> Result<(), String> {
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ClassSetBinaryOp) -> Result<(), String> {
        Err("`&&`, `--` and `~~` inside brackets are not operators in Envoy: put a backslash before them"
            .into())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), String> {
        match item {
            ClassSetItem::Bracketed(_) => {
                Err("brackets inside brackets stand for themselves in Envoy: write `\\[`".into())
            }
            _ => Ok(()),
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

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let text = match json {
            Json::Object(_) => {
                let fields = Fields::of(json, decoder, &[&["regex"]], &["google_re2"])?;
                fields.required::<String>("regex", decoder)?
            }
            _ => String::decode(json, decoder)?,
        };
        if text.is_empty() {
            decoder.refuse::<()>(Code::InvalidValue, "empty pattern", "Envoy refuses it too");
            return decoder.help("write `\"exact\": \"\"` for the empty string, or `.*` for any");
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
