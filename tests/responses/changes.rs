//! Every change to a response and its expected result: an oracle that is independent of the module.

use crate::stage::rule;
use http::Method;
use serde_json::{Value, json};
use support::upstream::{Answer, Stream, pattern};

/// A change to responses, by the path that asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// A path that no rule takes.
    None,
    Status,
    Headers,
    Replace,
    ReplaceByNothing,
    ReplaceBinary,
    TruncateToNothing,
    Truncate,
    Corrupt,
    MergePatch,
    Delay,
    /// A status that has no body.
    NoContent,
    RateLimit,
    ReplaceAndRateLimit,
    DelayAndTruncate,
    Reset,
    ResetAfter,
    RequestDelay,
    RequestReset,
    Hang,
    Abort,
}

/// The text that replaces bodies.
pub const REPLACEMENT: &str = "Sorry, we are closed. Nothing of what you asked for is left.";
/// The length at which bodies are cut off and streams are reset.
pub const KEPT: usize = 1000;

impl Change {
    pub const ALL: [Self; 21] = [
        Self::None,
        Self::Status,
        Self::Headers,
        Self::Replace,
        Self::ReplaceByNothing,
        Self::ReplaceBinary,
        Self::TruncateToNothing,
        Self::Truncate,
        Self::Corrupt,
        Self::MergePatch,
        Self::Delay,
        Self::NoContent,
        Self::RateLimit,
        Self::ReplaceAndRateLimit,
        Self::DelayAndTruncate,
        Self::Reset,
        Self::ResetAfter,
        Self::RequestDelay,
        Self::RequestReset,
        Self::Hang,
        Self::Abort,
    ];

    pub fn path(self) -> String {
        format!("/{self:?}")
    }

    /// The fields of its rule.
    fn faults(self) -> Value {
        // Fast enough that five megabytes take a negligible time.
        let rate = json!({ "fixed_limit": { "limit_kbps": 1024 * 1024 } });
        match self {
            Self::None => json!({}),
            Self::Status => json!({ "response": { "status": 503 } }),
            Self::Headers => json!({ "response": { "headers": {
                "set": { "x-set": "1" }, "add": { "x-added": ["1", "2"] }, "remove": ["x-upstream"],
            } } }),
            Self::Replace => json!({ "response": { "body": { "replace": REPLACEMENT } } }),
            Self::ReplaceByNothing => json!({ "response": { "body": { "replace": "" } } }),
            Self::ReplaceBinary => json!({ "response": { "body": { "replace_base64": "AP8Q" } } }),
            Self::TruncateToNothing => json!({ "response": { "body": { "truncate_bytes": 0 } } }),
            Self::Truncate => json!({ "response": { "body": { "truncate_bytes": KEPT } } }),
            Self::Corrupt => json!({ "response": { "body": { "corrupt": { "percentage": 100 } } } }),
            Self::MergePatch => json!({ "response": { "body": { "merge_patch": { "a": 1 } } } }),
            Self::Delay => json!({ "response": { "delay": { "fixed_delay": "5ms" } } }),
            Self::NoContent => json!({ "response": { "status": 204 } }),
            Self::RateLimit => json!({ "response_rate_limit": rate }),
            Self::ReplaceAndRateLimit => {
                json!({ "response": { "body": { "replace": REPLACEMENT } }, "response_rate_limit": rate })
            }
            Self::DelayAndTruncate => json!({ "response": {
                "delay": { "fixed_delay": "5ms" }, "body": { "truncate_bytes": KEPT },
            } }),
            Self::Reset => json!({ "response": { "reset": {} } }),
            Self::ResetAfter => json!({ "response": { "reset": { "after_bytes": KEPT } } }),
            Self::RequestDelay => json!({ "delay": { "fixed_delay": "5ms" } }),
            Self::RequestReset => json!({ "reset": {} }),
            Self::Hang => json!({ "hang": { "max": "5ms" } }),
            Self::Abort => json!({ "abort": { "http_status": 503 } }),
        }
    }

    pub fn rules() -> Value {
        let changes = Self::ALL.into_iter().filter(|change| *change != Self::None);
        changes
            .map(|change| {
                let name = format!("{change:?}").to_ascii_lowercase();
                let mut rule = rule(&name, &change.path(), "response", json!({}));
                rule.as_object_mut().expect("a rule").remove("response");
                rule.as_object_mut()
                    .expect("a rule")
                    .extend(change.faults().as_object().cloned().expect("faults"));
                rule
            })
            .collect()
    }

