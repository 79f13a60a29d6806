//! The mode of a document, and the placement of its module.

use crate::decode::words;

words! {
    /// The mode: inject faults, only count them, or do nothing.
    #[derive(PartialOrd, Ord, Default)]
    pub enum Mode as "mode", expected "`inject`, `shadow` or `off`" {
        /// Requests are not inspected.
        Off = "off",
        /// Faults that would be injected are counted, but nothing is changed.
        Shadow = "shadow",
        /// Faults are injected.
        #[default]
        Inject = "inject",
    }
}

words! {
    /// The Envoy filter chain that the module is in.
    #[derive(Default)]
    pub enum Placement as "placement", expected "`downstream` or `upstream`" {
        /// The listener's, before the router: one exchange for each request.
        #[default]
        Downstream = "downstream",
        /// A cluster's, after the router: one exchange for each attempt. There, an abort replaces the backend's
        /// response, because the router would not retry after a filter's local reply.
        Upstream = "upstream",
    }
}
