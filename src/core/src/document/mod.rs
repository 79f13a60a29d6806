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
        /// The experiment behind the document: its id, its owner and the reason for it.
        pub experiment: Option<Experiment>,
        /// The rules, in order: only the first rule that matches and takes a request applies to it.
        pub rules: Option<Rules>,
        /// Requests that are never touched: health probes if absent, none if empty.
        pub exclude: Option<Vec<Predicate>>,
        /// Limits on all rules together.
        pub limits: Option<Limits>,
        /// The condition under which injection stops automatically: none if absent.
        pub stop_when: Option<StopWhen>,
        /// True to also read rules from the metadata of routes and virtual hosts; those replace these rules.
        pub per_route: Option<bool>,
        /// The ways to mark an exchange with an injected fault.
        pub report: Option<Report>,
    }
}

object! {
    /// The ways to mark an exchange with an injected fault.
    #[derive(Debug, Clone)]
    pub struct Report {
        /// Adds the header `x-brownout` to the response: true if absent.
        pub response_header: Option<bool>,
        /// Sets filter state for access logs: true if absent.
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
