//! `reset`: the stream is reset instead of the request being forwarded.

use super::{About, Begins, Fault};
use crate::decode::object;
use crate::effect::{Effects, End, Ending};
use crate::entropy::Entropy;
use crate::kind::Kind;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::string::String;

object! {
    /// The stream is reset: `RST_STREAM` in HTTP/2 (RFC 9113, section 6.4), and in HTTP/1.1 the connection is closed
    /// without a reply.
    #[derive(Debug, Clone)]
    pub struct Reset {
        /// The share of the rule's requests that are reset: all if absent.
        pub percentage: Option<FractionalPercent>,
    }
}

impl Fault for Reset {
    fn share(&self) -> Option<FractionalPercent> {
        self.percentage
    }

    /// Does nothing if the request is already aborted.
    fn apply(&self, _request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() {
            return false;
        }
        effects.end = Some(Ending { begins: Some(Kind::Reset), how: End::Reset });
        true
    }
}

impl About for Reset {
    const EXAMPLE: &'static str = r#"{}"#;
    const BEGINS: Begins = Begins::WithEnd;
    const ENDS: bool = true;
    const CHANGES_REQUEST: bool = false;
    const NEEDS_REQUEST_BODY: bool = false;
    const SEEN: Option<&'static str> = None;

    fn is_conditional(&self) -> bool {
        false
    }

    fn resets(&self) -> bool {
        true
    }

    fn answers_with(&self, _status: u16) -> bool {
        false
    }

    fn reply_headers(&self, _tell: &mut dyn FnMut(&str)) {}

    fn words(&self) -> String {
        "have their streams reset instead of being forwarded".into()
    }
}