    /// Returns whether the reply must not arrive in full.
    pub fn cuts(self, answer: &Shape, method: &Method) -> bool {
        match self {
            Self::Reset | Self::RequestReset | Self::Hang => true,
            Self::ResetAfter => answer.carries_body(method) && answer.length > KEPT,
            _ => false,
        }
    }

    /// Returns whether the body that arrives is a different one, without the upstream's content coding.
    pub fn replaces(self) -> bool {
        matches!(
            self,
            Self::Replace
                | Self::ReplaceByNothing
                | Self::ReplaceBinary
                | Self::ReplaceAndRateLimit
                | Self::NoContent
                | Self::Abort
        )
    }

    /// Returns what must arrive of a reply that is not cut: status and body. `None` means a body that is only known to
    /// differ from the one that was sent.
    pub fn expected(self, answer: &Shape, method: &Method) -> (u16, Option<Vec<u8>>) {
        let head = method == Method::HEAD;
        let sent = answer.body(method);
        let cut = |length: usize| sent[..sent.len().min(length)].to_vec();
        let replaced = |by: &[u8]| {
            if head || answer.is_bodiless() { Vec::new() } else { by.to_vec() }
        };
        let status = answer.status;
        match self {
            Self::Status => (503, Some(sent)),
            Self::Replace | Self::ReplaceAndRateLimit => (status, Some(replaced(REPLACEMENT.as_bytes()))),
            Self::ReplaceByNothing => (status, Some(Vec::new())),
            Self::ReplaceBinary => (status, Some(replaced(&[0, 255, 16]))),
            Self::TruncateToNothing => (status, Some(Vec::new())),
            Self::Truncate | Self::DelayAndTruncate => (status, Some(cut(KEPT))),
            Self::Corrupt if !sent.is_empty() => (status, None),
            Self::NoContent => (204, Some(Vec::new())),
            Self::Abort => (503, Some(if head { Vec::new() } else { b"fault filter abort".to_vec() })),
            _ => (status, Some(sent)),
        }
    }
}

/// An answer of the upstream.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub status: u16,
    pub length: usize,
    /// In this many pieces, without declaring the length.
    pub pieces: Option<usize>,
    /// The content coding of the body, if it is compressed.
    pub coding: Option<Coding>,
}

/// A content coding, and JSON that is compressed by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Gzip,
    Brotli,
}

impl Coding {
    /// Returns its name in `content-encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }

    /// Returns a list of items, compressed by other tools than ours.
    pub fn compressed(self) -> &'static [u8] {
        match self {
            Self::Gzip => include_bytes!("items.json.gz"),
            Self::Brotli => include_bytes!("items.json.br"),
        }
    }
}

impl Shape {
    pub fn of(length: usize) -> Self {
        Self { status: 200, length, pieces: None, coding: None }
    }

    /// Returns an answer of `length` bytes, sent in this many pieces.
    pub fn in_pieces(length: usize, pieces: usize) -> Self {
        Self { pieces: Some(pieces), ..Self::of(length) }
    }

    /// Returns an answer whose body is compressed JSON.
    pub fn compressed(coding: Coding) -> Self {
        Self { coding: Some(coding), ..Self::of(coding.compressed().len()) }
    }

    pub fn bodiless(status: u16) -> Self {
        Self { status, ..Self::of(0) }
    }

    pub fn is_bodiless(&self) -> bool {
        matches!(self.status, 204 | 304)
    }

    fn carries_body(&self, method: &Method) -> bool {
        !self.is_bodiless() && method != Method::HEAD
    }

    /// Returns the body that the client gets if no rule touches it.
    pub fn body(&self, method: &Method) -> Vec<u8> {
        match self.coding {
            _ if !self.carries_body(method) => Vec::new(),
            Some(coding) => coding.compressed().to_vec(),
            None => pattern(0..self.length).to_vec(),
        }
    }

    pub fn answer(&self) -> Answer {
        let every =
            |pieces| if self.coding.is_some() { self.length.div_ceil(pieces) } else { self.length / pieces };
        let stream = self.pieces.map(|pieces| Stream { pieces, bytes: every(pieces), every_ms: 0 });
        let mut headers = vec![("x-upstream", "1")];
        if let Some(coding) = self.coding {
            headers.extend([("content-type", "application/json"), ("content-encoding", coding.name())]);
        }
        Answer {
            status: self.status,
            length: Some(self.length),
            bytes: self.coding.map(|coding| coding.compressed().to_vec()),
            headers: headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect(),
            stream,
            ..Answer::default()
        }
    }
}
