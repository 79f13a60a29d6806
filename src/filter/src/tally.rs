//! Counting over all workers of the proxy, in the host's shared data.
//!
//! A count belongs to a document: it begins with 0 when the document arrives, and the same document pushed again
//! later begins anew. Workers take a document over one after another within moments of each other; what makes their
//! counts one is the generation that the first of them writes down and the others, if they come soon enough, join.

use crate::host;
use brownout_core::tally::Tally;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::rc::Rc;

/// How long after the first worker the last one may take over a document, in nanoseconds.
const TAKEOVER: u64 = 5_000_000_000;
/// How often a write is tried when other workers write at the same time.
const TRIES: usize = 100;
/// A version that no value has. The host takes any version for a key that is not there, so that of two workers which
/// find none only one can make it; with 0, which stands for any version, the second would undo the first's count.
const NO_VERSION: u32 = u32::MAX;
/// proxy-wasm's status for a write that came too late.
const CAS_MISMATCH: host::Failed = host::Failed(8);

/// Counts of one document, over all workers.
#[derive(Debug)]
pub struct SharedTally {
    generation: Generation,
    /// Keys of shared data, made once for each count.
    keys: BTreeMap<(&'static str, Rc<str>), String>,
}

impl SharedTally {
    /// Joins the generation of the document with this text, or begins it.
    pub fn new(text: &[u8]) -> Self {
        Self { generation: Generation::join(text), keys: BTreeMap::new() }
    }

    /// Whether nobody has joined this generation before.
    pub fn is_first(&self) -> bool {
        self.generation.first
    }

    fn key(&mut self, what: &'static str, scope: &Rc<str>) -> String {
        let slot = self.generation.slot;
        let new = || format!("brownout.{what}.{slot}.{scope}");
        self.keys.entry((what, Rc::clone(scope))).or_insert_with(new).clone()
    }
}

impl Tally for SharedTally {
    fn next(&mut self, rule: &Rc<str>) -> Option<u64> {
        let begun = self.generation.begun?;
        let key = self.key("count", rule);
        update(&key, |value| match value {
            Some([of, count]) if of == begun => Some(([begun, count + 1], count)),
            _ => self.generation.is_current().then_some(([begun, 1], 0)),
        })
    }

    fn enter(&mut self, scope: &Rc<str>, most: u64) -> bool {
        let Some(begun) = self.generation.begun else { return false };
        let key = self.key("held", scope);
        let entered = update(&key, |value| match value {
            Some([of, held]) if of == begun => (held < most).then_some(([begun, held + 1], 0)),
            _ => (most > 0 && self.generation.is_current()).then_some(([begun, 1], 0)),
        });
        entered.is_some()
    }

    fn leave(&mut self, scope: &Rc<str>) {
        let Some(begun) = self.generation.begun else { return };
        let key = self.key("held", scope);
        // What another life of the document counts is its own.
        update(&key, |value| {
            value.filter(|[of, _]| *of == begun).map(|[_, held]| ([begun, held.saturating_sub(1)], 0))
        });
    }
}

/// One life of a document.
#[derive(Debug)]
struct Generation {
    /// Shared data cannot be deleted, so that documents share a bounded number of keys.
    slot: u16,
    hash: u64,
    /// When its first worker took it over; nothing if that cannot be told, and then nothing is counted.
    begun: Option<u64>,
    /// Whether it was begun here.
    first: bool,
}

impl Generation {
    fn join(text: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(text);
        let hash = hasher.finish();
        #[allow(clippy::cast_possible_truncation, reason = "any 16 bits will do")]
        let mut generation = Self { slot: hash as u16, hash, begun: None, first: true };
        generation.begun = host::realtime_nanoseconds().ok().and_then(|now| {
            let begun = update(&generation.key(), |value| match value {
                Some([of, begun]) if of == hash && now.abs_diff(begun) < TAKEOVER => {
                    Some(([of, begun], begun))
                }
                _ => Some(([hash, now], now)),
            })?;
            generation.first = begun == now;
            Some(begun)
        });
        generation
    }

    fn key(&self) -> String {
        format!("brownout.generation.{}", self.slot)
    }

    /// Whether no later life has begun.
    fn is_current(&self) -> bool {
        let found = host::shared_data(&self.key()).ok().flatten();
        found.and_then(|(bytes, _)| decoded(&bytes)) == self.begun.map(|begun| [self.hash, begun])
    }
}

/// Changes a pair of numbers in shared data, and gives what `change` gives beside the new pair.
fn update(key: &str, change: impl Fn(Option<[u64; 2]>) -> Option<([u64; 2], u64)>) -> Option<u64> {
    for _ in 0..TRIES {
        let found = host::shared_data(key).ok()?;
        let (old, cas) = found.map_or((None, NO_VERSION), |(bytes, cas)| (decoded(&bytes), cas));
        let (new, answer) = change(old)?;
        if old == Some(new) {
            return Some(answer);
        }
        let bytes: Vec<u8> = new.iter().flat_map(|number| number.to_le_bytes()).collect();
        match host::set_shared_data(key, &bytes, cas) {
            Ok(()) => return Some(answer),
            Err(CAS_MISMATCH) => {}
            Err(_) => return None,
        }
    }
    None
}

fn decoded(bytes: &[u8]) -> Option<[u64; 2]> {
    let number = |at: usize| Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    Some([number(0)?, number(8)?])
}
