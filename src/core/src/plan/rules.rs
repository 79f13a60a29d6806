//! Rules in order, with an index of those that a request can match.

use crate::document::mode::Mode;
use crate::document::rule::Rule;
use crate::document::rules::Rules;
use crate::effect::Effects;
use crate::id::RuleId;
use crate::kind::Kinds;
use crate::limit::Limits;
use crate::limit::allowance::Scope;
use crate::plan::activation::Circumstances;
use crate::plan::index::Index;
use crate::predicate::Predicate;
use crate::value::timestamp::Timestamp;
use crate::view::RequestView;
use crate::view::effort::{Effort, Watched};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// A rule's decision to act on a request.
#[derive(Debug)]
pub struct Decision {
    /// The rule that took the request.
    pub rule: RuleId,
    pub name: Rc<str>,
    /// The names under which it is counted.
    pub scope: Scope,
    pub limits: Option<Limits>,
    /// The mode in force: inject, or only count.
    pub mode: Mode,
    pub effects: Effects,
    /// The kinds of faults involved.
    pub kinds: Kinds,
}

/// A rule that can do something.
#[derive(Debug, Clone)]
struct Live {
    /// Its place in the document.
    place: usize,
    id: RuleId,
    /// The mode in force for it.
    mode: Mode,
}

/// The rules of one document, with an index of those that can do something.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Rules,
    live: Vec<Live>,
    index: Index,
}

impl RuleSet {
    /// Creates a rule set under a document's mode, which limits what each rule may do. `id` assigns each its number.
    pub fn new(rules: Rules, mode: Mode, mut id: impl FnMut(usize, &Rule) -> RuleId) -> Self {
        let mut live = Vec::new();
        for (place, rule) in rules.as_slice().iter().enumerate() {
            let mode = mode.min(rule.mode.unwrap_or_default());
            let hopeless = rule.matches.as_ref().is_some_and(Predicate::is_hopeless);
            if mode != Mode::Off && !hopeless {
                let id = id(place, rule);
                // A rule that counts needs a stored name, and the number of stored names is bounded.
                if id != RuleId::UNNUMBERED || !rule.counts() {
                    live.push(Live { place, id, mode });
                }
            }
        }
        let rule = |live: &Live| rules.as_slice().get(live.place);
        let index = Index::new(live.iter().map(|live| rule(live).and_then(|rule| rule.matches.as_ref())));
        Self { rules, live, index }
    }

    /// Returns whether a limit depends on the number of requests.
    pub fn limit_share(&self) -> bool {
        let rules = self.live.iter().filter_map(|live| self.rules.as_slice().get(live.place));
        rules.filter_map(|rule| rule.limits.as_ref()).any(Limits::limit_share)
    }

    /// Returns whether a rule counts anything, or depends on when the document arrived.
    pub fn have_a_life(&self) -> bool {
        let mut rules = self.live.iter().filter_map(|live| self.rules.as_slice().get(live.place));
        rules.any(|rule| rule.counts() || rule.schedule.is_some())
    }

    /// Returns whether no request can get a fault.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Returns when the last rule ends: `None` if one of them has no end.
    pub fn end(&self) -> Option<Timestamp> {
        let rules = self.live.iter().filter_map(|live| self.rules.as_slice().get(live.place));
        let ends = rules.map(|rule| rule.schedule.as_ref()?.not_after);
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Chooses the first rule that matches the request and takes it. `matched` is called for each rule that matches,
    /// and with `None` for each rule that is too expensive to evaluate; `excluded` is called once, at the first match.
    pub fn decide(
        &self,
        request: &dyn RequestView,
        around: &mut Circumstances<'_>,
        excluded: &dyn Fn(&dyn RequestView) -> bool,
        matched: &mut dyn FnMut(Option<RuleId>),
    ) -> Option<Decision> {
        let mut asked = false;
        let effort = Effort::default();
        let watched = Watched { request, effort: &effort };
        for position in self.index.candidates(request) {
            let Some(Live { place, id, mode }) = self.live.get(position) else { continue };
            let Some(rule) = self.rules.as_slice().get(*place) else { continue };
            let Some(level) = rule.level(around.clock, around.arrived) else { continue };
            let matches = rule.matches.as_ref().is_none_or(|predicate| predicate.matches(&watched));
            if effort.was_short() {
                matched(None);
                continue;
            }
            if !matches {
                continue;
            }
            // If it is unknown whether the request is excluded, it counts as excluded.
            if !asked && (excluded(&watched) || effort.was_short()) {
                return None;
            }
            asked = true;
            matched(Some(*id));
            if let Some(faults) = rule.take(level, request, around) {
                let (effects, kinds) = faults.draw(request, around.entropy);
                let (name, scope) = (rule.name.shared(), around.scope(rule));
                let (rule, limits, mode) = (*id, rule.limits, *mode);
                return Some(Decision { rule, name, scope, limits, mode, effects, kinds });
            }
        }
        None
    }
}
