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
    /// Information about the experiment. It appears in logs, and does not affect the filter.
    #[derive(Debug, Clone, Default)]
    pub struct Experiment {
        /// The experiment's id in other systems.
        pub id: Option<String>,
        /// The person or team to contact.
        pub owner: Option<String>,
        /// The reason for the experiment.
        pub reason: Option<String>,
    }
}

object! {
    /// A whole document. An empty one does nothing.
    #[derive(Debug, Clone, Default)]
    pub struct Document {
        /// The mode: `inject` if absent.
        pub mode: Option<Mode>,
        /// The filter chain that the module is in: `downstream` if absent.
        pub placement: Option<Placement>,
        /// Information about the experiment.
        pub experiment: Option<Experiment>,
        /// The rules, in order: only the first rule that matches and takes a request applies to it.
        pub rules: Option<Rules>,
        /// Requests that are never touched: health probes if absent, none if empty.
        pub exclude: Option<Vec<Predicate>>,
        /// Limits on all rules together.
        pub limits: Option<Limits>,
        /// When injection stops automatically: never if absent.
        pub stop_when: Option<StopWhen>,
        /// Whether rules are also read from the metadata of routes and virtual hosts; those replace these rules.
        pub per_route: Option<bool>,
        /// How an exchange with an injected fault is marked.
        pub report: Option<Report>,
    }
}

object! {
    /// How an exchange with an injected fault is marked.
    #[derive(Debug, Clone)]
    pub struct Report {
        /// Whether the response has the header `x-brownout`: yes if absent.
        pub response_header: Option<bool>,
        /// Whether filter state for access logs is set: yes if absent.
        pub filter_state: Option<bool>,
    }
}

object! {
    /// A document in the metadata of a route or virtual host, which contains only rules.
    #[derive(Debug, Clone)]
    pub struct RouteDocument {
        /// The rules, as in [`Document`].
        pub rules: Rules,
    }
}
