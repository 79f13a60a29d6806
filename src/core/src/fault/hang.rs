//! `hang`: the request is held and never answered; the stream is eventually reset.

use super::{About, Begins, Fault};
use crate::decode::diagnostic::Code;
use crate::decode::{Decoder, Refused, object};
use crate::effect::{Effects, End, Ending};
use crate::entropy::Entropy;
use crate::value::duration::Written;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use crate::words::length;
use alloc::format;
use alloc::string::String;

object! {
    /// The request is never answered.
    #[derive(Debug, Clone)]
    pub struct Hang {
        /// The time until the stream is reset, up to an hour, after a delay if there is one.
        pub max: Written,
        /// The share of the rule's requests that hang: all if absent.
        pub percentage: Option<FractionalPercent>,
    }
    check Self::check
}

impl Hang {
    fn check(&self, decoder: &mut Decoder) -> Result<(), Refused> {
        if self.max.get().is_zero() {
            decoder.field("max", |d| {
                d.refuse_with_help(
                    Code::OutOfRange,
                    "invalid duration",
                    "must be greater than zero",
                    "to reset the stream at once, use `\"reset\": {}`",
                )
            })
        } else {
            Ok(())
        }
    }
}

impl Fault for Hang {
    fn share(&self) -> Option<FractionalPercent> {
        self.percentage
    }

    /// Does nothing if the request is already aborted or reset.
    fn apply(&self, _request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        if effects.end.is_some() {
            return false;
        }
        effects.hang = Some(self.max.get());
        // The fault is the waiting, which begins at once.
        effects.end = Some(Ending { begins: None, how: End::Reset });
        true
    }
}

impl About for Hang {
    const EXAMPLE: &'static str = r#"{"max": "60s"}"#;
    const BEGINS: Begins = Begins::WithRequest;
    const ENDS: bool = true;
    const CHANGES_REQUEST: bool = false;
    const NEEDS_REQUEST_BODY: bool = false;
    const SEEN: Option<&'static str> = Some("hangs");

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
        format!("get no answer for {}, and then have their streams reset", length(self.max))
    }
}
