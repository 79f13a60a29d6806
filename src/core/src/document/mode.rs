//! How far a document goes, and where its module is.

use crate::decode::words;

words! {
    /// How far a document goes.
    #[derive(PartialOrd, Ord, Default)]
    pub enum Mode as "mode", expected "`inject`, `shadow` or `off`" {
        /// Nothing is looked at.
        Off = "off",
        /// What would be done is counted, and nothing is touched.
        Shadow = "shadow",
        /// Faults are injected.
        #[default]
        Inject = "inject",
    }
}

words! {
    /// Which of Envoy's filter chains a document's module is in.
    #[derive(Default)]
    pub enum Placement as "placement", expected "`downstream` or `upstream`" {
        /// The listener's, before the router: one exchange for each request.
        #[default]
        Downstream = "downstream",
        /// A cluster's, after the router: one exchange for each attempt. There, an abort takes the place of the backend's
        /// response, since the router would not try again after a reply of a filter's own.
        Upstream = "upstream",
    }
}
