//! Body bytes taken out of the host's buffers. The total per worker is limited: what does not fit stays with the host.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

/// The number of bytes that all exchanges of one worker may keep.
const MOST: usize = 64 * 1024 * 1024;

/// The remaining memory of a worker for kept bytes.
#[derive(Debug, Clone)]
pub struct Memory(Rc<Cell<usize>>);

impl Default for Memory {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MOST)))
    }
}

impl Memory {
    /// Returns the number of bytes kept.
    pub fn used(&self) -> usize {
        MOST - self.0.get()
    }
}

/// Kept bytes. Dropping them returns their memory to the worker.
#[derive(Debug)]
pub struct Kept {
    bytes: Vec<u8>,
    memory: Option<Memory>,
}

impl Kept {
    pub const fn nothing() -> Self {
        Self { bytes: Vec::new(), memory: None }
    }

    /// Returns the number of bytes.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Keeps more bytes, or returns them as the error if there is no room.
    pub fn keep(&mut self, more: Vec<u8>, memory: &Memory) -> Result<(), Vec<u8>> {
        let Some(left) = memory.0.get().checked_sub(more.len()) else { return Err(more) };
        memory.0.set(left);
        self.memory = Some(memory.clone());
        self.bytes.extend_from_slice(&more);
        Ok(())
    }

    /// Removes and returns the first `count` bytes.
    pub fn take_first(&mut self, count: usize) -> Vec<u8> {
        let rest = self.bytes.split_off(count.min(self.bytes.len()));
        let first = core::mem::replace(&mut self.bytes, rest);
        self.give_back(first.len());
        first
    }

    /// Removes and returns all bytes.
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
