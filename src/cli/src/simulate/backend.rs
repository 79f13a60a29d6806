//! The backend of a simulation: it answers at once, and always the same.

use brownout_core::view::{DataView, ResponseView};

/// What it answers; its body, which is also that of requests that have one, is JSON.
#[derive(Debug, Clone)]
pub struct Backend {
    headers: [(&'static str, String); 3],
    body: Vec<u8>,
}

impl Backend {
    /// A backend that answers with this status and so many bytes, at least those of `{}`.
    pub fn new(status: u16, bytes: usize) -> Self {
        let body = format!("{{{:width$}}}", "", width = bytes.saturating_sub(2)).into_bytes();
        let headers = [
            (":status", status.to_string()),
            ("content-type", "application/json".into()),
            ("content-length", body.len().to_string()),
        ];
        Self { headers, body }
    }
}

impl ResponseView for Backend {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let (_, value) = self.headers.iter().find(|(other, _)| *other == name)?;
        Some(test(value.as_bytes()))
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value.as_bytes()));
        true
    }

    fn has_body(&self) -> bool {
        true
    }
}

impl DataView for Backend {
    fn size(&self) -> usize {
        self.body.len()
    }

    fn bytes(&self) -> Option<Vec<u8>> {
        Some(self.body.clone())
    }
}
