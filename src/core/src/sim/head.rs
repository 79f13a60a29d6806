//! Everything that the engine is shown: clocks, and the headers of requests and responses.

use crate::time::{Clock, Instant};
use crate::value::timestamp::Timestamp;
use crate::view::{DataView, Property, RequestView, ResponseView};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::Cell;

/// Clocks that are set by hand, and can be made to fail.
#[derive(Debug)]
pub struct Clocks {
    pub monotonic: Cell<Option<Instant>>,
    pub wall: Cell<Option<Timestamp>>,
    /// True if neither clock can be read.
    pub broken: Cell<bool>,
    /// The number of reads of the monotonic clock, and of the wall clock.
    pub readings: Cell<(usize, usize)>,
}

impl Default for Clocks {
    /// Returns clocks at the origin, without a wall clock.
    fn default() -> Self {
        Self {
            monotonic: Cell::new(Some(Instant::default())),
            wall: Cell::default(),
            broken: Cell::default(),
            readings: Cell::default(),
        }
    }
}

impl Clocks {
    /// Sets the monotonic clock.
    pub fn set(&self, now: Instant) -> &Self {
        self.monotonic.set(Some(now));
        self
    }
}

impl Clock for Clocks {
    fn now(&self) -> Option<Instant> {
        let (monotonic, wall) = self.readings.get();
        self.readings.set((monotonic + 1, wall));
        self.monotonic.get().filter(|_| !self.broken.get())
    }

    fn wall(&self) -> Option<Timestamp> {
        let (monotonic, wall) = self.readings.get();
        self.readings.set((monotonic, wall + 1));
        self.wall.get().filter(|_| !self.broken.get())
    }
}

/// The headers of a request or of a response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Names in lower case and values, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    pub has_body: bool,
    pub is_http2: bool,
    /// The properties that the proxy knows, and their values.
    pub facts: Vec<(Property<'static>, Vec<u8>)>,
}

impl Head {
    /// Creates a head with these headers and no body.
    pub fn new<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name.into(), value.to_vec())).collect();
        Self { headers, ..Self::default() }
    }

    /// Creates the head of a response with this status, these headers, and a body.
    pub fn response<'a>(status: u16, headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut head = Self { has_body: true, ..Self::new(headers) };
        head.headers.insert(0, (":status".into(), status.to_string().into_bytes()));
        head
    }

    fn values(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name).peekable();
        values.peek()?;
        Some(values.any(|(_, value)| test(value)))
    }
}

impl RequestView for Head {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        self.values(name, test)
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value));
        true
    }

    fn is_http2(&self) -> bool {
        self.is_http2
    }

    fn has_body(&self) -> bool {
        self.has_body
    }

    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        let found = self.facts.iter().find(|(other, _)| *other == property);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }
}

impl ResponseView for Head {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        self.values(name, test)
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value));
        true
    }

    fn has_body(&self) -> bool {
        self.has_body
    }
}

/// A piece of a body, or one whose bytes the host does not show.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    pub bytes: &'a [u8],
    /// True if the host shows the bytes.
    pub is_readable: bool,
}

impl DataView for Piece<'_> {
    fn size(&self) -> usize {
        self.bytes.len()
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        self.is_readable.then(|| self.bytes.to_vec())
    }
}
