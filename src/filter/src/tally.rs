//! Counts over all workers of the proxy, in the host's shared data.
//!
//! A count belongs to one life of a document: it starts at 0 when the document arrives, and a document that was replaced
//! and comes back starts over. Workers pick up a document within moments of each other; they share counts through a
//! generation, which the first of them writes. The others join it if they come soon enough, and have not left it before.
//!
//! What is held still counts when the next document arrives. The successive documents of one plugin form a line, as do
//! those of plugins that have shared a document; the exchanges held under a line are counted together.

use crate::{host, properties};
use brownout_core::decode::dictionary::Dictionary;
use brownout_core::limit::holdings::Holdings;
use brownout_core::limit::tally::{Account, Tally};
use brownout_core::view::Property;
use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::rc::Rc;

/// The longest time between the first and the last worker to pick up a document, in nanoseconds.
const TAKEOVER: u64 = 5_000_000_000;
/// The most attempts at a write, while other workers write at the same time.
const TRIES: usize = 100;
/// The number of slots that a document may have: those whose hashes are alike take the next ones.
const NEIGHBOURS: u16 = 8;
/// A version that no value has. The host accepts any version for a missing key, so if two workers find none, only one
/// can create it. With 0, which matches any version, the second would overwrite the first's count.
const NO_VERSION: u32 = u32::MAX;
/// proxy-wasm's status for a write that came too late.
const CAS_MISMATCH: host::Failed = host::Failed(8);

/// The most lives that a worker remembers to have left. Only those that began within [`TAKEOVER`] matter.
const MOST_LEFT: usize = 64;

thread_local! {
    /// The lives that this worker has left, newest first.
    static LEFT: RefCell<Vec<Life>> = const { RefCell::new(Vec::new()) };
    /// What this worker holds under the documents of each line.
    static HELD: RefCell<Vec<(u16, Holdings)>> = const { RefCell::new(Vec::new()) };
}

/// A document's hash, and when its life began.
pub type Life = (u64, u64);

/// Records that this worker no longer follows a document.
pub fn leave(life: Life) {
    LEFT.with(|left| {
        let Ok(mut left) = left.try_borrow_mut() else { return };
        let kept = left.len().min(MOST_LEFT - 1);
        left.truncate(kept);
        left.insert(0, life);
    });
}

fn has_left(life: Life) -> bool {
    LEFT.with(|left| left.try_borrow().is_ok_and(|left| left.contains(&life)))
}

/// Counts of one document, over all workers.
pub struct SharedTally {
    generation: Generation,
    /// Keys of shared data, made once for each account.
    keys: [Dictionary<Rc<str>>; Account::COUNT],
}

impl SharedTally {
    /// Joins the generation of the document with this text, or starts one. A document that does nothing is of no line,
    /// because plugins that have nothing to do with each other all have it at times.
    pub fn new(text: &[u8], does_nothing: bool) -> Self {
        let plugin = if does_nothing { None } else { Some(Line::of_plugin()) };
        Self { generation: Generation::of(text, plugin.as_ref()), keys: Default::default() }
    }

    /// Returns what this worker holds under the documents of this line.
    pub fn held(&self) -> Holdings {
        let line = self.generation.line;
        let held = HELD.with(|held| {
            let mut held = held.try_borrow_mut().ok()?;
            if let Some((_, known)) = held.iter().find(|(of, _)| *of == line) {
                return Some(known.clone());
            }
            let new = Holdings::default();
            held.push((line, new.clone()));
            Some(new)
        });
        held.unwrap_or_default()
    }

    /// Returns the life that it has joined.
    pub fn life(&self) -> Option<Life> {
        self.generation.begun.map(|begun| (self.generation.hash, begun))
    }

    /// Returns whether this worker was the first to join the generation.
    pub fn is_first(&self) -> bool {
        self.generation.first
    }

    /// Counts in another slot, after another document has taken this one.
    fn move_away(&mut self) {
        // Whichever worker notices first, the others join it, however late.
        let line = self.generation.line;
        self.generation.join(u64::MAX, Some(line));
        self.generation.line = line;
        self.keys = Default::default();
        log::warn!("brownout: counts start at 0 again: another document took their place");
    }

    fn key(&mut self, account: Account, scope: &Rc<str>) -> Rc<str> {
        let Generation { slot, line, .. } = self.generation;
        let slot = if account == Account::Held { line } else { slot };
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
        if account == Account::Held {
            let key = self.key(account, scope);
            return update(&key, change);
        }
        // Another document may have taken the slot meanwhile: then there is a second try, in another one.
        for _ in 0..2 {
            if self.generation.begun.is_none() {
                return false;
            }
            let key = self.key(account, scope);
            let generation = &mut self.generation;
            let mut lost = false;
            let changed = update(&key, &mut |words| {
                if words.first() != generation.begun.as_ref() {
                    // Another listener, or a VM that replaces one that died, may have started a later life of the same
                    // document. This worker joins it, because it would otherwise never count again.
                    let Some(begun) = generation.current() else {
                        lost = true;
                        return false;
                    };
                    generation.begun = Some(begun);
                    if words.first() != Some(&begun) {
                        *words = vec![begun];
                    }
                }
                let mut counts = words.split_off(1);
                let kept = change(&mut counts);
                words.append(&mut counts);
                kept
            });
            if !lost {
                return changed;
            }
            self.move_away();
        }
        false
    }
}

