//! One exchange on one side, as its client and the access log saw it.

use crate::expected::Expected;
use crate::log::Entry;
use bytes::Bytes;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;
use support::client::{Cut, Reply};
use support::upstream::Answer;

/// The filter of a listener of the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The fault filter that comes with Envoy.
    Native,
    Ours,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Native, Self::Ours];

    /// The end of its listeners' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Ours => "ours",
        }
    }
}

/// A whole reply, without what differs between any two replies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// All headers, sorted by name; the values of one name in their order.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Bytes,
    /// All trailers, sorted like the headers.
    pub trailers: Vec<(String, Vec<u8>)>,
}

/// One exchange as seen from outside: two are equal if the filters cannot be told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The reply; `None` if it was cut off. One of its headers holds the request as the upstream got it.
    pub answered: Option<Answered>,
    /// True if the filter reports a delay.
    pub delayed: bool,
    /// True if the filter reports an abort.
    pub aborted: bool,
    /// Envoy's flags without those of the native filter.
    pub flags: BTreeSet<String>,
    /// Envoy's details, with those of the native filter by the name of ours.
    pub details: Option<String>,
}

/// Headers whose values differ between any two replies.
const RESTLESS: [&str; 2] = ["date", "x-envoy-upstream-service-time"];

impl Seen {
    /// Combines the client's view with the access log's.
    pub fn new(reply: &Result<Reply, Cut>, entry: &Entry, side: Side) -> Self {
        let (delayed, aborted) = entry.faults(side);
        let own = ["-", "DI", "FI"];
        let flags = entry.flags.split(',').filter(|flag| !own.contains(flag)).map(str::to_owned).collect();
        let renamed = |text: &String| match side {
            Side::Native => text.replace("fault_filter_abort", "brownout_abort"),
            Side::Ours => text.clone(),
        };
        let details = entry.details.as_ref().map(renamed);
        Self { answered: reply.as_ref().ok().map(answered), delayed, aborted, flags, details }
    }

    /// The first value of a header of the reply.
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = &self.answered.as_ref()?.headers;
        let (_, value) = headers.iter().find(|(other, _)| other == name)?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Returns whether the upstream got the request.
    pub fn forwarded(&self) -> bool {
        self.header(Answer::ECHO).is_some()
    }
}

fn answered(reply: &Reply) -> Answered {
    Answered {
        status: reply.status.as_u16(),
        headers: sorted(&reply.headers),
        body: reply.body.clone(),
        trailers: sorted(&reply.trailers),
    }
}

fn sorted(headers: &http::HeaderMap) -> Vec<(String, Vec<u8>)> {
    let value = |name: &str, value: &http::HeaderValue| match RESTLESS.contains(&name) {
        true => b"(whatever)".to_vec(),
        false => value.as_bytes().to_vec(),
    };
    let pairs = headers.iter().map(|(name, v)| (name.as_str().to_owned(), value(name.as_str(), v)));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    pairs
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  delayed: {}, aborted: {}, flags: {:?}, details: {:?}",
            self.delayed, self.aborted, self.flags, self.details
        )?;
        let Some(answered) = &self.answered else { return writeln!(f, "  cut off") };
        writeln!(f, "  status {}", answered.status)?;
        for (name, value) in answered.headers.iter().chain(&answered.trailers) {
            writeln!(f, "  {name}: {}", value.escape_ascii())?;
        }
        writeln!(f, "  {}", answered.body.escape_ascii())
    }
}

/// An exchange on both sides.
#[derive(Debug, Clone)]
pub struct Both {
    /// The case and the request.
    pub what: String,
    pub native: Seen,
    pub ours: Seen,
    /// The time until each reply, the native filter's first.
    pub took: [Duration; 2],
}

impl Both {
    /// Asserts that this was seen, under the native filter and under ours.
    pub fn assert_expected(&self, expected: [Expected; 2]) {
        expected[0].check(&self.native, &format!("{}, native", self.what));
        expected[1].check(&self.ours, &format!("{}, ours", self.what));
    }

    /// Asserts that the filters cannot be told apart.
    pub fn assert_same(&self) {
        if let Some(difference) = self.difference() {
            panic!("{difference}");
        }
    }

    /// Returns the two sides if the filters can be told apart. The body of an abort that must not have one does not
    /// count: it is a documented difference (`body_of_204_and_304`).
    pub fn difference(&self) -> Option<String> {
        let Self { native, ours, what, .. } = self;
        let mut native = native.clone();
        if native.aborted
            && let Some(answered) =
                native.answered.as_mut().filter(|answered| matches!(answered.status, 204 | 304))
        {
            answered.body = Bytes::new();
            answered.headers.retain(|(name, _)| !["content-length", "content-type"].contains(&name.as_str()));
        }
        (native != *ours).then(|| format!("{what}\nnative:\n{native}ours:\n{ours}"))
    }

    /// Asserts that the filters can be told apart.
    pub fn assert_different(&self) {
        assert_ne!(self.native, self.ours, "{}: no longer a difference", self.what);
    }
}
