//! Rules with conditions of every kind, and requests with arbitrary bytes: the engine picks the first rule whose
//! condition holds on its own, however it searches; `not`, `all` and `any` mean what they say.

use crate::{exchange, grammar};
use arbitrary::Unstructured;
use brownout_core::id::ExchangeId;
use brownout_core::step::HeadersStep;
use brownout_core::{Engine, Plan};
use serde_json::{Value, json};

pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let mut predicates = Vec::new();
    for _ in 0..=input.int_in_range(0..=5).unwrap_or(0) {
        predicates.push(grammar::of_definition("Predicate", &mut input, grammar::Care::Much));
    }
    let request = exchange::Request::any(&mut input);
    let Some(settled) = plan(&predicates, &request) else { return };
    let holds: Vec<bool> =
        settled.rules().iter().map(|rule| holds(rule.matches.as_ref(), &request)).collect();

    let mut engine = Engine::new(settled, exchange::Seeded(0));
    let found = match engine.on_request_headers(ExchangeId(1), &request, &exchange::clocks(&mut input)) {
        HeadersStep::Continue => None,
        HeadersStep::Reply(reply) => Some(usize::from(reply.status) - 500),
        step => panic!("{step:?}"),
    };
    let expected = holds.iter().position(|holds| *holds);
    assert_eq!(found, expected, "{predicates:?} {request:?}");

    let (first, last) = (&predicates[0], &predicates[predicates.len() - 1]);
    let (a, b) = (holds[0], holds[predicates.len() - 1]);
    let composed = [
        (json!({ "not": first }), !a),
        (json!({ "all": [first, last] }), a && b),
        (json!({ "any": [first, last] }), a || b),
        (json!({ "not": { "all": [{ "not": first }, { "not": last }] } }), a || b),
    ];
    let (composed, expected): (Vec<_>, Vec<_>) = composed.into_iter().unzip();
    // A composition that is nested too deep, or has too many patterns, is refused.
    let Some(plan) = plan(&composed, &request) else { return };
    let found: Vec<_> =
        plan.rules().iter().map(|rule| self::holds(rule.matches.as_ref(), &request)).collect();
    assert_eq!(found, expected, "{composed:?} {request:?}");
}

fn holds(predicate: Option<&brownout_core::predicate::Predicate>, request: &exchange::Request) -> bool {
    predicate.is_none_or(|predicate| predicate.matches(request))
}

/// Returns a plan in which the first of these predicates that holds answers with 500 plus its index.
fn plan(predicates: &[Value], request: &exchange::Request) -> Option<Plan> {
    let rules = predicates.iter().enumerate().map(|(place, predicate)| {
        json!({ "name": format!("r{place}"), "match": predicate, "percentage": 100,
            "abort": { "http_status": 500 + place } })
    });
    let document = json!({ "exclude": [], "rules": rules.collect::<Vec<_>>() });
    let mut plan = Plan::from_json(document.to_string().as_bytes()).ok()?;
    plan.settle(&|property| request.fact(property));
    Some(plan)
}
