//! How much work one request may cause by its values, whatever the document: anybody can send a header of 50 KB to a
//! document with a thousand patterns, and a worker serves others too.
//!
//! A unit is about what it takes to look at one state of a pattern for one byte. When all is spent, the conditions that
//! would need more do not hold, and their rules do not match, inverted or not.

use crate::view::{Property, RequestView};
use alloc::vec::Vec;
use core::cell::Cell;

/// The units of one request: less than a millisecond in Envoy.
pub const MOST: u32 = 50_000;

/// What is left of them.
#[derive(Debug)]
pub struct Effort {
    left: Cell<u32>,
    short: Cell<bool>,
}

impl Default for Effort {
    fn default() -> Self {
        Self { left: Cell::new(MOST), short: Cell::new(false) }
    }
}

impl Effort {
    /// Spends units. `false` if there are not so many left, and then none are.
    pub fn spend(&self, units: usize) -> bool {
        let left = u32::try_from(units).ok().and_then(|units| self.left.get().checked_sub(units));
        self.left.set(left.unwrap_or(0));
        if left.is_none() {
            self.short.set(true);
        }
        left.is_some()
    }

    /// Whether something could not be done since this was last asked.
    pub fn was_short(&self) -> bool {
        self.short.take()
    }
}

/// A request, with an account of what looking at it takes.
pub struct Watched<'a> {
    /// The request.
    pub request: &'a dyn RequestView,
    /// The account.
    pub effort: &'a Effort,
}

impl RequestView for Watched<'_> {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        self.request.any_value(name, test)
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.request.each_header(visit)
    }

    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        self.request.property(property)
    }

    fn has_body(&self) -> bool {
        self.request.has_body()
    }

    fn is_http2(&self) -> bool {
        self.request.is_http2()
    }

    fn effort(&self) -> Option<&Effort> {
        Some(self.effort)
    }
}
