//! Chance, from outside.

/// A source of uniformly distributed bits.
pub trait Entropy {
    /// The next 64 of them.
    fn next_u64(&mut self) -> u64;
}
