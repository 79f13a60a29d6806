//! Entropy for the engines of this VM: seeded once from the host's random source, and then generated here, since a host
//! call for each draw would cost more than all other work on a request.

use crate::host;
use brownout_core::entropy::Entropy;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use std::cell::RefCell;

thread_local! {
    static GENERATOR: RefCell<Xoshiro256PlusPlus> = RefCell::new(Xoshiro256PlusPlus::seed_from_u64(seed()));
}

/// The seed in a node's metadata, which `brownout run --seed` sets to make draws repeatable.
const SEED: &[u8] = b"xds\0node\0metadata\0BROWNOUT_SEED";

/// Returns 64 bits that no other VM has, unless a seed was set. If the host gives no entropy, the clock is used
/// instead.
fn seed() -> u64 {
    let asked = host::property(SEED).ok().flatten().and_then(|text| str::from_utf8(&text).ok()?.parse().ok());
    asked.unwrap_or_else(|| host::random().or_else(|_| host::monotonic_nanoseconds()).unwrap_or_default())
}

/// Draws from the VM's random number generator.
#[derive(Debug)]
pub struct VmEntropy;

impl Entropy for VmEntropy {
    fn next_u64(&mut self) -> u64 {
        GENERATOR.with(|generator| generator.try_borrow_mut().map(|mut g| g.next_u64()).unwrap_or_default())
    }
}
