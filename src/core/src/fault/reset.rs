//! `reset`: the stream is reset instead of the request being forwarded.

use crate::decode::object;
use crate::effect::{Effects, End, Ending};
use crate::entropy::Entropy;
use crate::fault::Fault;
use crate::kind::Kind;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;

object! {
    /// The stream is reset: `RST_STREAM` in HTTP/2 (RFC 9113, section 6.4), and in HTTP/1.1 the connection is closed
    /// without a reply.
    #[derive(Debug, Clone)]
    pub struct Reset {
        /// The share of the rule's requests that are reset: all, if it is absent.
        pub percentage: Option<FractionalPercent>,
    }
}

impl Fault for Reset {
    fn percentage(&self, _request: &dyn RequestView) -> FractionalPercent {
        self.percentage.unwrap_or(FractionalPercent::ALWAYS)
    }

    /// A request that is aborted has its end already.
    fn apply(&self, _request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() {
            return false;
        }
        effects.end = Some(Ending { begins: Some(Kind::Reset), how: End::Reset });
        true
    }
}
