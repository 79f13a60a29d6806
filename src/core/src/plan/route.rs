//! Rules in the metadata of routes and virtual hosts.
//!
//! They cannot be rejected when they are pushed: an invalid one is reported to the operator and otherwise does nothing.

use crate::decode::Decoder;
use crate::decode::diagnostic::Diagnostic;
use crate::document::RouteDocument;
use crate::document::mode::Mode;
use crate::document::rule::Rule;
use crate::id::RuleId;
use crate::plan::parse;
use crate::plan::rules::RuleSet;
use crate::view::{Property, RequestView};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The number of documents kept parsed. A route table with more of them works, but is parsed more than once.
const MOST_TEXTS: usize = 1024;
/// The number of bytes kept in total: of texts, and of their compiled regular expressions.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The rules of a route, or `None` if its document is invalid.
pub type RouteRules = Option<Rc<RuleSet>>;

/// The result of looking up a text.
pub struct Looked {
    pub rules: RouteRules,
    /// The mistakes in it, only the first time that it is seen.
    pub mistakes: Vec<Diagnostic>,
}

/// Returns the document text for a request's route: from the route itself, or else from its virtual host.
pub fn text(request: &dyn RequestView) -> Option<Vec<u8>> {
    request.property(Property::RouteDocument).or_else(|| request.property(Property::VirtualHostDocument))
}

/// Reads the text of a document for routes, as [`RouteCache`] does.
///
/// # Errors
/// Every mistake in it.
pub fn read(text: &[u8]) -> Result<RouteDocument, Vec<Diagnostic>> {
    parse(text).and_then(|json| Decoder::decode(&json))
}

/// Parsed texts, evicted first in, first out.
#[derive(Debug, Default)]
pub struct RouteCache {
    known: BTreeMap<Rc<[u8]>, RouteRules>,
    order: VecDeque<(Rc<[u8]>, usize)>,
    bytes: usize,
}

impl RouteCache {
    /// Returns the rules of a text, which is parsed if it is new. `id` assigns each rule its number.
    pub fn look_up(
        &mut self,
        text: &[u8],
        mode: Mode,
        request: &dyn RequestView,
        id: impl FnMut(usize, &Rule) -> RuleId,
    ) -> Looked {
        if let Some(rules) = self.known.get(text) {
            return Looked { rules: rules.clone(), mistakes: Vec::new() };
        }
        let parsed = parse(text).and_then(|json| Decoder::decode_weighed::<RouteDocument>(&json));
        let (rules, mistakes, weight) = match parsed {
            Ok((document, weight)) => {
                document.rules.settle(&|property| request.property(property));
                let rules = RuleSet::new(document.rules, mode, id);
                (Some(Rc::new(rules)), Vec::new(), weight)
            }
            Err(mistakes) => (None, mistakes, 0),
        };
        self.keep(text, weight, rules.clone());
        Looked { rules, mistakes }
    }

    fn keep(&mut self, text: &[u8], weight: usize, rules: RouteRules) {
        let bytes = text.len() + weight;
        while self.order.len() >= MOST_TEXTS || self.bytes + bytes > MOST_BYTES {
            let Some((oldest, freed)) = self.order.pop_front() else { break };
            self.bytes -= freed;
            self.known.remove(&oldest);
        }
        let text: Rc<[u8]> = text.into();
        self.bytes += bytes;
        self.order.push_back((Rc::clone(&text), bytes));
        self.known.insert(text, rules);
    }
}
