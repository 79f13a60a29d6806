//! Bytes taken out of the host's hands. All of a worker's together are bounded: what does not fit stays with the host.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

/// How many bytes the exchanges of one worker may keep.
const MOST: usize = 64 * 1024 * 1024;

/// What may still be kept.
#[derive(Debug, Clone)]
pub struct Memory(Rc<Cell<usize>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MOST)))
    }
}

impl Memory {
    /// How many bytes are kept.
    pub fn used(&self) -> usize {
        MOST - self.0.get()
    }
}

/// Bytes that are kept. Their room is given back when they go.
#[derive(Debug)]
pub struct Kept {
    bytes: Vec<u8>,
    memory: Option<Memory>,
}

impl Kept {
    /// None yet.
    pub const fn nothing() -> Self {
        Self { bytes: Vec::new(), memory: None }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Keeps more, unless there is no room: then they come back.
    pub fn keep(&mut self, more: Vec<u8>, memory: &Memory) -> Result<(), Vec<u8>> {
        let Some(left) = memory.0.get().checked_sub(more.len()) else { return Err(more) };
        memory.0.set(left);
        self.memory = Some(memory.clone());
        self.bytes.extend_from_slice(&more);
        Ok(())
    }

    /// Takes the first so many out.
    pub fn take_first(&mut self, count: usize) -> Vec<u8> {
        let rest = self.bytes.split_off(count.min(self.bytes.len()));
        let first = core::mem::replace(&mut self.bytes, rest);
        self.give_back(first.len());
        first
    }

    /// Takes all of them out.
    pub fn take(&mut self) -> Vec<u8> {
        self.give_back(self.bytes.len());
        core::mem::take(&mut self.bytes)
    }

    fn give_back(&self, count: usize) {
        if let Some(Memory(left)) = &self.memory {
            left.set(left.get() + count);
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.give_back(self.bytes.len());
    }
}
