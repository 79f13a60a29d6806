//! Documents generated from the JSON Schema, valid or nearly so: what [`crate::document`] asserts holds for them, and
//! a plan's explanation of a request agrees with what the plan does.

use crate::{document, exchange, grammar};
use arbitrary::Unstructured;
use brownout_core::Plan;
use brownout_core::explain::Trace;
use brownout_core::explain::trace::Verdict;

pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let text = grammar::document(&mut input, grammar::Care::Little);
    document::run(text.as_bytes());
    let Ok(mut plan) = Plan::from_json(text.as_bytes()) else { return };
    let request = exchange::Request::any(&mut input);
    plan.settle(&|property| request.fact(property));
    let clock = exchange::clocks(&mut input);
    let arrived = clock.monotonic.get();
    let trace = Trace::new(&plan, &request, &clock, arrived);
    assert_eq!(trace.excluded.is_some(), plan.excludes(&request));
    for (rule, told) in plan.rules().iter().zip(&trace.rules) {
        let holds = rule.matches.as_ref().is_none_or(|predicate| {
            assert_eq!(predicate.matches(&request), predicate.failing(&request).is_none(), "{text}");
            predicate.matches(&request)
        });
        assert!(told.verdict != Verdict::Differs || !holds, "{text}: {told:?}");
        if let Verdict::Matches(odds) = &told.verdict {
            let likelihood = odds.likelihood(rule);
            assert!(holds && likelihood.is_none_or(|share| (0.0..=1.0).contains(&share)), "{text}: {told:?}");
        }
    }
}
