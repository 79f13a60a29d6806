//! A map from numbers to values.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A map from numbers to values, such as exchanges by their ids.
///
/// Each instantiation of `BTreeMap` with removal adds 5 to 6 KB to the module. Here the tree holds only places, so a
/// single one serves values of every type.
#[derive(Debug, Clone)]
pub struct Table<V> {
    places: NumberPlaces,
    values: Vec<Option<V>>,
}

/// The most places that an empty table keeps.
const SMALL: usize = 64;

#[derive(Debug, Clone)]
struct NumberPlaces {
    taken: BTreeMap<u32, usize>,
    /// Places whose values were removed.
    free: Vec<usize>,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<V> Table<V> {
    pub const fn new() -> Self {
        Self { places: NumberPlaces { taken: BTreeMap::new(), free: Vec::new() }, values: Vec::new() }
    }

    pub fn is_empty(&self) -> bool {
        self.places.taken.is_empty()
    }

    pub fn contains(&self, number: u32) -> bool {
        !self.is_empty() && self.places.of(number).is_some()
    }

    #[inline]
    pub fn get(&self, number: u32) -> Option<&V> {
        if self.places.taken.is_empty() {
            // Most requests meet an empty table: no rule has taken any.
            return None;
        }
        self.values.get(self.places.of(number)?)?.as_ref()
    }

    /// Sets the value of a number, and returns the one before.
    pub fn insert(&mut self, number: u32, value: V) -> Option<V> {
        let place = self.places.take(number, self.values.len());
        match self.values.get_mut(place) {
            Some(known) => known.replace(value),
            None => {
                self.values.push(Some(value));
                None
            }
        }
    }

    pub fn remove(&mut self, number: u32) -> Option<V> {
        if self.is_empty() {
            return None;
        }
        let place = self.places.release(number)?;
        let value = self.values.get_mut(place)?.take();
        if self.values.len() > SMALL && self.is_empty() {
            // A peak does not keep its memory.
            self.clear();
        }
        value
    }

    pub fn clear(&mut self) {
        *self = Self::new();
    }

    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut().flatten()
    }
}

impl NumberPlaces {
    #[inline(never)]
    fn of(&self, number: u32) -> Option<usize> {
        self.taken.get(&number).copied()
    }

    /// Returns the place of a number; a new one gets a free place, or `next`.
    #[inline(never)]
    fn take(&mut self, number: u32, next: usize) -> usize {
        let free = &mut self.free;
        *self.taken.entry(number).or_insert_with(|| free.pop().unwrap_or(next))
    }

    #[inline(never)]
    fn release(&mut self, number: u32) -> Option<usize> {
        let place = self.taken.remove(&number)?;
        self.free.push(place);
        Some(place)
    }
}

#[cfg(test)]
mod tests {
    use super::Table;
    use alloc::collections::BTreeMap;
    use alloc::vec::Vec;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn it_is_a_map_whatever_comes_and_goes() {
        let (mut table, mut map) = (Table::new(), BTreeMap::new());
        let mut state = 1_u64;
        for step in 0..20_000_u32 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let number = (state >> 57) as u32;
            match state >> 50 & 7 {
                0..=2 => assert_eq!(table.insert(number, step), map.insert(number, step)),
                7 if step % 16 == 0 => {
                    table.clear();
                    map.clear();
                }
                _ => assert_eq!(table.remove(number), map.remove(&number)),
            }
            assert_eq!(table.get(number), map.get(&number));
            assert_eq!(
                (table.contains(number), table.is_empty()),
                (map.contains_key(&number), map.is_empty())
            );
            let mut values: Vec<u32> = table.values_mut().map(|value| *value).collect();
            values.sort_unstable();
            let mut expected: Vec<u32> = map.values().copied().collect();
            expected.sort_unstable();
            assert_eq!(values, expected);
        }
    }
}
