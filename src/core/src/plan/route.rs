//! Rules in the metadata of routes and virtual hosts.
//!
//! They cannot be rejected when they are pushed: an invalid one is reported to the operator and otherwise does nothing.

use crate::decode::Decoder;
use crate::decode::diagnostic::Diagnostic;
use crate::document::RouteDocument;
use crate::document::mode::Mode;
use crate::document::rule::Rule;
use crate::id::RuleId;
use crate::limit::tally::Tally;
use crate::plan::life::Life;
use crate::plan::parse;
use crate::plan::rules::RuleSet;
use crate::table::Table;
use crate::time::Clock;
use crate::view::{Property, RequestView};
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::hash::Hasher;
use siphasher::sip::SipHasher24;

/// The number of documents kept parsed. A route table with more of them works, but is parsed more than once.
const MOST_TEXTS: usize = 1024;
/// The number of bytes kept in total: of texts, and of their compiled regular expressions.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The rules of a route, or `None` if its document is invalid.
pub type RouteRules = Option<Rc<RuleSet>>;

/// The result of looking up a text.
pub struct Looked {
    pub rules: RouteRules,
    /// The hash of the text.
    pub hash: u64,
    /// The mistakes in it, only the first time that it is seen.
    pub mistakes: Vec<Diagnostic>,
}

/// Returns the document text for a request's route, from the route itself or else from its virtual host, and the
/// property that names that one.
pub fn text(request: &dyn RequestView) -> Option<(Vec<u8>, Property<'static>)> {
    let of = |document, name| Some((request.property(document)?, name));
    of(Property::RouteDocument, Property::RouteName)
        .or_else(|| of(Property::VirtualHostDocument, Property::VirtualHostName))
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
    /// By the hash of the text.
    known: Table<(Rc<[u8]>, RouteRules)>,
    /// Hashes, oldest first, and the bytes that each takes.
    order: VecDeque<(u32, usize)>,
    bytes: usize,
    /// By half of their hash. Workers share their contents, so this worker may forget them.
    lives: Table<Rc<Life>>,
    lives_kept: usize,
    /// A shared life for documents that keep no counts.
    anybody: Option<Rc<Life>>,
}

fn hash(text: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write(text);
    hasher.finish()
}

#[allow(clippy::cast_possible_truncation, reason = "any 32 bits will do")]
fn half(hash: u64) -> u32 {
    hash as u32
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
        let hash = hash(text);
        let same = self.known.get(half(hash)).filter(|(known, _)| **known == *text);
        if let Some((_, rules)) = same {
            return Looked { rules: rules.clone(), hash, mistakes: Vec::new() };
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
        self.keep(half(hash), text, weight, rules.clone());
        Looked { rules, hash, mistakes }
    }

    /// Returns a shared life for documents that keep no counts.
    pub fn no_life(&mut self) -> Rc<Life> {
        Rc::clone(self.anybody.get_or_insert_with(|| Rc::new(Life::none())))
    }

    /// Returns the life of a text under this name, which begins now if no worker has seen it before.
    pub fn life(&mut self, text: u64, name: &[u8], tally: &mut dyn Tally, clock: &dyn Clock) -> Rc<Life> {
        let hash = Life::hash(text, name);
        if let Some(life) = self.lives.get(half(hash)).filter(|life| life.is(hash)) {
            return Rc::clone(life);
        }
        let life = Rc::new(Life::begin(hash, name, tally, clock));
        if self.lives_kept >= MOST_TEXTS {
            self.lives.clear();
            self.lives_kept = 0;
        }
        self.lives_kept += usize::from(self.lives.insert(half(hash), Rc::clone(&life)).is_none());
        life
    }

    fn keep(&mut self, hash: u32, text: &[u8], weight: usize, rules: RouteRules) {
        if self.known.contains(hash) {
            // Another text with the same hash: about one in four million at the most texts that are kept.
            return;
        }
        let bytes = text.len() + weight;
        while self.order.len() >= MOST_TEXTS || self.bytes + bytes > MOST_BYTES {
            let Some((oldest, freed)) = self.order.pop_front() else { break };
            self.bytes -= freed;
            self.known.remove(oldest);
        }
        self.bytes += bytes;
        self.order.push_back((hash, bytes));
        self.known.insert(hash, (text.into(), rules));
    }
}
