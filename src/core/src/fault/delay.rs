//! `delay`: the request waits before it is forwarded.

use super::{About, Begins, Fault};
use crate::change::header_control;
use crate::change::length::Length;
pub use crate::change::wait::Wait as Delay;
use crate::decode::Nothing;
use crate::effect::Effects;
use crate::entropy::Entropy;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;
use alloc::format;
use alloc::string::String;

impl Fault for Delay {
    fn share(&self) -> Option<FractionalPercent> {
        self.percentage
    }

    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        let percentage = self.percentage.unwrap_or(FractionalPercent::ALWAYS);
        match self.length {
            Length::Header(Nothing) => {
                header_control::limited(percentage, header_control::DELAY_PERCENTAGE, request)
            }
            _ => percentage,
        }
    }

    /// A length of zero counts as no delay.
    fn apply(&self, request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        effects.delay = self.length(request, entropy);
        effects.delay.is_some()
    }
}

impl About for Delay {
    const EXAMPLE: &'static str = r#"{"fixed_delay": "250ms"}"#;
    const BEGINS: Begins = Begins::WithRequest;
    const ENDS: bool = false;
    const CHANGES_REQUEST: bool = false;
    const NEEDS_REQUEST_BODY: bool = false;
    const SEEN: Option<&'static str> = None;

    fn is_conditional(&self) -> bool {
        matches!(self.length, Length::Header(Nothing))
    }

    fn resets(&self) -> bool {
        false
    }

    fn answers_with(&self, _status: u16) -> bool {
        false
    }

    fn reply_headers(&self, _tell: &mut dyn FnMut(&str)) {}

    fn words(&self) -> String {
        let comma = if self.max.is_some() { "," } else { "" };
        format!("wait {}{comma} before they are forwarded", self.how_long())
    }
}