// Nobody prints it, and what is derived takes a kilobyte of the module.
impl std::fmt::Debug for SharedTally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedTally")
    }
}

/// One life of a document.
struct Generation {
    /// The document's slot: shared data cannot be deleted, so all documents share 65,536 of them.
    slot: u16,
    hash: u64,
    /// The slot of the first document of its line.
    line: u16,
    /// The wall time of its first pick-up, in nanoseconds; `None` if unknown, and then nothing is counted.
    begun: Option<u64>,
    /// True if this worker started it.
    first: bool,
}

impl Generation {
    fn of(text: &[u8], plugin: Option<&Line>) -> Self {
        let mut hasher = DefaultHasher::new();
        // Another build may lay out its counts differently.
        hasher.write(env!("CARGO_PKG_VERSION").as_bytes());
        hasher.write(text);
        let mut generation = Self { slot: 0, hash: hasher.finish(), line: 0, begun: None, first: true };
        let line = plugin.and_then(Line::read);
        generation.join(TAKEOVER, line);
        if let Some(plugin) = plugin
            && line != Some(generation.line)
        {
            plugin.write(generation.line);
        }
        generation
    }

    /// Joins a life of the document that began at most `takeover` nanoseconds ago, or starts one, in this line if given.
    fn join(&mut self, takeover: u64, line: Option<u16>) {
        self.begun = None;
        let Ok(now) = host::realtime_nanoseconds() else { return };
        for _ in 0..TRIES {
            let Some((slot, owner)) = self.find_slot() else { return };
            self.slot = slot;
            let (hash, mut begun, mut of_line, mut taken) = (self.hash, now, slot, false);
            let joined = update(&Self::key(slot), &mut |words| {
                (begun, of_line) = match words[..] {
                    [of, begun, of_line] if of == hash => {
                        let of_line = u16::try_from(of_line).unwrap_or(slot);
                        if now.abs_diff(begun) < takeover && !has_left((hash, begun)) {
                            (begun, of_line)
                        } else {
                            (now, line.unwrap_or(of_line))
                        }
                    }
                    _ => (now, line.unwrap_or(slot)),
                };
                // Another document may have been faster.
                taken = words.first().is_some_and(|of| *of != hash && Some(*of) != owner);
                *words = vec![hash, begun, of_line.into()];
                !taken
            });
            if joined {
                self.line = of_line;
                self.first = begun == now;
                self.begun = Some(begun);
            }
            if !taken {
                return;
            }
        }
    }

    /// Returns the slot of the document: its own, a free one, or else the one that another document has had for the
    /// longest time, with the hash of that. `None` if shared data cannot be read.
    fn find_slot(&self) -> Option<(u16, Option<u64>)> {
        let mut oldest: Option<(u64, u16, u64)> = None;
        #[allow(clippy::cast_possible_truncation, reason = "any 16 bits will do")]
        let first = self.hash as u16;
        for slot in (0..NEIGHBOURS).map(|step| first.wrapping_add(step)) {
            let found = host::shared_data(&Self::key(slot)).ok()?;
            let words = found.map(|(bytes, _)| decoded(&bytes)).unwrap_or_default();
            match words[..] {
                [of, begun, _] if of != self.hash => {
                    let here = (begun, slot, of);
                    oldest = Some(oldest.map_or(here, |known| known.min(here)));
                }
                _ => return Some((slot, None)),
            }
        }
        oldest.map(|(_, slot, of)| (slot, Some(of)))
    }

    fn key(slot: u16) -> String {
        format!("brownout.generation.{slot}")
    }

    /// Returns when the latest life of the document began; `None` if another document has the slot.
    fn current(&self) -> Option<u64> {
        let (bytes, _) = host::shared_data(&Self::key(self.slot)).ok()??;
        match decoded(&bytes)[..] {
            [of, begun, _] if of == self.hash => Some(begun),
            _ => None,
        }
    }
}

/// The key of a plugin's line in shared data.
struct Line(String);

impl Line {
    /// Returns the line of the plugin that is being configured.
    fn of_plugin() -> Self {
        let name = properties::plugin_name().unwrap_or_default();
        let direction = properties::read(Property::ListenerDirection).unwrap_or_default();
        let direction = direction.first().map_or("0", |direction| if *direction == 1 { "1" } else { "2" });
        Self(["brownout.line.", direction, ".", &String::from_utf8_lossy(&name)].concat())
    }

    fn read(&self) -> Option<u16> {
        let (bytes, _) = host::shared_data(&self.0).ok()??;
        u16::try_from(*decoded(&bytes).first()?).ok()
    }

    fn write(&self, line: u16) {
        update(&self.0, &mut |words| {
            *words = vec![line.into()];
            true
        });
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
