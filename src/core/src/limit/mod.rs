//! How much a document may do at most, counted over all workers of a proxy.

pub mod allowance;
pub mod ledger;
pub mod limits;
pub mod recent;
pub mod tally;
