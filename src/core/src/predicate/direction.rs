//! The direction of a listener.

use crate::decode::words;
use crate::view::{Property, RequestView};

words! {
    /// The direction of a listener's traffic, from its `traffic_direction`.
    pub enum TrafficDirection as "direction", expected "`inbound` or `outbound`" {
        /// To the proxy's own workload.
        Inbound = "inbound",
        /// From the proxy's own workload.
        Outbound = "outbound",
    }
}

impl TrafficDirection {
    pub(super) fn matches(self, request: &dyn RequestView) -> bool {
        let wanted: u8 = match self {
            Self::Inbound => 1,
            Self::Outbound => 2,
        };
        request.property(Property::ListenerDirection).is_some_and(|value| value.first() == Some(&wanted))
    }
}
