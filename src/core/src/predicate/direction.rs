//! The direction of a listener.

use crate::decode::words;
use crate::view::{Property, RequestView};

words! {
    /// The direction of the traffic that a listener takes, as its `traffic_direction` says.
    pub enum TrafficDirection as "direction", expected "`inbound` or `outbound`" {
        /// To the workload beside the proxy.
        Inbound = "inbound",
        /// From it.
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
