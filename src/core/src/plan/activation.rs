//! Decides whether a rule takes a request that matches it, and which faults apply.

use crate::document::rule::{Action, Outcome, Rule};
use crate::document::sample::{Missing, Sample, point};
use crate::entropy::Entropy;
use crate::fault::Faults;
use crate::limit::allowance::Scope;
use crate::limit::tally::{Tally, next};
use crate::plan::life::Life;
use crate::time::{Clock, Instant};
use crate::value::percent::WHOLE;
use crate::view::RequestView;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Everything that a decision may depend on besides the request.
pub struct Circumstances<'a> {
    pub entropy: &'a mut dyn Entropy,
    pub clock: &'a dyn Clock,
    /// The time at which the document arrived, if it is known.
    pub arrived: Option<Instant>,
    pub tally: &'a mut dyn Tally,
    /// The life of the document, if it is a route's.
    pub life: Option<&'a Life>,
}

impl Circumstances<'_> {
    /// Returns the names under which a rule is counted.
    pub fn scope(&self, rule: &Rule) -> Scope {
        let name = rule.name.shared();
        match self.life {
            Some(life) => life.scope(&name),
            None => Scope { counts: Rc::clone(&name), places: name },
        }
    }
}

impl Rule {
    /// Returns how much of its percentage the rule has now, in millionths; `None` if it is not live by its schedule.
    pub fn level(&self, clock: &dyn Clock, arrived: Option<Instant>) -> Option<u32> {
        self.schedule.as_ref().map_or(Some(WHOLE), |schedule| schedule.level(clock, arrived))
    }

    /// Returns whether the rule needs counters of its own, for limits or for its sample.
    pub fn counts(&self) -> bool {
        self.limits.is_some() || self.sample.as_ref().is_some_and(Sample::counts)
    }

    /// Returns the faults for a request that matches, if the rule takes it.
    pub fn take(
        &self,
        level: u32,
        request: &dyn RequestView,
        around: &mut Circumstances<'_>,
    ) -> Option<&Faults> {
        if let Some(sample) = &self.sample
            && sample.counts()
        {
            let scope = around.scope(self);
            if !sample.includes_ordinal(next(around.tally, &scope.counts)?) {
                return None;
            }
        }
        let share = self.share(level);
        match &self.action {
            Action::Faults(faults) => {
                let certain = share == WHOLE && !self.is_sticky();
                (certain || self.draw(share, request, around)?.first < share).then_some(faults)
            }
            Action::Outcomes(outcomes) => {
                let drawn = self.draw(share, request, around)?;
                let chosen = drawn.outcome(outcomes).and_then(|place| outcomes.get(place));
                chosen.filter(|_| drawn.first < share).map(|outcome| &outcome.faults)
            }
        }
    }

    /// Returns the share of matching requests that the rule takes at this level of its schedule, in millionths.
    pub fn share(&self, level: u32) -> u32 {
        scaled(self.percentage.millionths(), level)
    }

    fn is_sticky(&self) -> bool {
        self.sample.as_ref().is_some_and(|sample| sample.by.is_some())
    }

    /// Draws for the request: by its key, or by chance. `None` if it has no key and is skipped, or if the share is 0.
    fn draw(&self, share: u32, request: &dyn RequestView, around: &mut Circumstances<'_>) -> Option<Drawn> {
        if share == 0 {
            return None;
        }
        match self.by_key(request) {
            None => Some(Drawn::of(around.entropy.next_u64())),
            Some(ByKey::Key(_, drawn)) => Some(drawn),
            Some(ByKey::Missing(Missing::Random)) => Some(Drawn::of(around.entropy.next_u64())),
            Some(ByKey::Missing(Missing::Skip)) => None,
        }
    }

    /// Returns what the request's key decides: `None` for a rule that does not sample by key.
    pub fn by_key(&self, request: &dyn RequestView) -> Option<ByKey> {
        let sample = self.sample.as_ref()?;
        let by = sample.by.as_ref()?;
        Some(match by.of(request).filter(|key: &Vec<u8>| !key.is_empty()) {
            Some(key) => {
                let drawn = Drawn::of(point(self.salt(), &key));
                ByKey::Key(key, drawn)
            }
            None => ByKey::Missing(sample.missing.unwrap_or_default()),
        })
    }

    /// Returns the salt that is hashed with a key.
    pub fn salt(&self) -> &str {
        let salt = self.sample.as_ref().and_then(|sample| sample.salt.as_deref());
        salt.unwrap_or(self.name.as_str())
    }
}

/// The result of looking for a request's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ByKey {
    /// The key, and its draw, which is always the same.
    Key(Vec<u8>, Drawn),
    /// The request has no key, so the sample's `missing` applies.
    Missing(Missing),
}

/// One draw, as two independent numbers below [`WHOLE`]. With a single number, raising the percentage would move
/// requests that are already taken from one outcome to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// Decides whether the rule takes the request: it does if this is below its share.
    pub first: u32,
    /// Decides which outcome applies.
    pub second: u32,
}

impl Drawn {
    fn of(bits: u64) -> Self {
        let whole = u64::from(WHOLE);
        let [first, second] =
            [bits % whole, bits / whole % whole].map(|part| u32::try_from(part).unwrap_or(0));
        Self { first, second }
    }

    /// Returns the index of the outcome that it selects, if any.
    pub fn outcome(self, outcomes: &[Outcome]) -> Option<usize> {
        let mut until = 0;
        outcomes.iter().position(|outcome| {
            until += outcome.percentage.millionths();
            self.second < until
        })
    }
}

/// Returns `part` of `share`, both in millionths.
fn scaled(part: u32, share: u32) -> u32 {
    let product = u64::from(part) * u64::from(share) / u64::from(WHOLE);
    u32::try_from(product).unwrap_or(WHOLE)
}
