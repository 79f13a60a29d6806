//! The lives of documents in the metadata of routes.

use crate::limit::allowance::Scope;
use crate::limit::tally::{Account, Tally};
use crate::time::{Clock, Instant};

use alloc::rc::Rc;
use alloc::string::{String, ToString};
use core::hash::Hasher;
use core::time::Duration;
use siphasher::sip::SipHasher24;

/// The life of a document in the metadata of one route or virtual host: it has counts of its own, and the time from
/// which its schedules run.
#[derive(Debug)]
pub struct Life {
    /// A hash of the name and of the text.
    hash: u64,
    /// The name of the route or virtual host, in front of the names of its rules.
    name: Rc<str>,
    /// The hash, in front of the names of its rules.
    counts: Rc<str>,
    /// When the document was first seen there, by any worker; `None` without a clock.
    pub begun: Option<Instant>,
}

impl Life {
    /// Returns the life of documents that keep no counts.
    pub fn none() -> Self {
        Self::new(0, &[])
    }

    /// Returns the hash of a life, from the hash of its text.
    pub fn hash(text: u64, name: &[u8]) -> u64 {
        let mut hasher = SipHasher24::new();
        hasher.write(name);
        hasher.write_u64(text);
        hasher.finish()
    }

    /// Returns whether it is the life with this hash, and its beginning is known.
    pub fn is(&self, hash: u64) -> bool {
        self.hash == hash && self.begun.is_some()
    }

    fn new(hash: u64, name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name);
        Self { hash, name: (*name).into(), counts: hash.to_string().into(), begun: None }
    }

    /// Returns the names under which a rule is counted here. Names of rules have no slash in them. An edited document
    /// counts anew, but what was held before still is.
    pub fn scope(&self, rule: &str) -> Scope {
        let Self { name, counts, .. } = self;
        let of = |home: &str| [home, "/", rule].concat().into();
        Scope { counts: of(counts), places: of(name) }
    }

    /// Returns a life that begins now, unless a worker has seen it before. Without a clock, its beginning is unknown.
    pub fn begin(hash: u64, name: &[u8], tally: &mut dyn Tally, clock: &dyn Clock) -> Self {
        let mut life = Self::new(hash, name);
        life.begun = clock.now().and_then(|now| life.first_seen(now, tally));
        life
    }

    fn first_seen(&self, now: Instant, tally: &mut dyn Tally) -> Option<Instant> {
        let nanos = u64::try_from(now.0.as_nanos()).unwrap_or(u64::MAX);
        let mut begun = nanos;
        let told = tally.change(Account::Route, &self.counts, &mut |words| {
            match words.first() {
                Some(first) => begun = *first,
                None => words.push(nanos),
            }
            true
        });
        told.then(|| Instant(Duration::from_nanos(begun)))
    }
}
