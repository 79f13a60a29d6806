//! A request that records what it is asked.

use super::Head;
use brownout_core::view::{Property, RequestView};
use std::cell::RefCell;

/// Head, properties, and the questions about both, in order.
#[derive(Debug, Default)]
pub struct Asked {
    pub headers: Head,
    pub properties: Vec<(Property<'static>, Vec<u8>)>,
    /// True if it can show all headers at once.
    pub whole: bool,
    /// The questions so far; see [`Self::questions`].
    pub asked: RefCell<Vec<String>>,
}

impl Asked {
    /// `GET http://shop/` and these headers.
    pub fn get(headers: &[(&str, &str)]) -> Self {
        Self::of(super::get(headers))
    }

    pub fn of(headers: Head) -> Self {
        Self { headers, ..Self::default() }
    }

    /// The same with one more property.
    pub fn with(mut self, property: Property<'static>, value: impl AsRef<[u8]>) -> Self {
        self.properties.push((property, value.as_ref().to_vec()));
        self
    }

    /// Returns what it has been asked since the last call: names of headers and of properties, and `*` for all headers
    /// at once.
    pub fn questions(&self) -> Vec<String> {
        self.asked.take()
    }

    fn note(&self, question: impl Into<String>) {
        self.asked.borrow_mut().push(question.into());
    }
}

impl RequestView for Asked {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        self.note(name);
        self.headers.any_value(name, test)
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        if self.whole {
            self.note("*");
            self.headers.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value));
        }
        self.whole
    }

    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        self.note(format!("{property:?}"));
        let found = self.properties.iter().find(|(other, _)| *other == property);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }
}
