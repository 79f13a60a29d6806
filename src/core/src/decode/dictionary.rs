//! A map from names to values.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// A map from names to values, without removal.
///
/// Each instantiation of `BTreeMap` adds 2 or 3 KB to the module. Here the tree holds only indexes, so a single
/// instantiation serves values of every type.
#[derive(Debug, Clone)]
pub struct Dictionary<V> {
    places: BTreeMap<Box<[u8]>, usize>,
    values: Vec<V>,
}

impl<V> Default for Dictionary<V> {
    fn default() -> Self {
        Self { places: BTreeMap::new(), values: Vec::new() }
    }
}

impl<V> Dictionary<V> {
    /// Returns the number of names.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether the map is empty.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the value of a name.
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.values.get(*self.places.get(name)?)
    }

    /// Returns the value of a name, for modification.
    pub fn get_mut(&mut self, name: &[u8]) -> Option<&mut V> {
        self.values.get_mut(*self.places.get(name)?)
    }

    /// Adds a value, unless the name already has one: then that value is returned.
    pub fn add(&mut self, name: &[u8], value: V) -> Option<&V> {
        let place = place(&mut self.places, name, self.values.len());
        if place < self.values.len() {
            return self.values.get(place);
        }
        self.values.push(value);
        None
    }

    /// Changes the value of a name, which starts as the default.
    pub fn update(&mut self, name: &[u8], change: impl FnOnce(&mut V))
    where
        V: Default,
    {
        let place = place(&mut self.places, name, self.values.len());
        if place == self.values.len() {
            self.values.push(V::default());
        }
        if let Some(value) = self.values.get_mut(place) {
            change(value);
        }
    }

    /// Iterates over the values, for modification, in the order in which they were added.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.values.iter_mut()
    }

    /// Iterates over names and values, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.places.iter().filter_map(|(name, place)| Some((&**name, self.values.get(*place)?)))
    }
}

/// Returns the index of a name, which becomes `next` if the name is new.
#[inline(never)]
fn place(places: &mut BTreeMap<Box<[u8]>, usize>, name: &[u8], next: usize) -> usize {
    if let Some(place) = places.get(name) {
        return *place;
    }
    places.insert(name.into(), next);
    next
}
