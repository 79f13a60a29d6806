//! Requests for the engine without a proxy: from flags, from a curl command line, from a HAR file, or from an access
//! log of Envoy.

pub mod access_log;
pub mod curl;
mod flags;
pub mod har;
pub mod invent;
mod log_line;
mod pattern;
mod shell;
mod url;

pub use flags::{Facts, RequestArguments, option_for};
pub use url::Url;

use brownout_core::value::timestamp::Timestamp;
use brownout_core::view::{Property, RequestView};
use std::path::Path;

/// A request as the module would see it, with what the proxy knows about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// Names in lower case and values, in order, those of the request line first.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Properties that the proxy knows, with their values.
    pub facts: Vec<(Property<'static>, Vec<u8>)>,
    /// The labels of the proxy.
    pub labels: Vec<(String, String)>,
    /// The time it was sent, if it was recorded.
    pub sent: Option<Timestamp>,
}

impl Request {
    /// A request without headers beyond its request line.
    pub fn new(method: &str, url: &Url) -> Self {
        let line = [
            (":method", method),
            (":scheme", &url.scheme),
            (":authority", &url.authority),
            (":path", &url.path),
        ];
        let headers = line.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec()));
        Self { headers: headers.into(), ..Self::default() }
    }

    /// Adds a header; `host` replaces `:authority`, as in Envoy.
    pub fn add(&mut self, name: &str, value: &[u8]) {
        let name = name.to_ascii_lowercase();
        if name == "host" { self.set(":authority", value) } else { self.headers.push((name, value.to_vec())) }
    }

    /// Sets a header to this single value.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        match self.headers.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value.to_vec(),
            None => self.headers.push((name.to_owned(), value.to_vec())),
        }
    }

    /// Returns whether it has a header.
    pub fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other == name)
    }

    /// Adds something that the proxy knows.
    pub fn know(&mut self, property: Property<'static>, value: impl Into<Vec<u8>>) {
        self.facts.retain(|(other, _)| *other != property);
        self.facts.push((property, value.into()));
    }

    /// Returns the request line with a full URL: `POST http://shop/checkout?a=b`.
    pub fn line(&self) -> String {
        let part = |name| {
            self.first_value(name)
                .map(|value| String::from_utf8_lossy(&value).into_owned())
                .unwrap_or_default()
        };
        let scheme = part(":scheme");
        let scheme = if scheme.is_empty() { "http".to_owned() } else { scheme };
        format!("{} {scheme}://{}{}", part(":method"), part(":authority"), part(":path"))
    }
}

impl RequestView for Request {
    fn any_value(&self, name: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        let mut values = self.headers.iter().filter(|(other, _)| other == name).peekable();
        values.peek()?;
        Some(values.any(|(_, value)| test(value)))
    }

    fn each_header(&self, visit: &mut dyn FnMut(&[u8], &[u8])) -> bool {
        self.headers.iter().for_each(|(name, value)| visit(name.as_bytes(), value));
        true
    }

    /// Returns whether it has a body, according to its headers or else its method.
    fn has_body(&self) -> bool {
        let length = self.first_value("content-length");
        match length {
            Some(length) => length != b"0",
            None => {
                self.has("transfer-encoding")
                    || self.first_value(":method").is_some_and(|method| {
                        ["POST", "PUT", "PATCH"].iter().any(|with_body| method == with_body.as_bytes())
                    })
            }
        }
    }

    fn property(&self, property: Property<'_>) -> Option<Vec<u8>> {
        if let Property::NodeLabel(name) = property {
            let label = self.labels.iter().find(|(other, _)| other == name);
            return label.map(|(_, value)| value.as_bytes().to_vec());
        }
        let found = self.facts.iter().find(|(other, _)| *other == property);
        found.map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
    }
}

/// The reason why there are no requests: an error for people, which names the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// A file cannot be read.
    #[error("cannot read `{file}`: {reason}")]
    Unreadable { file: String, reason: String },
    /// A file, an option or a command line is wrong.
    #[error("{place}: {reason}")]
    Wrong {
        /// A place in a file such as `requests.har:12:5`, or an option such as `--request`.
        place: String,
        reason: String,
    },
}

impl Unusable {
    fn wrong(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Wrong { place: place.into(), reason: reason.into() }
    }
}

/// A file's name for messages, and its text; `-` is standard input.
fn read(path: &Path) -> Result<(String, String), Unusable> {
    let document = crate::document::DocumentFile::open(path)
        .map_err(|(file, error)| Unusable::Unreadable { file, reason: error.to_string() })?;
    Ok((document.name().to_owned(), document.source().to_owned()))
}
