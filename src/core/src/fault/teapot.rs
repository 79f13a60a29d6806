//! `teapot`: the request is answered with 418 (RFC 9110, section 15.5.19).

use super::{About, Begins, Fault};
use crate::decode::object;
use crate::effect::{Effects, End, Ending};
use crate::entropy::Entropy;
use crate::kind::Kind;
use crate::step::LocalReply;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::string::String;

object! {
    /// The request is answered by a teapot.
    #[derive(Debug, Clone)]
    pub struct Teapot {
        /// The body of the reply; empty if absent.
        pub verse: Option<String>,
        /// The share of the rule's requests that get tea: all if absent.
        pub percentage: Option<FractionalPercent>,
    }
}

impl Fault for Teapot {
    fn share(&self) -> Option<FractionalPercent> {
        self.percentage
    }

    fn apply(&self, _request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() {
            return false;
        }
        let body = self.verse.clone().unwrap_or_default().into();
        let (grpc_status, headers, details) = (None, [].into(), "brownout_teapot");
        let reply = LocalReply { status: 418, grpc_status, headers, body, details };
        // `Kind::Teapot`, once the list has it.
        let begins = Some(Kind::Abort);
        effects.end = Some(Ending { begins, how: End::Reply(reply) });
        true
    }
}

impl About for Teapot {
    const EXAMPLE: &'static str = r#"{"verse": "short and stout"}"#;
    const BEGINS: Begins = Begins::WithEnd;
    const ENDS: bool = true;
    const CHANGES_REQUEST: bool = false;
    const NEEDS_REQUEST_BODY: bool = false;
    const SEEN: Option<&'static str> = None;

    fn is_conditional(&self) -> bool {
        false
    }

    fn resets(&self) -> bool {
        false
    }

    fn answers_with(&self, status: u16) -> bool {
        status == 418
    }

    fn reply_headers(&self, _tell: &mut dyn FnMut(&str)) {}

    fn words(&self) -> String {
        "get tea instead of an answer".into()
    }
}
