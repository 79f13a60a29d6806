//! Identifiers of rules, exchanges and message directions.

/// The id of a rule: its index in the document. Rules from routes get numbers after those.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub usize);

impl RuleId {
    /// The id of route rules beyond the numbering limit: they work, but have no number of their own.
    pub const UNNUMBERED: Self = Self(usize::MAX);
}

/// The id of an exchange: unique among the exchanges in progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId(pub u32);

/// The direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// From the client to the backend.
    Request,
    /// From the backend to the client.
    Response,
}
