//! `delay`: the request waits before it is forwarded.

use super::{Effects, Fault};
use crate::decode::{Decoder, object};
use crate::diagnostic::Code;
use crate::duration::Written;
use crate::entropy::Entropy;
use crate::percent::FractionalPercent;
use crate::view::RequestView;

object! {
    /// How long a request waits.
    #[derive(Debug, Clone)]
    pub struct Delay {
        /// Always this long. More than nothing, at most an hour.
        pub fixed_delay: Written,
        /// The share of the rule's requests that wait: all, if it is absent.
        pub percentage: Option<FractionalPercent>,
    }
    later ["uniform", "normal", "lognormal", "exponential", "pareto", "percentiles", "header_delay", "max"]
    check Self::check
}

impl Delay {
    fn check(&self, decoder: &mut Decoder) -> Option<()> {
        if !self.fixed_delay.get().is_zero() {
            return Some(());
        }
        decoder.field("fixed_delay", |d| {
            d.refuse::<()>(Code::OutOfRange, "invalid duration", "a delay of nothing does nothing");
            d.help("leave `delay` out, or give it a duration")
        })
    }
}

impl Fault for Delay {
    fn percentage(&self) -> FractionalPercent {
        self.percentage.unwrap_or(FractionalPercent::ALWAYS)
    }

    fn apply(&self, _request: &dyn RequestView, _entropy: &mut dyn Entropy, effects: &mut Effects) -> bool {
        effects.hold = Some(self.fixed_delay.get());
        true
    }
}
