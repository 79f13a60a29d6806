//! A request as the host shows it: fetched as late and as little as the rules allow.

use crate::{host, pairs, properties};
use brownout_core::id::Direction;
use brownout_core::view::{Property, RequestView};
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// How many headers are asked for one by one before all are fetched together.
const FEW: usize = 4;

/// How the requests of a worker are best asked for their headers, learned from the one before.
///
/// A call that gives data has the host call back for memory, and is then nearly all that a rule costs. With ten headers in
/// a request, in units of the SDK's empty module: a header that is missing 0.2, the first value of one 0.4, all headers
/// 0.4, and all values of one, as a property, 0.7. So a first value is worth its call only if it decides alone.
#[derive(Debug, Default)]
pub struct Habit {
    /// Whether one value did not suffice.
    wants_all: Cell<bool>,
}

/// A header that was asked for alone, and its first value.
type First = (String, Option<Rc<[u8]>>);

/// The request of the effective context, during one callback.
pub struct HostRequest<'a> {
    /// Whether more than headers is to come.
    has_body: bool,
    habit: &'a Habit,
    /// First values already fetched, so that a header that many rules name costs one call.
    first: RefCell<Vec<First>>,
    /// All headers: nothing if the host does not give them.
    all: OnceCell<Option<Vec<u8>>>,
    /// Where, among all headers, one was found that was asked for.
    found: Cell<Option<usize>>,
    /// Facts already fetched.
    facts: RefCell<Vec<(Property<'static>, Option<Vec<u8>>)>>,
}

impl<'a> HostRequest<'a> {
    /// Nothing fetched yet.
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

    /// All headers, if they have been fetched, or it is time to for the sake of this one.
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

    /// The answer from all headers.
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

    /// The answer from the first value, if that is enough.
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
        // A header that cannot be read counts as missing: the rule then does not match, and nobody is hurt.
        let value: Option<Rc<[u8]>> =
            host::header(Direction::Request, name).unwrap_or_default().map(|value| value.into());
        if value.is_some() && known.iter().any(|(_, value)| value.is_some()) {
            self.habit.wants_all.set(true);
        }
        known.push((name.to_owned(), value.clone()));
        value
    }
}

/// Pseudo-headers occur once.
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
