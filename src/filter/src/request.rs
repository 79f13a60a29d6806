//! A request as the host shows it: fetched as late and as little as the rules allow.

use crate::{host, pairs, properties};
use brownout_core::step::Direction;
use brownout_core::view::{Property, RequestView};
use std::cell::{OnceCell, RefCell};

/// The request of the effective context, during one callback.
#[derive(Default)]
pub struct HostRequest {
    /// Whether more than headers is to come.
    has_body: bool,
    /// First values already fetched, so that a header that many rules name costs one call.
    first: RefCell<Vec<(String, Option<Vec<u8>>)>>,
    /// Facts already fetched.
    facts: RefCell<Vec<(Property<'static>, Option<Vec<u8>>)>>,
    /// All headers, once a first value alone has not decided.
    all: OnceCell<Vec<u8>>,
}

impl HostRequest {
    /// Nothing fetched yet.
    pub fn new(has_body: bool) -> Self {
        Self { has_body, ..Self::default() }
    }

    fn first(&self, name: &str) -> Option<Vec<u8>> {
        let mut known = self.first.borrow_mut();
        if let Some((_, value)) = known.iter().find(|(other, _)| other == name) {
            return value.clone();
        }
        // A header that cannot be read counts as missing: the rule then does not match, and nobody is hurt.
        let value = host::header(Direction::Request, name).unwrap_or_default();
        known.push((name.to_owned(), value.clone()));
        value
    }

    fn all(&self) -> &[u8] {
        self.all.get_or_init(|| host::headers(Direction::Request).unwrap_or_default())
    }

    fn any_later_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let values = pairs::iterate(self.all()).filter(|(other, _)| *other == name.as_bytes());
        values.skip(1).any(|(_, value)| test(value))
    }
}

impl RequestView for HostRequest {
    /// The host gives the first value for the price of one call and the others only with the whole map, for some
    /// three times that: so the map is fetched only if the first value has not decided.
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let first = self.first(name)?;
        // Pseudo-headers occur once.
        Some(test(&first) || (!name.starts_with(':') && self.any_later_value(name, test)))
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        pairs::iterate(self.all()).for_each(|(name, value)| visit(name, value));
        true
    }

    fn has_body(&self) -> bool {
        self.has_body
    }

    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        let Some(fixed) = property.fixed() else { return properties::read(property) };
        let mut known = self.facts.borrow_mut();
        if let Some((_, value)) = known.iter().find(|(other, _)| *other == fixed) {
            return value.clone();
        }
        let value = properties::read(fixed);
        known.push((fixed, value.clone()));
        value
    }
}
