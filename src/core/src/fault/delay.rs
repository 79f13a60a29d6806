//! `delay`: the request waits before it is forwarded.

use super::Fault;
use crate::change::header_control;
use crate::change::length::Length;
pub use crate::change::wait::Wait as Delay;
use crate::decode::Nothing;
use crate::effect::Effects;
use crate::entropy::Entropy;
use crate::value::percent::FractionalPercent;
use crate::view::RequestView;

impl Fault for Delay {
    fn percentage(&self, request: &dyn RequestView) -> FractionalPercent {
        let percentage = self.percentage.unwrap_or(FractionalPercent::ALWAYS);
        match self.length {
            Length::Header(Nothing) => {
                header_control::limited(percentage, header_control::DELAY_PERCENTAGE, request)
            }
            _ => percentage,
        }
    }

    /// A length that comes out as nothing is no delay.
    fn apply(&self, request: &dyn RequestView, entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        effects.delay = self.length(request, entropy);
        effects.delay.is_some()
    }
}
