//! A checked document, ready to decide with.

use crate::decode::Decoder;
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::document::{Document, Mode, Rule};
use crate::entropy::Entropy;
use crate::fault::{Effects, Kinds, draws};
use crate::json::Json;
use crate::path::Path;
use crate::view::RequestView;
use crate::wire;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

/// The longest document, in bytes.
pub const LONGEST_DOCUMENT: usize = 1024 * 1024;

/// Which rule of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub usize);

/// What a plan wants to happen to a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Decision {
    /// The rule that took the request.
    pub rule: RuleId,
    /// Whether to do it, or only to count it.
    pub mode: Mode,
    /// What is to happen.
    pub effects: Effects,
    /// Through which faults.
    pub kinds: Kinds,
}

/// A document that has passed every check.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    document: Document,
    /// The rules that can do something, with the mode in force for each.
    live: Vec<(RuleId, Mode)>,
}

impl Plan {
    /// Reads a document from JSON text. Nothing at all, blanks and `{}` are the document that does nothing.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_json(text: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        if text.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::default());
        }
        if text.len() > LONGEST_DOCUMENT {
            return Err(vec![Diagnostic {
                severity: Severity::Error,
                code: Code::TooLong,
                path: Path::default(),
                position: None,
                message: "document too long".into(),
                label: format!("{} bytes, at most {LONGEST_DOCUMENT} are allowed", text.len()),
                help: None,
            }]);
        }
        match Json::parse(text) {
            Ok(json) => Self::from_value(&json),
            Err(_) if wire::is_struct(text) => Err(vec![wire::sent_as_struct()]),
            Err(mistake) => Err(vec![mistake]),
        }
    }

    /// Reads a document that somebody else has parsed already (from YAML, or out of a manifest).
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn from_value(document: &Json) -> Result<Self, Vec<Diagnostic>> {
        Decoder::decode(document).map(Self::new)
    }

    fn new(document: Document) -> Self {
        let mode = document.mode.unwrap_or_default();
        let live =
            document.rules.iter().flat_map(|rules| rules.0.iter().enumerate()).filter_map(|(index, rule)| {
                // A rule can only do less than its document.
                let mode = mode.min(rule.mode.unwrap_or_default());
                (mode != Mode::Off).then_some((RuleId(index), mode))
            });
        let live = live.collect();
        Self { document, live }
    }

    /// The document's mode.
    pub fn mode(&self) -> Mode {
        self.document.mode.unwrap_or_default()
    }

    /// The rules, in the order of the document; a [`RuleId`] is a place in it.
    pub fn rules(&self) -> &[Rule] {
        self.document.rules.as_ref().map_or(&[], |rules| &rules.0)
    }

    /// A rule's name.
    pub fn rule_name(&self, rule: RuleId) -> &str {
        self.rules().get(rule.0).map_or("", |rule| rule.name.as_str())
    }

    /// The document, to be printed.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// Whether no request can suffer anything.
    pub fn is_idle(&self) -> bool {
        self.live.is_empty()
    }

    /// Chooses the first rule that matches the request and takes it. `matched` hears of each rule that matches.
    pub fn decide(
        &self,
        request: &dyn RequestView,
        entropy: &mut dyn Entropy,
        matched: &mut dyn FnMut(RuleId),
    ) -> Option<Decision> {
        for (id, mode) in &self.live {
            let Some(rule) = self.rules().get(id.0) else { continue };
            if !rule.matches.as_ref().is_none_or(|predicate| predicate.matches(request)) {
                continue;
            }
            matched(*id);
            if draws(rule.percentage, entropy) {
                let (effects, kinds) = rule.faults.draw(request, entropy);
                return Some(Decision { rule: *id, mode: *mode, effects, kinds });
            }
        }
        None
    }
}
