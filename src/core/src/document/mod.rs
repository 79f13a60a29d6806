//! The document as it is written.

#[cfg(feature = "schema")]
pub mod json_schema;
pub mod mode;
pub mod rule;
pub mod rules;
pub mod sample;
pub mod schedule;

use crate::decode::object;
use crate::limit::Limits;
use crate::predicate::Predicate;
use crate::stop::StopWhen;
use alloc::string::String;
use alloc::vec::Vec;
use mode::{Mode, Placement};
use rules::Rules;

object! {
    /// What an experiment is for. It ends up in logs, and says nothing to the filter.
    #[derive(Debug, Clone, Default)]
    pub struct Experiment {
        /// What it is called elsewhere.
        pub id: Option<String>,
        /// Whom to ask about it.
        pub owner: Option<String>,
        /// Why it is done.
        pub reason: Option<String>,
    }
}

object! {
    /// A whole document. An empty one does nothing.
    #[derive(Debug, Clone, Default)]
    pub struct Document {
        /// How far it goes: `inject` if it is absent.
        pub mode: Option<Mode>,
        /// Which filter chain the module stands in: `downstream` if it is absent.
        pub placement: Option<Placement>,
        /// What it is for.
        pub experiment: Option<Experiment>,
        /// In order: the first rule that matches a request and takes it is the only one that it suffers.
        pub rules: Option<Rules>,
        /// Requests that are never touched: health probes, if it is absent; none, if it is empty.
        pub exclude: Option<Vec<Predicate>>,
        /// How much all rules together may do at most.
        pub limits: Option<Limits>,
        /// When injection stops by itself: never, if it is absent.
        pub stop_when: Option<StopWhen>,
        /// Whether rules are also read from the metadata of routes and virtual hosts; they replace these.
        pub per_route: Option<bool>,
        /// What an exchange that suffers a fault says about it.
        pub report: Option<Report>,
    }
}

object! {
    /// What an exchange that suffers a fault says about it.
    #[derive(Debug, Clone)]
    pub struct Report {
        /// Whether the response has the header `x-brownout`: yes, if it is absent.
        pub response_header: Option<bool>,
        /// Whether filter state for access logs is set: yes, if it is absent.
        pub filter_state: Option<bool>,
    }
}

object! {
    /// A document in the metadata of a route or virtual host: rules and nothing else.
    #[derive(Debug, Clone)]
    pub struct RouteDocument {
        /// As in [`Document`].
        pub rules: Rules,
    }
}
