//! Which rule, which exchange, which of its messages.

/// Which rule: its place in the document, or for rules of routes, a number beyond that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub usize);

impl RuleId {
    /// A rule of a route that came after too many others: it works, and has no number of its own.
    pub const UNNUMBERED: Self = Self(usize::MAX);
}

/// Which exchange: a number that no two exchanges under way share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u32);

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the client to the backend.
    Request,
    /// Back.
    Response,
}
