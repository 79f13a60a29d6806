//! Properties that hold for every kind of fault.

use brownout_core::decode::Decoder;
use brownout_core::decode::json::Json;
use brownout_core::document::rule::Outcome;
use brownout_core::entropy::Sequence;
use brownout_core::fault::{Begins, Faults};
use brownout_core::kind::{Kind, Kinds};
use brownout_core::sim::Head;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn the_example_of_every_kind_is_one_of_its_kind_and_does_what_it_says() {
    for kind in Kind::ALL {
        let rule = format!(r#"{{"percentage": 1, "{}": {}}}"#, kind.name(), kind.example());
        let outcome: Outcome = Decoder::decode(&Json::parse(rule.as_bytes()).unwrap()).unwrap();
        let faults = outcome.faults;
        let lines = faults.lines();
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!((line.kind, line.share, line.is_conditional), (*kind, None, false));
        assert!(!line.words.is_empty());
        let (effects, kinds) = faults.draw(&Head { has_body: true, ..Head::default() }, &mut Sequence(1));
        assert_eq!(kinds.iter().collect::<Vec<_>>(), [*kind]);
        assert_eq!(effects.end.is_some(), kind.ends(), "{}", kind.name());
        assert_eq!(effects.request.is_some(), kind.changes_request(), "{}", kind.name());
        let with_response = effects.response.is_some() || effects.response_rate.is_some();
        assert_eq!(with_response, kind.begins() == Begins::WithResponse, "{}", kind.name());
        if kind.needs_request_body() {
            let (_, kinds) = faults.draw(&Head { has_body: false, ..Head::default() }, &mut Sequence(1));
            assert!(kinds.is_empty(), "{}", kind.name());
        }
        assert!(
            faults.reset() || effects.end.is_none() || (100..600).any(|status| faults.answer_with(status))
        );
    }
}

#[test]
fn all_kinds_fit_into_a_set() {
    assert!(Kind::ALL.len() <= 16);
    assert_eq!(Kind::ALL.len(), Faults::FIELDS.len());
    let all: Kinds = Kind::ALL.iter().copied().collect();
    assert_eq!(all.iter().collect::<Vec<_>>(), Kind::ALL);
}
