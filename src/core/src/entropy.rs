//! Randomness, supplied by the caller.

/// A source of uniformly distributed bits.
pub trait Entropy {
    /// Returns the next 64 bits.
    fn next_u64(&mut self) -> u64;
}

/// A seeded source: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014). Work that
/// needs one draw per byte takes a single draw from the caller as a seed and the rest from here, so the length of a
/// body does not influence the decisions about the next request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sequence(pub u64);

impl Entropy for Sequence {
    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }
}
