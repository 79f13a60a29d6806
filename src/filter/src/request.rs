//! A request as the host shows it, fetched as late and as little as the rules allow.

use crate::{host, pairs, properties};
use brownout_core::id::Direction;
use brownout_core::view::{Property, RequestView};
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// The number of headers fetched one by one before all are fetched together.
const FEW: usize = 4;

/// The best way to fetch headers from a worker's requests, learned from the previous request.
///
/// A call that returns data makes the host call back for memory, which is nearly all that a rule costs. With ten
/// headers in a request, in units of the SDK's empty module: a missing header costs 0.2, the first value of one 0.4,
/// all headers 0.4, and all values of one, as a property, 0.7. So fetching a first value pays off only if it decides on
/// its own.
#[derive(Debug, Default)]
pub struct Habit {
    /// True if fetching one value was not enough for the previous request.
    wants_all: Cell<bool>,
}

/// A header that was fetched alone, and its first value.
type First = (String, Option<Rc<[u8]>>);

/// The request of the effective context, during one callback.
pub struct HostRequest<'a> {
    /// True if a body or trailers will follow the headers.
    has_body: bool,
    habit: &'a Habit,
    /// First values already fetched, so that a header that many rules name costs only one call.
    first: RefCell<Vec<First>>,
    /// All headers: `None` if the host does not return them.
    all: OnceCell<Option<Vec<u8>>>,
    /// The index, among all headers, of one that was asked for and found.
    found: Cell<Option<usize>>,
    /// Properties that have already been fetched.
    facts: RefCell<Vec<(Property<'static>, Option<Vec<u8>>)>>,
}

impl<'a> HostRequest<'a> {
    /// Creates a view with nothing fetched yet.
    pub fn new(has_body: bool, habit: &'a Habit) -> Self {
        Self {
            has_body,
            habit,
            first: RefCell::default(),
            all: OnceCell::new(),
            found: Cell::new(None),
            facts: RefCell::default(),
        }
    }

    /// Returns all headers, if they have been fetched or this one makes it worth fetching them.
    fn all_for(&self, name: &str) -> Option<&[u8]> {
        if self.all.get().is_none() {
            let first = self.first.try_borrow().ok()?;
            let due = match first.len() {
                0 => self.habit.wants_all.take(),
                asked => asked >= FEW && !first.iter().any(|(known, _)| known == name),
            };
            if due {
                return self.all();
            }
        }
        self.all.get()?.as_deref()
    }

    fn all(&self) -> Option<&[u8]> {
        self.all.get_or_init(|| host::headers(Direction::Request).ok()).as_deref()
    }

    /// Tests the values of a header among all headers.
    fn any_of(&self, all: &[u8], name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let mut found = None;
        for (number, value) in pairs::values(all, name) {
            if found.is_none() && self.found.replace(Some(number)).is_some_and(|before| before != number) {
                self.habit.wants_all.set(true);
            }
            found = Some(test(value));
            if found == Some(true) {
                break;
            }
            if !is_pseudo(name) {
                self.habit.wants_all.set(true);
            }
        }
        found
    }

    /// Answers from the first value, if that is enough.
    fn by_first(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let value = self.first(name)?;
        if test(&value) {
            return Some(true);
        }
        if is_pseudo(name) {
            return Some(false);
        }
        self.habit.wants_all.set(true);
        Some(self.all().is_some_and(|all| pairs::values(all, name).skip(1).any(|(_, value)| test(value))))
    }

    fn first(&self, name: &str) -> Option<Rc<[u8]>> {
        let mut known = self.first.try_borrow_mut().ok()?;
        if let Some((_, value)) = known.iter().find(|(other, _)| other == name) {
            return value.clone();
        }
        // A header that cannot be read counts as missing: the rule then does not match, which is safe.
        let value: Option<Rc<[u8]>> =
            host::header(Direction::Request, name).unwrap_or_default().map(|value| value.into());
        if value.is_some() && known.iter().any(|(_, value)| value.is_some()) {
            self.habit.wants_all.set(true);
        }
        known.push((name.to_owned(), value.clone()));
        value
    }
}

/// Returns whether a header is a pseudo-header, which occurs only once.
fn is_pseudo(name: &str) -> bool {
    name.starts_with(':')
}

impl RequestView for HostRequest<'_> {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        match self.all_for(name) {
            Some(all) => self.any_of(all, name, test),
            None => self.by_first(name, test),
        }
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        let Some(all) = self.all() else { return false };
        pairs::iterate(all).for_each(|(name, value)| visit(name, value));
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
