//! Bytes as a document: either they are refused, with mistakes that can be logged, or they are accepted, and the
//! document can be printed, parsed again, explained and linted.

use brownout_core::lint::{self, Context};
use brownout_core::plan::route;
use brownout_core::value::timestamp::Timestamp;
use brownout_core::{Diagnostic, Plan, explain};

/// The longest that a mistake may be, whatever the document contains: each becomes a line of Envoy's log.
const LONGEST_LINE: usize = 1000;

pub fn run(input: &[u8]) {
    for mistake in route::read(input).err().iter().flatten() {
        assert_is_a_line(mistake);
    }
    match Plan::from_json(input) {
        Ok(plan) => check(&plan),
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a reason");
            mistakes.iter().for_each(assert_is_a_line);
        }
    }
}

/// Asserts what must hold for every plan.
pub fn check(plan: &Plan) {
    let printed = printed(plan);
    let again = Plan::from_json(printed.as_bytes()).unwrap_or_else(|found| panic!("{printed}: {found:?}"));
    assert_eq!(self::printed(&again), printed);
    assert_eq!(explain::document(&again), explain::document(plan));
    for strict in [false, true] {
        for lint in lint::plan(plan, Context { now: Some(Timestamp(0)), strict }) {
            assert_is_a_line(&lint);
        }
    }
}

fn printed(plan: &Plan) -> String {
    serde_json::to_string(plan.document()).expect("a document has a JSON form")
}

fn assert_is_a_line(mistake: &Diagnostic) {
    let line = mistake.to_string();
    assert!(!line.chars().any(char::is_control), "{line:?}");
    assert!(line.len() <= LONGEST_LINE, "{} bytes: {line}", line.len());
}
