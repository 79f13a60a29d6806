//! A request as the host shows it: fetched as late and as little as the rules allow.

use crate::{host, pairs, properties};
use brownout_core::step::Direction;
use brownout_core::view::{Property, RequestView};
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// To ask for a header that is missing costs as much as to remember that it is: so that is done only where many are.
const REMEMBERED_MISSES: usize = 4;

/// A header's first value.
struct First {
    value: Vec<u8>,
    /// Whether it is the only one.
    single: OnceCell<bool>,
}

/// The request of the effective context, during one callback.
#[derive(Default)]
pub struct HostRequest {
    /// Whether more than headers is to come.
    has_body: bool,
    /// First values already fetched, so that a header that many rules name costs one call.
    first: RefCell<Vec<(String, Option<Rc<First>>)>>,
    /// How many headers have been found missing.
    missed: Cell<usize>,
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

    fn first(&self, name: &str) -> Option<Rc<First>> {
        let known = self.first.try_borrow().ok()?;
        if let Some((_, value)) = known.iter().find(|(other, _)| other == name) {
            return value.clone();
        }
        drop(known);
        // A header that cannot be read counts as missing: the rule then does not match, and nobody is hurt.
        let value = host::header(Direction::Request, name).unwrap_or_default();
        let value = value.map(|value| Rc::new(First { value, single: OnceCell::new() }));
        let missed = self.missed.get();
        if value.is_none() && missed < REMEMBERED_MISSES {
            self.missed.set(missed + 1);
        } else if let Ok(mut known) = self.first.try_borrow_mut() {
            known.push((name.to_owned(), value.clone()));
        }
        value
    }

    /// Whether the header has one value only. All of them joined with commas, which is the first if that is the only one,
    /// cost 0.8 µs; the whole map, with nine headers in it, 2.7 µs.
    fn is_single(&self, name: &str, first: &First) -> bool {
        // Pseudo-headers occur once.
        name.starts_with(':')
            || *first.single.get_or_init(|| {
                let path = ["request", "headers", name].join("\0");
                let joined = host::property(path.as_bytes());
                joined.ok().flatten().is_some_and(|joined| joined == first.value)
            })
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
    /// The host gives the first value for the price of one call and the others only with the whole map: that is fetched
    /// only if the first value has not decided, and there are others.
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let first = self.first(name)?;
        Some(test(&first.value) || (!self.is_single(name, &first) && self.any_later_value(name, test)))
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        pairs::iterate(self.all()).for_each(|(name, value)| visit(name, value));
        true
    }

    fn has_body(&self) -> bool {
        self.has_body
    }

    fn is_http2(&self) -> bool {
        matches!(host::property(b"request\0protocol"), Ok(Some(protocol)) if protocol == b"HTTP/2")
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
