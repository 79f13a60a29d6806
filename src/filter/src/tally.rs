//! Counts over all workers of the proxy, in the host's shared data.
//!
//! A count belongs to one life of a document: it starts at 0 when the document arrives, and a document that was replaced
//! and comes back starts over. Workers pick up a document within moments of each other; they share counts through a
//! generation, which the first of them writes. The others join it if they come soon enough, and have not left it before.

use crate::host;
use brownout_core::decode::dictionary::Dictionary;
use brownout_core::limit::tally::{Account, Tally};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::rc::Rc;

/// The longest time between the first and the last worker to pick up a document, in nanoseconds.
const TAKEOVER: u64 = 5_000_000_000;
/// The most attempts at a write, while other workers write at the same time.
const TRIES: usize = 100;
/// A version that no value has. The host accepts any version for a missing key, so if two workers find none, only one
/// can create it. With 0, which matches any version, the second would overwrite the first's count.
const NO_VERSION: u32 = u32::MAX;
/// proxy-wasm's status for a write that came too late.
const CAS_MISMATCH: host::Failed = host::Failed(8);

/// The most lives that a worker remembers to have left. Only those that began within [`TAKEOVER`] matter.
const MOST_LEFT: usize = 64;

thread_local! {
    /// The lives that this worker has left, oldest first.
    static LEFT: RefCell<VecDeque<Life>> = const { RefCell::new(VecDeque::new()) };
}

/// A document's hash, and when its life began.
pub type Life = (u64, u64);

/// Records that this worker no longer follows a document.
pub fn leave(life: Life) {
    LEFT.with(|left| {
        let Ok(mut left) = left.try_borrow_mut() else { return };
        if left.len() >= MOST_LEFT {
            left.pop_front();
        }
        left.push_back(life);
    });
}

fn has_left(life: Life) -> bool {
    LEFT.with(|left| left.try_borrow().is_ok_and(|left| left.contains(&life)))
}

/// Counts of one document, over all workers.
#[derive(Debug)]
pub struct SharedTally {
    generation: Generation,
    /// Keys of shared data, made once for each account.
    keys: [Dictionary<Rc<str>>; Account::COUNT],
}

impl SharedTally {
    /// Joins the generation of the document with this text, or starts one.
    pub fn new(text: &[u8]) -> Self {
        Self { generation: Generation::join(text), keys: Default::default() }
    }

    /// Returns the life that it has joined.
    pub fn life(&self) -> Option<Life> {
        self.generation.begun.map(|begun| (self.generation.hash, begun))
    }

    /// Returns whether this worker was the first to join the generation.
    pub fn is_first(&self) -> bool {
        self.generation.first
    }

    fn key(&mut self, account: Account, scope: &Rc<str>) -> Rc<str> {
        let slot = self.generation.slot;
        let keys = self.keys.get_mut(account as usize);
        if let Some(key) = keys.as_ref().and_then(|keys| keys.get(scope.as_bytes())) {
            return Rc::clone(key);
        }
        let key: Rc<str> = format!("brownout.{}.{slot}.{scope}", account.name()).into();
        keys.map(|keys| keys.add(scope.as_bytes(), Rc::clone(&key)).is_some());
        key
    }
}

impl Tally for SharedTally {
    fn change(
        &mut self,
        account: Account,
        scope: &Rc<str>,
        change: &mut dyn FnMut(&mut Vec<u64>) -> bool,
    ) -> bool {
        if self.generation.begun.is_none() {
            return false;
        }
        let key = self.key(account, scope);
        let generation = &mut self.generation;
        update(&key, &mut |words| {
            if words.first() != generation.begun.as_ref() {
                // Another listener, or a VM that replaces one that died, may have started a later life of the same
                // document. This worker joins it, because it would otherwise never count again.
                let Some(begun) = generation.current() else { return false };
                generation.begun = Some(begun);
                if words.first() != Some(&begun) {
                    *words = vec![begun];
                }
            }
            let mut counts = words.split_off(1);
            let kept = change(&mut counts);
            words.append(&mut counts);
            kept
        })
    }
}

/// One life of a document.
#[derive(Debug)]
struct Generation {
    /// The document's slot. Shared data cannot be deleted, so documents share a bounded number of keys.
    slot: u16,
    hash: u64,
    /// The wall time of its first pick-up, in nanoseconds; `None` if unknown, and then nothing is counted.
    begun: Option<u64>,
    /// True if this worker started it.
    first: bool,
}

impl Generation {
    fn join(text: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        // Another build may lay out its counts differently.
        hasher.write(env!("CARGO_PKG_VERSION").as_bytes());
        hasher.write(text);
        let hash = hasher.finish();
        #[allow(clippy::cast_possible_truncation, reason = "any 16 bits will do")]
        let mut generation = Self { slot: hash as u16, hash, begun: None, first: true };
        generation.begun = host::realtime_nanoseconds().ok().and_then(|now| {
            let mut begun = now;
            let joined = update(&generation.key(), &mut |words| {
                begun = match words[..] {
                    [of, begun]
                        if of == hash && now.abs_diff(begun) < TAKEOVER && !has_left((hash, begun)) =>
                    {
                        begun
                    }
                    _ => now,
                };
                *words = vec![hash, begun];
                true
            });
            generation.first = begun == now;
            joined.then_some(begun)
        });
        generation
    }

    fn key(&self) -> String {
        format!("brownout.generation.{}", self.slot)
    }

    /// Returns when the latest life of the document began; `None` if another document has the slot.
    fn current(&self) -> Option<u64> {
        let (bytes, _) = host::shared_data(&self.key()).ok()??;
        match decoded(&bytes)[..] {
            [of, begun] if of == self.hash => Some(begun),
            _ => None,
        }
    }
}

/// Changes numbers in shared data. Returns `false` if `change` does, or if they cannot be read or written.
fn update(key: &str, change: &mut dyn FnMut(&mut Vec<u64>) -> bool) -> bool {
    for _ in 0..TRIES {
        let Ok(found) = host::shared_data(key) else { return false };
        let (old, version) = found.map_or((None, NO_VERSION), |(bytes, version)| (Some(bytes), version));
        let mut words = old.as_deref().map(decoded).unwrap_or_default();
        if !change(&mut words) {
            return false;
        }
        let new: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        if old.as_ref() == Some(&new) {
            return true;
        }
        match host::set_shared_data(key, &new, version) {
            Ok(()) => return true,
            Err(CAS_MISMATCH) => {}
            Err(_) => return false,
        }
    }
    false
}

fn decoded(bytes: &[u8]) -> Vec<u64> {
    bytes.chunks_exact(8).map(|word| word.try_into().map_or(0, u64::from_le_bytes)).collect()
}
