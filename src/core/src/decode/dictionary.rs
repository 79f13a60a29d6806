//! Values by name.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Values by name, of which none is ever taken out.
///
/// Each type of a `BTreeMap` is compiled for itself, to 2 or 3 KB of the module. Here only places are in the tree, and
/// there is one for values of every type.
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
    /// How many names there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of a name.
    pub fn get(&self, name: &[u8]) -> Option<&V> {
        self.values.get(*self.places.get(name)?)
    }

    /// The value of a name, to be changed.
    pub fn get_mut(&mut self, name: &[u8]) -> Option<&mut V> {
        self.values.get_mut(*self.places.get(name)?)
    }

    /// Adds a value, unless the name has one already: then that is what is returned.
    pub fn add(&mut self, name: &[u8], value: V) -> Option<&V> {
        let place = place(&mut self.places, name, self.values.len());
        if place < self.values.len() {
            return self.values.get(place);
        }
        self.values.push(value);
        None
    }

    /// Changes the value of a name, which begins as the default.
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

    /// Names and their values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.places.iter().filter_map(|(name, place)| Some((&**name, self.values.get(*place)?)))
    }
}

/// The place of a name; `next`, if it has none yet.
#[inline(never)]
fn place(places: &mut BTreeMap<Box<[u8]>, usize>, name: &[u8], next: usize) -> usize {
    if let Some(place) = places.get(name) {
        return *place;
    }
    places.insert(name.into(), next);
    next
}
