//! A limit on the matching work per request, whatever the document: anyone can send a 50 KB header to a document with a
//! thousand patterns, and the worker has other requests to serve.
//!
//! A unit is roughly the work for one state of a pattern and one byte. Once the budget is spent, conditions that would
//! need more do not hold, and their rules do not match, inverted or not.

use crate::view::{Property, RequestView};
use alloc::vec::Vec;
use core::cell::Cell;

/// The budget of one request, in units: less than a millisecond in Envoy.
pub const MOST: u32 = 50_000;

/// The budget that is left.
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
    /// Spends units. Returns `false` if fewer are left, and then sets the budget to zero.
    pub fn spend(&self, units: usize) -> bool {
        let left = u32::try_from(units).ok().and_then(|units| self.left.get().checked_sub(units));
        self.left.set(left.unwrap_or(0));
        if left.is_none() {
            self.short.set(true);
        }
        left.is_some()
    }

    /// Returns whether the budget has run out since the last call, and resets that flag.
    pub fn was_short(&self) -> bool {
        self.short.take()
    }
}

/// A request with a budget for matching against it.
pub struct Watched<'a> {
    pub request: &'a dyn RequestView,
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
