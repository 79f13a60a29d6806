//! A response, and a piece of a body, as the host shows them.

use crate::{host, pairs};
use brownout_core::id::Direction;
use brownout_core::view::{DataView, ResponseView};
use std::cell::OnceCell;

/// The response of the effective context, during the callback of its headers.
pub struct HostResponse {
    has_body: bool,
    all: OnceCell<Vec<u8>>,
}

impl HostResponse {
    /// Creates a view with nothing fetched yet.
    pub fn new(has_body: bool) -> Self {
        Self { has_body, all: OnceCell::new() }
    }

    fn all(&self) -> &[u8] {
        self.all.get_or_init(|| host::headers(Direction::Response).unwrap_or_default())
    }
}

impl ResponseView for HostResponse {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        if self.all.get().is_none() {
            match host::header(Direction::Response, name) {
                // A missing header, as `grpc-status` mostly is, costs a tenth of fetching the whole map.
                Ok(None) => return None,
                // `:status` occurs once.
                Ok(Some(value)) if name.starts_with(':') => return Some(test(&value)),
                _ => {}
            }
        }
        let mut values = pairs::values(self.all(), name).peekable();
        values.peek()?;
        Some(values.any(|(_, value)| test(value)))
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        pairs::iterate(self.all()).for_each(|(name, value)| visit(name, value));
        true
    }

    fn has_body(&self) -> bool {
        self.has_body
    }
}

/// The part of a body that the host shows during its callback.
pub struct HostData {
    pub direction: Direction,
    /// The size of that part, in bytes.
    pub size: usize,
}

impl DataView for HostData {
    fn size(&self) -> usize {
        self.size
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        host::body(self.direction, self.size).ok().filter(|bytes| bytes.len() == self.size)
    }
}
